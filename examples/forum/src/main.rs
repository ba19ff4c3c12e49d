//! The forum as a program: one process of it, and what fills its database.

#![allow(
    clippy::doc_markdown,
    reason = "doc comments become help texts, in which backticks are noise"
)]

use std::{error::Error, future, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use forum::Forum;

/// A forum, to be served by several processes of this program.
#[derive(Debug, Parser)]
#[command(name = "forum", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    database: Database,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve it, as one process
    Serve {
        /// The Unix socket to listen on [default: 127.0.0.1 and the port in PORT]
        socket: Option<PathBuf>,

        /// Let each page take this many milliseconds longer to render
        #[arg(long, env = "FORUM_RENDER_MS", value_name = "MS", default_value_t = 0)]
        render_ms: u64,

        /// Let each page take this many milliseconds of a processor to render
        #[arg(long, env = "FORUM_COMPUTE_MS", value_name = "MS", default_value_t = 0)]
        compute_ms: u64,
    },
    /// Fill an empty database with a few people, whose password is "passenger", and
    /// with what they have said
    ///
    /// To look at, and to measure: everybody knows that password.
    Seed {
        /// As many further topics
        #[arg(long, value_name = "N", default_value_t = 0)]
        topics: u32,
    },
    /// Make a member staff, who then may remove posts and suspend members
    Staff {
        /// The member's name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Database {
    /// The file that holds the forum; made if it is not there
    #[arg(
        long,
        global = true,
        env = "FORUM_DATABASE",
        value_name = "PATH",
        default_value = "forum.sqlite"
    )]
    database: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let forum = Forum::open(&cli.database.database)?;
    match cli.command {
        Command::Serve {
            socket,
            render_ms,
            compute_ms,
        } => {
            let forum = forum
                .rendering_takes(Duration::from_millis(render_ms))
                .rendering_computes(Duration::from_millis(compute_ms));
            forum::serve(forum, socket.as_deref(), future::pending()).await?;
        }
        Command::Seed { topics } => {
            forum.plant()?;
            forum.crowd(topics)?;
        }
        Command::Staff { name } => {
            if !forum.make_staff(&name)? {
                return Err(format!("there is no member `{name}`; join first").into());
            }
        }
    }
    Ok(())
}

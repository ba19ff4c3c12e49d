//! The binary `peregrine`: serves Ruby, Python and Node applications through
//! the whole stack.
//!
//! Standard output is for what a command itself has to say, standard error for
//! the log and for the one line that says why a command did not work.

mod access_log;
mod admin;
mod cli;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod detect;
mod front;
mod line_buffer;
mod logging;
mod parent_folder;
mod pid_file;
mod refused;
mod route;
mod run_as;
mod serve;
mod settings;
mod start;
mod start_error;

use std::{
    env,
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use mimalloc::MiMalloc;
use tokio::runtime::{self, Runtime};

use crate::{
    admin::{AdminError, View},
    cli::{Command, LogLevel},
    start::Start,
    start_error::StartError,
};

/// Memory comes and goes with each request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit status of a command that was asked for in a way that cannot work.
const CANNOT_START: u8 = 2;

/// The exit statuses of a shell that does not find a command, or cannot run it:
/// POSIX, Shell Command Language, §2.8.2.
const NOT_FOUND: u8 = 127;
const CANNOT_EXEC: u8 = 126;

/// The exit status of what broke while it ran.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = match config::parse(&env::args_os().collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(text) => return answer(text),
    };
    match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(options) => {
            let level = options.operator.log_level;
            match demo::demo(*options) {
                // Its folder stays until the run is over.
                Ok(demo::Demo {
                    start,
                    folder: _folder,
                }) => run(level, Ok(start)),
                Err(error) => fail(&error, CANNOT_START),
            }
        }
        Command::Start(options) => {
            let level = options.operator.log_level;
            let path = env::var_os("PATH").unwrap_or_default();
            if options.file.dry_run {
                return answer(start::start(*options, path).map(|start| start.dry_run()));
            }
            run(level, start::start(*options, path))
        }
        Command::Status(options) => {
            let socket = options.admin_socket.as_deref();
            let view = View {
                show: options.show,
                json: options.json,
            };
            if options.watch {
                let watch = async { admin::watch(socket, view).await.map(|()| String::new()) };
                return ask(watch, false);
            }
            ask(admin::report(socket, view), false)
        }
        Command::MemoryStats(options) => match admin::memory_stats(options.json) {
            Ok(stats) => answer(Ok(stats)),
            Err(error) => fail(&error, FAILED),
        },
        Command::RestartApp(options) => ask(
            admin::restart_app(options.admin_socket.as_deref(), options.name.as_deref()),
            options.ignore_app_not_running,
        ),
        Command::Purge(options) => {
            let socket = options.admin_socket.clone();
            let purge = options.purge();
            ask(admin::purge(socket.as_deref(), &purge), false)
        }
        Command::DetachProcess(options) => ask(
            admin::detach_process(options.admin_socket.as_deref(), options.pid),
            options.ignore_nonexistant_pid,
        ),
        #[cfg(feature = "demo")]
        Command::DemoWorker { socket } => worker(&socket),
        Command::ExecAs(options) => {
            let error = run_as::exec(options.uid, options.gid, &options.groups, &options.command);
            let exit_status = match error.kind() {
                io::ErrorKind::NotFound => NOT_FOUND,
                _ => CANNOT_EXEC,
            };
            fail(&format!("cannot run the application: {error}"), exit_status)
        }
    }
}

/// Runs a server until it is asked to stop.
fn run(level: LogLevel, start: Result<Start, StartError>) -> ExitCode {
    let served = start.and_then(|start| {
        // To the end, which is logged, too.
        let _log = logging::start(level)?;
        say(&format!("{}\n", start.announcement));
        // For signals, processes and the admin socket. Clients are served by
        // threads of their own.
        runtime(runtime::Builder::new_current_thread())?.block_on(serve::run(start.settings))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, CANNOT_START),
    }
}

/// Asks a running server, and prints its answer. With `ignore_absence`, it is
/// no failure if what is asked about is not there.
fn ask(
    question: impl Future<Output = Result<String, AdminError>>,
    ignore_absence: bool,
) -> ExitCode {
    let runtime = match runtime(runtime::Builder::new_current_thread()) {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, CANNOT_START),
    };
    match runtime.block_on(question) {
        Ok(report) => {
            say(&report);
            ExitCode::SUCCESS
        }
        Err(error) if ignore_absence && error.is_absent() => fail(&error, 0),
        Err(error) => fail(&error, error.exit_status()),
    }
}

/// One process of the demo, as the pool starts it.
#[cfg(feature = "demo")]
fn worker(socket: &std::path::Path) -> ExitCode {
    let runtime = match runtime(runtime::Builder::new_current_thread()) {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, CANNOT_START),
    };
    match runtime.block_on(demo::work(socket)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, FAILED),
    }
}

fn runtime(mut builder: runtime::Builder) -> Result<Runtime, StartError> {
    builder.enable_all().build().map_err(|error| {
        StartError::new(format!(
            "the system does not let me run: {error}; look at its limits on threads and files"
        ))
    })
}

fn answer(text: Result<String, StartError>) -> ExitCode {
    match text {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error, CANNOT_START),
    }
}

/// Onto standard output. Whoever closed it does not want to read it, and that
/// is no reason to stop.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

fn fail(error: &dyn Display, exit_status: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "peregrine: {error}");
    ExitCode::from(exit_status)
}

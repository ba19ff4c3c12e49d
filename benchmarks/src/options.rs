use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    contender::Contender, cores::CoreList, instructions::Exercise, memory::Part, scenario::Scenario,
};

/// Loads Peregrine and its peers in turn, and prints CPU per request, requests
/// per second and p99.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) run: RunOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Counts the instructions of each kind of exchange, under valgrind, and
    /// compares with the reference in instructions.txt.
    Instructions {
        /// Makes what is counted the reference
        #[arg(long)]
        update: bool,
    },
    /// Looks at what the cache takes of the machine's memory: the overhead of
    /// each entry, and how well it keeps its bound.
    Memory {
        /// Only this
        #[arg(value_enum)]
        part: Option<Part>,
    },
    /// Compares two contenders whose costs differ by little, some forty milliseconds each, in
    /// turn: what the layers add, and Peregrine with Passenger and nginx.
    Pairs(PairsOptions),
    /// Lets a crowd ask Peregrine for one page that is not there yet and takes
    /// the application 100 ms.
    Stampede {
        /// How many ask
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
        clients: u32,
        /// The binary to measure, instead of building it
        #[arg(long, value_name = "PATH")]
        peregrine: Option<PathBuf>,
    },
    /// Connects clients that say nothing after their first page, and looks at what
    /// they take of Peregrine's memory.
    Idle {
        /// How many connect
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=10_000))]
        clients: u32,
        /// The binary to measure, instead of building it
        #[arg(long, value_name = "PATH")]
        peregrine: Option<PathBuf>,
    },
    /// Loads an application in Ruby that makes much garbage, which it collects
    /// in the midst of requests, or between them.
    OutOfBand(OutOfBandOptions),
    /// Loads an application in Ruby at a steady pace, and restarts it meanwhile.
    Restart(RestartOptions),
    /// Lets fast clients ask an application that does four things at a time, with
    /// a crowd beside them that sends, or reads, a byte a second.
    SlowClients {
        /// How many are slow
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=9000))]
        clients: u32,
        /// The binary to measure, instead of building it
        #[arg(long, value_name = "PATH")]
        peregrine: Option<PathBuf>,
    },
    /// The application that they ask; started by the program itself.
    #[command(hide = true)]
    SlowClientsApp,
    /// Lets readers of a forum loose on what may stand before it.
    Forum(ForumOptions),
    /// Does one thing again and again, to be counted.
    #[command(hide = true)]
    Exercise {
        /// What to do.
        #[arg(value_enum)]
        exercise: Exercise,
        /// How often.
        count: u32,
    },
    /// One of the servers made with hyper that this program compares with;
    /// started by the program itself.
    #[command(hide = true)]
    Serve(ServeOptions),
}

#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Seconds of load for each contender and scenario, over all rounds
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) duration: u32,

    /// Rounds that the load is cut into; contenders take turns, and the median
    /// of their rounds counts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) rounds: u32,

    /// Connections that ask at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) connections: u32,

    /// Bytes of the page
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub(crate) body_size: u32,

    /// Who takes part [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) contenders: Vec<Contender>,

    /// What is asked of them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) scenarios: Vec<Scenario>,

    /// Cores of the contenders [default: 0-1; 0 if there are less than four]
    #[arg(long, value_name = "LIST")]
    pub(crate) server_cores: Option<CoreList>,

    /// Cores of wrk [default: 2-3; 1 if there are less than four]
    #[arg(long, value_name = "LIST")]
    pub(crate) load_cores: Option<CoreList>,

    /// Cores of the application behind proxies [default: 4-5; those of wrk if
    /// there are less than six]
    #[arg(long, value_name = "LIST")]
    pub(crate) app_cores: Option<CoreList>,

    /// The binary to measure, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) peregrine: Option<PathBuf>,

    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PairsOptions {
    /// Only those with these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME")]
    pub(crate) scenarios: Vec<Scenario>,

    /// Seconds that the two of a pair take turns for
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,

    /// How often both are started anew: where a program's memory is makes a difference
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) starts: u32,

    /// The binary to measure, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) peregrine: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct OutOfBandOptions {
    /// Processes of the application
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=64))]
    pub(crate) processes: u32,

    /// Requests per second [default: two thirds of what one process manages]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: Option<u32>,

    /// Seconds of a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,

    /// Rounds for each
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,

    /// Where to draw how long answers took, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,

    /// The binary to measure, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) peregrine: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RestartOptions {
    /// Processes of the application
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=64))]
    pub(crate) processes: u32,

    /// Requests per second [default: two fifths of what the cores manage]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: Option<u32>,

    /// Seconds before each restart, and after it
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) seconds: u32,

    /// Restarts of each
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) rounds: u32,

    /// Cores of the server and the application [default: 0-1; 0 if there are less than
    /// four]
    #[arg(long, value_name = "LIST")]
    pub(crate) server_cores: Option<CoreList>,

    /// Leave Passenger out
    #[arg(long)]
    pub(crate) without_passenger: bool,

    /// The binary to measure, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) peregrine: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ForumOptions {
    /// Seconds of a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) seconds: u32,

    /// Rounds for each; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) rounds: u32,

    /// Readers that ask at the same time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) connections: u32,

    /// Where to draw how many pages a second there were, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,

    /// The binary of Peregrine, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) peregrine: Option<PathBuf>,

    /// The binary of the forum, instead of building it
    #[arg(long, value_name = "PATH")]
    pub(crate) forum: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// What it is.
    #[arg(value_enum)]
    pub(crate) role: Role,

    /// Bytes of the page.
    #[arg(long)]
    pub(crate) body_size: usize,

    /// Worker threads.
    #[arg(long)]
    pub(crate) threads: usize,

    /// Where it listens; any free port if there is none.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
}

/// What a server made with hyper is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// To return the page, and nothing else.
    Bare,
    /// The same, and to count how often it is asked.
    App,
    /// The same, behind the cache.
    TurboCache,
    /// The same, with nothing around the cache but hyper.
    Outermost,
    /// Behind the cache, with each request counted.
    Accounted,
    /// What is behind the cache there, without the cache.
    NoLayer,
}

impl RunOptions {
    pub(crate) fn contenders(&self) -> &[Contender] {
        if self.contenders.is_empty() {
            &Contender::ALL
        } else {
            &self.contenders
        }
    }

    pub(crate) fn scenarios(&self) -> &[Scenario] {
        if self.scenarios.is_empty() {
            &Scenario::ALL
        } else {
            &self.scenarios
        }
    }

    /// wrk counts in whole seconds.
    pub(crate) const fn round_seconds(&self) -> u32 {
        let seconds = self.duration / self.rounds;
        if seconds == 0 { 1 } else { seconds }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_round_is_shorter_than_wrk_can_count() {
        let cases = [
            (&["", "--duration", "8"][..], 2),
            (&["", "--duration", "9"], 2),
            (&["", "--duration", "2"], 1),
            (&["", "--duration", "6", "--rounds", "1"], 6),
        ];
        for (arguments, seconds) in cases {
            let cli = Cli::parse_from(arguments);
            assert_eq!(cli.run.round_seconds(), seconds, "{arguments:?}");
        }
    }
}

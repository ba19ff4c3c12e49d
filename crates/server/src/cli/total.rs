use clap::Args;

use super::values;

/// What the applications of a server have together.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Processes")]
pub(crate) struct TotalOptions {
    /// Processes that all applications may run together; without it, each may run as
    /// many as its --max-pool-size
    ///
    /// The --min-instances of an application are always its own. What is beyond goes
    /// to who needs it: an application that has no process, and a request, gets one of
    /// another that has two or more; one that wants more gets what others have not
    /// used for five seconds. A process that is replaced, as by a restart, is there
    /// together with its successor for a while.
    #[arg(long, value_name = "N", value_parser = values::pool_size())]
    pub(crate) max_total_pool_size: Option<u32>,
}

use std::path::PathBuf;

use clap::Args;

/// Where else options come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct FileOptions {
    /// Read options from this file, in TOML: `max-pool-size = 4` for
    /// --max-pool-size 4 [default: peregrine.toml in DIR, if it is there]
    ///
    /// What is said on the command line goes before the file. Paths in the file
    /// are relative to its folder. docs/configuration.md lists all keys.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Check the options, the file and the application's folder, say what would be
    /// run, and start nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

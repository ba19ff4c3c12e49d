use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// The admin API over TCP.
#[derive(Debug, Args)]
#[command(next_help_heading = "Administration from afar")]
#[expect(
    clippy::struct_field_names,
    reason = "clap names the options after them"
)]
pub(crate) struct AdminOptions {
    /// Answer the admin API over TCP, too, as at 127.0.0.1:9000; only who has a
    /// token is answered
    ///
    /// There is no TLS: put a proxy in front that speaks it before you listen on
    /// an address that others can reach.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) admin_address: Option<SocketAddr>,

    /// A file with the token that may do everything there: 16 characters or more
    #[arg(long, value_name = "PATH", requires = "admin_address")]
    pub(crate) admin_token_file: Option<PathBuf>,

    /// A file with a token that may look, but not act: for a monitor
    #[arg(long, value_name = "PATH", requires = "admin_address")]
    pub(crate) admin_read_only_token_file: Option<PathBuf>,
}

use clap::Args;

use super::values::cookie_name;

/// Which process a client's requests go to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sticky sessions")]
pub(crate) struct StickyOptions {
    /// Send a client's requests to the process that has answered it before, by a
    /// cookie: for applications that keep sessions in a process's memory
    ///
    /// If that process is busy, a request waits for it for up to 5 seconds. When it
    /// has ended, as after a restart, the session moves to another one.
    #[arg(long)]
    pub(crate) sticky_sessions: bool,

    /// The name of the cookie
    #[arg(
        long,
        value_name = "COOKIE",
        default_value = "_passenger_route",
        value_parser = cookie_name
    )]
    pub(crate) sticky_sessions_cookie_name: String,
}

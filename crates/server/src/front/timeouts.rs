use std::time::Duration;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Until a request's head is complete; also how long a connection may
    /// stay idle between requests.
    pub(crate) head: Duration,
    /// Between two pieces of a request's body.
    pub(crate) body: Duration,
    /// Until it takes something more of what is sent to it.
    pub(crate) send: Duration,
    /// For upgraded connections when their process or the server is told to stop.
    pub(crate) upgrade: Duration,
    /// For requests that still run when the server is told to stop.
    pub(crate) shutdown: Duration,
}

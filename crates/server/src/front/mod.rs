//! Where clients arrive: the listening socket and HTTP/1.1 connections on it.
//!
//! The front knows nothing of caches and pools. It hands each request, with
//! its peer's address in the extensions, to one tower service, and it is the
//! only place that says how long a client may take and how much it may send
//! before there is a request at all.
//!
//! | bad input | answer |
//! |---|---|
//! | a malformed head, or a body without a certain end | `400` (`501` in a coding that nobody here can undo, `505` if it is another version of HTTP) |
//! | no host, several, or one that is none | `400` |
//! | a head over 64 KiB or with over 100 fields | `431` (`414` where the target alone is too long) |
//! | a head that does not arrive in time | the connection is closed |
//! | a body that stalls, trickles or is cut off | the request body fails, and whoever reads it answers |
//! | over [`MAX_CONNECTIONS`] clients at once | the next ones wait in the kernel's queue |
//!
//! Each of them is one line in the log that names the cause.
//!
//! A client and the application may agree to speak something else than HTTP from
//! then on, as a WebSocket does (RFC 9110 §7.8). Then the front carries bytes
//! between the two until both have ended, or until their process or the server is to
//! leave. It ends that in words that both understand, if it knows any: those of a
//! WebSocket (RFC 6455 §5.5.1).

mod accept;
mod alarm;
mod answer;
mod body;
mod cause;
mod client_service;
mod closing_times;
mod connection;
mod connections;
mod conversation;
mod exchange;
mod host;
mod linger;
mod listen;
mod open_files;
mod report;
mod send_timeout;
mod silence;
mod stop;
mod threads;
mod timeouts;
mod tunnel;
mod upgrade;
mod websocket;
mod when_woken;

pub(crate) use self::{
    accept::Front,
    body::ClientBody,
    client_service::ClientService,
    connections::Connections,
    exchange::call,
    listen::bind,
    report::{Report, UpgradeReport},
    timeouts::Timeouts,
};

/// How many clients may be connected at once, open files permitting. nginx's
/// `worker_connections` has the same role.
const MAX_CONNECTIONS: usize = 10_000;

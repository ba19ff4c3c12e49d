//! How an operator asks a running server what it is doing.
//!
//! The server answers HTTP on a Unix socket that only its own user can reach:
//! `GET /v1/status` is [`Status`] as JSON. `peregrine status` finds the socket,
//! asks, and prints.

mod client;
mod find;
mod places;
mod process_stats;
mod render;
mod server;
mod socket;
mod status;

pub(crate) use self::{
    client::report,
    process_stats::GroupUsage,
    server::serve,
    socket::AdminSocket,
    status::{
        CacheOutcomes, CacheStatus, Latency, PoolStatus, ProcessStatus, QueueStatus,
        RequestsStatus, Status, StatusClasses,
    },
};

//! How an operator asks a running server what it is doing, and tells it what to
//! do.
//!
//! The server answers HTTP on a Unix socket that only its own user can reach, and
//! over TCP, if asked to, whoever has a token. `docs/admin-api.md` has the whole of
//! it.
//!
//! | request | answer | command |
//! |---|---|---|
//! | `GET /v1/status` | [`Status`] | `peregrine status` |
//! | `GET /v1/requests` | [`Running`](running::Running) | `peregrine status --show=requests`, with the status |
//! | `GET /metrics` | the status, for Prometheus | |
//! | `POST /v1/restart-app` | how many processes were replaced, once they are | `peregrine restart-app` |
//! | `POST /v1/detach-process/PID` | the process's id, once it takes no more requests | `peregrine detach-process PID` |
//! | `POST /v1/purge` | how many stored responses that were | `peregrine purge` |
//!
//! The commands find the socket, ask, and print; `peregrine memory-stats` alone asks
//! nobody but the system.

mod access;
mod client;
mod command;
mod control;
mod error;
mod find;
mod listen;
mod memory;
mod metrics;
mod part;
mod places;
mod problem;
mod process_stats;
mod purge;
mod render;
mod rollup;
mod running;
mod served;
mod server;
mod socket;
mod status;
mod watch;

pub(crate) use self::{
    access::Tokens,
    client::{View, report},
    command::{detach_process, purge, restart_app},
    error::AdminError,
    memory::memory_stats,
    process_stats::GroupUsage,
    purge::Purge,
    running::{ApplicationRequests, RunningRequest},
    served::{Controls, Served},
    server::{AdminAddress, AdminServer, serve},
    socket::AdminSocket,
    status::{
        AccessLogStatus, ApplicationStatus, BuffersStatus, CacheOutcomes, CacheStatus,
        ClientsStatus, Latency, LatencyBucket, PoolStatus, ProcessStatus, QueueStatus, RatesStatus,
        RefusedStatus, RequestsStatus, RestartsStatus, RestsStatus, ServerUsage, Status,
        StatusClasses,
    },
    watch::watch,
};

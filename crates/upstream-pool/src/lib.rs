//! In the making.

mod body;
mod builder;
mod command;
mod connection;
mod error;
pub mod forwarded;
mod future;
mod handle;
mod http_upstream;
mod pool;
mod process;
mod queue;
mod report;
mod retry;
mod roster;
mod select;
mod supervisor;

pub use self::{
    body::RequestBody,
    builder::Builder,
    command::AppCommand,
    connection::ResponseBody,
    error::{BoxError, Error},
    future::ResponseFuture,
    handle::{PoolHandle, PoolSnapshot, ProcessSnapshot, ProcessState},
    http_upstream::{HttpUpstream, InvalidUpstream},
    pool::UpstreamPool,
    process::Process,
    report::StartReport,
};

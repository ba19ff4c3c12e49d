//! An application's processes as one tower service.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::{BodyExt, Empty};
//! use peregrine_core::ServedBy;
//! use peregrine_upstream_pool::{AppCommand, BoxError, UpstreamPool};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let command = AppCommand::new("sh")
//!     .args(["-c", "exec python3 -m http.server --bind 127.0.0.1 $PORT"])
//!     .current_dir(env!("CARGO_MANIFEST_DIR"));
//! let (pool, handle) = UpstreamPool::builder(command).max_pool_size(2).spawn()?;
//!
//! let request = Request::get("/Cargo.toml").body(Empty::<Bytes>::new())?;
//! let response = pool.oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! let served_by = response.extensions().get::<ServedBy>().unwrap();
//! assert_eq!(served_by.pid, handle.snapshot().processes[0].pid);
//!
//! let page = response.into_body().collect().await?.to_bytes();
//! assert!(page.starts_with(b"[package]"));
//!
//! handle.stop().await;
//! assert!(handle.snapshot().processes.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! [`UpstreamPool`] starts processes of an [`AppCommand`], gives each request
//! to the least busy one that is ready, and lets requests wait in a fair and
//! bounded queue while none is. [`PoolHandle`] shows, restarts and stops the
//! processes. [`ProcessBudget`] bounds those of several pools together. [`HttpUpstream`] does the same for a server that runs already. What
//! the application is told about the client is decided in [`forwarded`].
//!
//! # Rules
//!
//! Processes:
//!
//! 1. A process is ready when it answers: it gets `OPTIONS *` (RFC 9110
//!    §9.3.7) on a connection of its own until any status line comes back, and
//!    then the [warm-up request](Builder::warm_up), if there is one. One
//!    that ends before, that does not answer within the
//!    [start timeout](Builder::start_timeout), or on whose port another program
//!    answers, leaves a [`StartReport`] behind.
//! 2. A process that dies is replaced at once. When starts fail, or processes
//!    die before they have served anything, the next start waits for 1 s, then
//!    twice as long each time, up to 30 s. Meanwhile, unless another process
//!    lives, requests fail with the report: nobody is kept waiting for what
//!    does not start.
//! 3. While requests queue, one more process is started at a time, up to
//!    [`max_pool_size`](Builder::max_pool_size). One that was idle for
//!    [`pool_idle_time`](Builder::pool_idle_time) leaves.
//! 4. A process that refuses connections, takes none for 5 s, or has lost its port to
//!    another program is replaced, and so is one that runs [one request at a
//!    time](Builder::max_concurrent_requests) and does not answer it within the
//!    [response timeout](Builder::response_timeout). One that runs more than one
//!    gets a ping then, and is replaced if it does not answer that within 5 s. It gets
//!    no requests meanwhile.
//! 5. A process leads its own process group. To leave it is told by SIGTERM to
//!    the whole group, then by SIGKILL; what it leaves behind is killed. If it dies
//!    by itself, and others of its group do not, as the workers of an application
//!    server whose master has died, they finish the requests that they have
//!    ([`drain_timeout`](Builder::drain_timeout)) before they are told to leave. No
//!    new connection is made to them, and another process is started at once. When
//!    [`PoolHandle::stop`] returns, no process of a group is left. When the
//!    runtime ends without a stop, the groups are killed. When this process is
//!    killed, a guard, which is a small shell, tells the groups to leave, and
//!    kills them 2 s later; a guard that was killed itself is replaced. What has left
//!    its group is found by the variable `PEREGRINE_POOL` in its environment, and goes
//!    when the pool does, however it goes; at once, if its process never was ready.
//!    Who is to outlive the pool is started without that variable. A program
//!    that has only pools may [adopt](adopt_orphans) what has lost its parent.
//!    While it starts beside others that serve, and for a quarter of the start timeout at
//!    most, it has a lower priority than those, if this process may raise that again
//!    (`CAP_SYS_NICE`, or an `RLIMIT_NICE` that allows it): what a start takes of the
//!    processors is not taken from requests.
//! 6. What a process writes to its standard output and standard error goes to
//!    `tracing`, line by line, with the target `app`.
//!
//! 7. [`PoolHandle::restart`] replaces the processes one by one: a new one is
//!    ready before an old one drains, and there is one too many at most. If the
//!    new one does not start, the old ones stay. A process that has served its
//!    [requests](Builder::max_requests), or uses more than its
//!    [memory](Builder::memory_limit), is replaced in the same way.
//!
//! Requests:
//!
//! 8. A request goes to the ready process with the least
//!    [load](tower::load::Load), among equals to the oldest. It waits in the
//!    queue while there is none, first come, first served.
//! 9. A request whose client has left is not sent. If it was sent already and
//!    not answered yet, its connection is half closed, so that a server that
//!    cares can notice; but most work on. Its place is taken until the process
//!    answers or closes, for the response timeout at most: a request that got
//!    the place would wait behind work that nobody wants, beside processes
//!    that have nothing to do. If the answer has begun, the connection is
//!    closed and the place is free at once.
//! 10. A request of which nothing was written goes to another process, three
//!     tries in all. One whose connection broke before a byte of the response
//!     had come goes to another process, once, if it is idempotent (RFC 9110
//!     §9.2.2) and has no body, or one of which there is a
//!     [`Replay`](peregrine_core::Replay). No other request is ever sent twice. The process
//!     that failed gets it again only if no other one is ready, and not within
//!     100 ms: it may be about to exit. If the operating system knows that it is
//!     exiting, which takes time and may look as if it took connections, it gets no
//!     request at all any more; nor does it while another process of its group is
//!     exiting, for 5 s at most.
//! 11. Bodies stream both ways, with back-pressure. A place is free again when
//!     the process has sent the last byte of its response.
//! 12. Fields for one connection only are dropped in both directions (RFC 9110
//!     §7.6.1), and so is `Upgrade`, unless an
//!     [`UpgradeOffer`](peregrine_core::UpgradeOffer) says that who is in front
//!     can hand the client's connection over. The application's, if it switches
//!     protocols, is [`Upgraded`](peregrine_core::Upgraded) in the extensions of
//!     its response. It keeps its place in the process until it is dropped, which
//!     is to be soon after its [`LeaveNotice`](peregrine_core::LeaveNotice): nobody
//!     knows when it would end by itself, and the process waits for it for as long
//!     as for any request ([`drain_timeout`](Builder::drain_timeout)).
//!     Trailer fields of a response pass if `Trailer` announces them, those of a
//!     request do not.
//!     Control fields (`!~…`) of the application's responses are for the
//!     [process layer](Builder::process_layer), and go no further.
//!
//! # Deployment
//!
//! - A client that stalls in the midst of its request body holds a process,
//!   and the response timeout does not count its time: bound that time where
//!   the body comes from. An error of kind
//!   [`TimedOut`](std::io::ErrorKind::TimedOut) makes it
//!   [`is_request_body_timeout`](Error::is_request_body_timeout).
//! - A `PORT` is one that no outgoing connection gets, and no other pool on the
//!   machine; but another program may bind it before the process does, or after the
//!   process has closed it. So each new connection is made only while every socket
//!   that listens there is known to belong to the process's group, to a descendant
//!   of its leader, or to one that has the pool's variable and the same `PORT` in
//!   its environment. A start that finds another program there tries two more
//!   ports, then it fails and [says by whom](StartReport::is_port_taken) the last
//!   one was taken; a process that is ready, and has lost its port, is replaced.
//!   Nothing is sent to the stranger in either case.
//!
//!   This needs `/proc`: without it no process that listens on a `PORT` starts. And
//!   whoever hands the port to a program that he has not started, as the Docker
//!   client does, is taken for nobody: let that program run by itself, and use
//!   [`HttpUpstream`]. Where this process may not see what an application run by
//!   another user has open (as root without `CAP_SYS_PTRACE`), it is enough that
//!   the listener is of that user, and nobody else is seen to have it, when the
//!   process starts. A Unix socket (`{socket}`) needs none of this: only the
//!   application's user can reach its folder.

mod body;
mod budget;
mod builder;
mod command;
mod connection;
mod error;
pub mod forwarded;
mod future;
mod handle;
mod http_upstream;
mod pool;
mod preference;
mod process;
mod queue;
mod replace;
mod report;
mod restarts;
mod retry;
mod roster;
mod select;
#[cfg(test)]
mod simulation;
pub mod sticky;
mod supervisor;

pub use self::{
    body::RequestBody,
    budget::ProcessBudget,
    builder::Builder,
    command::AppCommand,
    connection::ResponseBody,
    error::{BoxError, Error},
    future::ResponseFuture,
    handle::{PoolHandle, PoolSnapshot, ProcessSnapshot, ProcessState},
    http_upstream::{HttpUpstream, InvalidUpstream},
    pool::UpstreamPool,
    preference::PreferredProcess,
    process::{Process, ProcessHandle, adopt_orphans},
    replace::ReplaceError,
    report::StartReport,
    restarts::Restarts,
};

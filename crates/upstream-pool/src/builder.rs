use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    task::Waker,
    time::Duration,
};

use http::{Request, Response, uri::PathAndQuery};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
};
use tower::load::Load;
use tower_layer::{Identity, Layer, Stack};
use tower_service::Service;
use tracing::Instrument;

use crate::{
    AppCommand, Error, PoolHandle, Process, ProcessBudget, RequestBody, UpstreamPool,
    budget::Share,
    connection::Limits,
    handle::{Board, News},
    process::{self, Guard, Guardian, Launch, SocketDir, UnlimitedPaths},
    queue::Queue,
    restarts::RestartLog,
    roster::{Gate, Policy, Roster},
    select::Selector,
    supervisor::{Asked, Plan, Supervisor, notes, watch_memory},
};

/// How long to wait for a process of our own to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Describes a pool, then starts it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder<L = Identity> {
    command: AppCommand,
    layer: L,
    min_instances: usize,
    max_pool_size: usize,
    budget: Option<ProcessBudget>,
    max_request_queue_size: usize,
    max_concurrent_requests: usize,
    start_timeout: Duration,
    response_timeout: Duration,
    drain_timeout: Duration,
    stop_timeout: Duration,
    shutdown_timeout: Duration,
    pool_idle_time: Duration,
    max_requests: u64,
    memory_limit: u64,
    warm_up: Option<PathAndQuery>,
    unlimited: Vec<PathAndQuery>,
}

impl Builder {
    pub(crate) fn new(command: AppCommand) -> Self {
        Self {
            command,
            layer: Identity::new(),
            min_instances: 1,
            max_pool_size: 6,
            budget: None,
            max_request_queue_size: 100,
            max_concurrent_requests: 1,
            start_timeout: Duration::from_secs(90),
            response_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            pool_idle_time: Duration::from_secs(300),
            max_requests: 0,
            memory_limit: 0,
            warm_up: None,
            unlimited: Vec::new(),
        }
    }
}

impl<L> Builder<L> {
    /// How many processes to keep running, as Passenger's
    /// `passenger_min_instances`. Default: 1. With 0, the first request starts
    /// the first process. More than [`max_pool_size`](Self::max_pool_size) is
    /// as much as that.
    pub const fn min_instances(mut self, processes: usize) -> Self {
        self.min_instances = processes;
        self
    }

    /// How many processes may run when requests queue, as Passenger's
    /// `passenger_max_pool_size`. Default: 6; at least 1. A process that is
    /// leaving does not count, yet there are never more than twice as many.
    pub const fn max_pool_size(mut self, processes: usize) -> Self {
        self.max_pool_size = processes;
        self
    }

    /// Whom to share a number of processes with. Default: nobody. What is above
    /// holds all the same.
    pub fn process_budget(mut self, budget: &ProcessBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// How many requests may wait for a process, as Passenger's
    /// `passenger_max_request_queue_size`. Default: 100. The next one fails
    /// with [`is_queue_full`](Error::is_queue_full). With 0 nobody waits;
    /// Passenger's reading of 0, a queue without a bound, is not offered.
    pub const fn max_request_queue_size(mut self, requests: usize) -> Self {
        self.max_request_queue_size = requests;
        self
    }

    /// How many requests may run in one process at the same time, as
    /// Passenger's `passenger_force_max_concurrent_requests_per_process`.
    /// Default: 1; 0 is any number.
    pub const fn max_concurrent_requests(mut self, requests: usize) -> Self {
        self.max_concurrent_requests = requests;
        self
    }

    /// Requests for this path and those below it do not count for
    /// [`max_concurrent_requests`](Self::max_concurrent_requests), as with
    /// Passenger's `passenger_unlimited_concurrency_path`: for long polling, server-sent
    /// events and `WebSocket`s. May be called more than once. Default: none.
    ///
    /// Such a request goes to a process that has a place free, as any other, and
    /// leaves it free. A process counts it as busyness all the same, and finishes it
    /// before it leaves.
    pub fn unlimited_concurrency_path(mut self, path: PathAndQuery) -> Self {
        self.unlimited.push(path);
        self
    }

    /// How long a process may take to answer for the first time, as
    /// Passenger's `passenger_start_timeout`. Default: 90 s. Then it is killed,
    /// and counts as failed.
    pub const fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// How long a process may take to send the head of its response, as
    /// nginx's `proxy_read_timeout`. Default: 60 s; [`Duration::ZERO`] is any
    /// time. Time in the queue does not count, nor time in which the client is
    /// to send more of its body. Nor is the time limited that the body of the
    /// response takes.
    ///
    /// The request fails with [`is_timeout`](Error::is_timeout). Where a
    /// process takes [one request at a time](Self::max_concurrent_requests) it
    /// is stuck, and is replaced. Otherwise it gets a ping, and is replaced if
    /// it does not answer that within 5 s. Passenger's
    /// `passenger_max_request_time` ends the process in any case, with the other
    /// requests that it has.
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// How long requests may take that run when their process is to leave, as at a
    /// restart, while the pool goes on. Default: 60 s, as long as they may take by
    /// themselves ([`response_timeout`](Self::response_timeout)).
    ///
    /// Those that are left have their connection closed, and fail unless they can be
    /// sent again. A process whose turn it is to be replaced waits until the one before
    /// it has left.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// How long requests may take that run, or wait, when the pool is to stop. Default:
    /// 30 s.
    pub const fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// How long a process may take to leave after SIGTERM, before its whole
    /// group gets SIGKILL. Default: 30 s.
    pub const fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// How long a process may have nothing to do before it is stopped, if
    /// there are more than [`min_instances`](Self::min_instances); as
    /// Passenger's `passenger_pool_idle_time`. Default: 300 s;
    /// [`Duration::ZERO`] is any time.
    pub const fn pool_idle_time(mut self, time: Duration) -> Self {
        self.pool_idle_time = time;
        self
    }

    /// How many requests a process may serve before it is replaced, as
    /// Passenger's `passenger_max_requests`: against memory that an application
    /// does not give back. Default: 0, any number.
    ///
    /// A process is replaced after this many, or up to an eighth fewer, so that
    /// not all are replaced together. It serves on until its replacement is
    /// ready, one process at a time: no request waits for it. If no replacement
    /// starts, it stays.
    pub const fn max_requests(mut self, requests: u64) -> Self {
        self.max_requests = requests;
        self
    }

    /// How much memory a process may use before it is replaced, with all that
    /// it has started, in bytes; as Passenger's `passenger_memory_limit`.
    /// Default: 0, any amount.
    ///
    /// It is looked at every 2 s. Pages that processes share count by their
    /// share, where the operating system tells it. The process serves on until
    /// its replacement is ready, as with [`max_requests`](Self::max_requests).
    pub const fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// What to ask each new process for before it takes requests of clients, so
    /// that none of them waits for what an application does the first time.
    /// Default: nothing.
    ///
    /// It gets a `GET` with the host `localhost`. A process that answers with a
    /// status of 500 or above, or not at all, has not started: in a
    /// [restart](PoolHandle::restart), the old processes stay then. The time
    /// counts for the [start timeout](Self::start_timeout).
    pub fn warm_up(mut self, path: PathAndQuery) -> Self {
        self.warm_up = Some(path);
        self
    }

    /// Puts `layer` around each process; one that was given before is put
    /// around this one. Default: nothing.
    ///
    /// The service that it makes says by its readiness whether it may be given
    /// a request, and by its load how it compares to the others. It is polled
    /// and called under a lock: it is to do its work in its future.
    pub fn process_layer<M>(self, layer: M) -> Builder<Stack<M, L>> {
        Builder {
            command: self.command,
            layer: Stack::new(layer, self.layer),
            min_instances: self.min_instances,
            max_pool_size: self.max_pool_size,
            budget: self.budget,
            max_request_queue_size: self.max_request_queue_size,
            max_concurrent_requests: self.max_concurrent_requests,
            start_timeout: self.start_timeout,
            response_timeout: self.response_timeout,
            drain_timeout: self.drain_timeout,
            stop_timeout: self.stop_timeout,
            shutdown_timeout: self.shutdown_timeout,
            pool_idle_time: self.pool_idle_time,
            max_requests: self.max_requests,
            memory_limit: self.memory_limit,
            warm_up: self.warm_up,
            unlimited: self.unlimited,
        }
    }

    /// Starts the pool. It returns before the first process is ready: requests
    /// wait for that, and a start that fails comes to light in their
    /// [errors](Error::start_report), in the log and in
    /// [`PoolHandle::snapshot`].
    ///
    /// # Errors
    ///
    /// If it is not called within a Tokio runtime, if the folder for the sockets
    /// cannot be created, or, of the kind
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), if the [process
    /// budget](Self::process_budget) is less than what the pools that share it are
    /// always to have, and one for those that have none.
    pub fn spawn<ResBody>(self) -> io::Result<(UpstreamPool<L::Service>, PoolHandle)>
    where
        L: Layer<Process> + Send + 'static,
        L::Service: Service<Request<RequestBody>, Response = Response<ResBody>, Error = Error>
            + Load<Metric: Ord>
            + Send
            + 'static,
    {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        // Whoever serves several applications says whose lines are whose.
        let caller = tracing::Span::current();
        let launch = move |launch| {
            drop(tokio::spawn(
                process::run(launch).instrument(caller.clone()),
            ));
        };
        self.spawn_on(&runtime, Guard::start(), Box::new(launch))
    }

    /// With whoever is to bring processes to life.
    pub(crate) fn spawn_on<ResBody>(
        self,
        runtime: &Handle,
        (guard, guardian): (Arc<Guard>, Guardian),
        launch: Box<dyn Fn(Launch) + Send>,
    ) -> io::Result<(UpstreamPool<L::Service>, PoolHandle)>
    where
        L: Layer<Process> + Send + 'static,
        L::Service: Service<Request<RequestBody>, Response = Response<ResBody>, Error = Error>
            + Load<Metric: Ord>
            + Send
            + 'static,
    {
        let sockets = if self.command.takes_socket() {
            Some(Arc::new(SocketDir::create(
                self.command.owner_of_sockets(),
            )?))
        } else {
            None
        };
        let max = self.max_pool_size.max(1);
        let min = self.min_instances.min(max);
        let response = Some(self.response_timeout).filter(|timeout| !timeout.is_zero());
        let queue = Queue::new(self.max_request_queue_size);
        let (notes, inbox) = notes();
        let waker = Waker::from(Arc::clone(&queue));
        let selector = Arc::new(Selector::new(waker, notes.clone()));
        let board = Arc::new(Board {
            queue: Arc::clone(&queue),
            max_pool_size: max,
            news: Mutex::new(News::default()),
        });
        let share = match &self.budget {
            Some(budget) => join(budget, min, &board)?,
            None => Share::unlimited(),
        };
        let roster = Roster::new(
            Policy {
                min,
                max,
                idle_time: self.pool_idle_time,
                drain_timeout: self.drain_timeout,
                stop_timeout: self.stop_timeout,
                shutdown_timeout: self.shutdown_timeout,
            },
            share.clone(),
        );
        if self.memory_limit > 0 {
            let board = Arc::downgrade(&board);
            runtime.spawn(watch_memory(self.memory_limit, board, notes.clone()));
        }
        let (lifeline, commands) = mpsc::unbounded_channel();
        let (over, is_over) = watch::channel(false);
        // Without the command: it may hold secrets, and stands in each line.
        let span = tracing::info_span!("pool");
        let supervisor = Supervisor {
            plan: Plan {
                command: Arc::new(self.command),
                sockets,
                guard,
                concurrency: self.max_concurrent_requests,
                unlimited: UnlimitedPaths::new(self.unlimited.iter().map(PathAndQuery::path)),
                max_requests: self.max_requests,
                limits: Limits {
                    connect: CONNECT_TIMEOUT,
                    response,
                },
                start_timeout: self.start_timeout,
                warm_up: self.warm_up,
                shutdown_timeout: self.shutdown_timeout,
                idle_time: self.pool_idle_time,
            },
            launch,
            guardian,
            layer: self.layer,
            roster,
            share,
            selector: Arc::clone(&selector),
            queue: Arc::clone(&queue),
            board: Arc::clone(&board),
            notes,
            inbox,
            commands,
            over,
            asked: Asked::default(),
            restarts: RestartLog::default(),
            members: BTreeMap::new(),
            started: 0,
            gate: Gate::Open,
            last_failure: None,
        };
        runtime.spawn(supervisor.run().instrument(span));
        let pool = UpstreamPool::new(selector, queue, lifeline.clone());
        Ok((pool, PoolHandle::new(lifeline, board, is_over)))
    }
}

fn join(budget: &ProcessBudget, reserve: usize, board: &Arc<Board>) -> io::Result<Share> {
    let board = Arc::downgrade(board);
    let idle_since = move || board.upgrade()?.idle_since();
    budget.join(reserve, Box::new(idle_since)).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the pools are always to have more processes than their budget has",
        )
    })
}

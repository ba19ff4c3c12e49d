use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;
use tokio::{
    runtime::Handle,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tower::ServiceExt;
use tower_layer::{Identity, Stack};

use super::{
    actor::{Life, act},
    world::{Census, Played, Playing, RESPONSE_TIMEOUT, World},
};
use crate::{
    AppCommand, Builder, Error, PoolHandle, ProcessState, ReplaceError, UpstreamPool,
    process::{Guard, Guardian},
};

/// Longer than anything takes here; it costs nothing to wait.
const PATIENCE: Duration = Duration::from_secs(10_000);

#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    /// With how long it takes, in milliseconds.
    Get(u64),
    Post(u64),
    /// The client of one of the requests leaves.
    Leave(usize),
    Restart,
    Detach(usize),
    Wait(u64),
}

/// The pool under test, its clients and its operator.
pub(super) struct Stage {
    world: Arc<World>,
    pool: UpstreamPool<Played>,
    handle: PoolHandle,
    requests: BTreeMap<usize, JoinHandle<Result<(), Error>>>,
    results: BTreeMap<usize, Result<(), Error>>,
    next: usize,
    /// What the operator waits for.
    orders: JoinSet<Result<(), ReplaceError>>,
}

impl Stage {
    pub(super) fn new(
        lives: Vec<Life>,
        max: usize,
        concurrency: usize,
        more: impl FnOnce(Builder<Stack<Playing, Identity>>) -> Builder<Stack<Playing, Identity>>,
    ) -> Self {
        Self::beside(Arc::default(), lives, max, concurrency, more)
    }

    /// Its processes are counted with those of others.
    pub(super) fn beside(
        census: Arc<Census>,
        lives: Vec<Life>,
        max: usize,
        concurrency: usize,
        more: impl FnOnce(Builder<Stack<Playing, Identity>>) -> Builder<Stack<Playing, Identity>>,
    ) -> Self {
        let world = World::new(max, concurrency, census);
        let builder = UpstreamPool::builder(AppCommand::new("played"))
            .max_pool_size(max)
            .max_concurrent_requests(concurrency)
            .response_timeout(RESPONSE_TIMEOUT)
            .process_layer(Playing(Arc::clone(&world)));
        let lives = Mutex::new(lives.into_iter().cycle());
        let launch = {
            let world = Arc::clone(&world);
            move |launch| {
                let life = lives.lock().unwrap().next().unwrap();
                drop(tokio::spawn(act(Arc::clone(&world), launch, life)));
            }
        };
        let (pool, handle) = more(builder)
            .spawn_on(
                &Handle::current(),
                (Guard::none(), Guardian::none()),
                Box::new(launch),
            )
            .unwrap();
        Self {
            world,
            pool,
            handle,
            requests: BTreeMap::new(),
            results: BTreeMap::new(),
            next: 0,
            orders: JoinSet::new(),
        }
    }

    pub(super) async fn play(&mut self, turn: Turn) {
        match turn {
            Turn::Get(work) => self.send(Method::GET, work),
            Turn::Post(work) => self.send(Method::POST, work),
            Turn::Leave(n) => {
                let n = n % self.requests.len().max(1);
                if let Some(number) = self.requests.keys().nth(n).copied()
                    && let Some(request) = self.requests.remove(&number)
                {
                    self.world.is_off(number);
                    request.abort();
                    let _ = request.await;
                }
            }
            Turn::Restart => {
                let handle = self.handle.clone();
                let restart = async move { handle.restart().await.map(drop) };
                self.orders.spawn(restart);
            }
            Turn::Detach(n) => {
                let processes = self.handle.snapshot().processes;
                if let Some(process) = processes.get(n % processes.len().max(1)) {
                    let (handle, pid) = (self.handle.clone(), process.pid);
                    self.orders.spawn(async move { handle.detach(pid).await });
                }
            }
            Turn::Wait(millis) => sleep(Duration::from_millis(millis)).await,
        }
        // Until everybody has done what there is to do at this moment.
        sleep(Duration::from_millis(1)).await;
        self.world.assert_peace();
    }

    fn send(&mut self, method: Method, work: u64) {
        let number = self.next;
        self.next += 1;
        self.world.is_asked(number, method.clone());
        let request = Request::builder()
            .method(method)
            .uri(format!("/{number}/{work}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        let (pool, world) = (self.pool.clone(), Arc::clone(&self.world));
        let request = tokio::spawn(async move {
            let answer = pool.oneshot(request).await;
            world.is_off(number);
            answer.map(drop)
        });
        self.requests.insert(number, request);
    }

    /// Requests wait, and nobody is there, nor on the way, and that is not for its own
    /// failures.
    pub(super) fn is_in_need(&self) -> bool {
        let pool = self.handle.snapshot();
        self.world.processes() == 0 && pool.queued > 0 && pool.start_pause.is_none()
    }

    /// One of more than `reserve` processes has nothing to do, and could be started
    /// again.
    pub(super) fn has_idle_beyond(&self, reserve: usize) -> bool {
        let pool = self.handle.snapshot();
        let mut ready = pool.processes.iter();
        let idle = ready.any(|it| it.state == ProcessState::Ready && it.idle.is_some());
        idle && self.ready() > reserve && !pool.resisting_deployment_error
    }

    pub(super) fn ready(&self) -> usize {
        self.count(|state| state == ProcessState::Ready)
    }

    pub(super) fn leaving(&self) -> usize {
        self.count(|state| matches!(state, ProcessState::Draining | ProcessState::Terminating))
    }

    fn count(&self, is_one: impl Fn(ProcessState) -> bool) -> usize {
        let processes = self.handle.snapshot().processes;
        let states = processes.iter().map(|process| process.state);
        states.filter(|state| is_one(*state)).count()
    }

    /// Everybody gets an answer, and every order is carried out.
    pub(super) async fn assert_no_failure(&mut self) {
        self.hear_all().await;
        for (number, result) in &self.results {
            assert!(result.is_ok(), "{number}: {result:?}");
        }
        while let Some(order) = timeout(PATIENCE, self.orders.join_next()).await.unwrap() {
            let order = order.unwrap();
            // It may have left by the time that the operator asked.
            let done = order.is_ok() || order.as_ref().is_err_and(ReplaceError::is_unknown_process);
            assert!(done, "{order:?}");
        }
        self.world.assert_peace();
    }

    /// Stops the pool, and looks at what has become of everything.
    pub(super) async fn end(mut self) {
        timeout(PATIENCE, self.handle.stop()).await.unwrap();
        assert_eq!(self.world.processes(), 0);
        self.hear_all().await;
        let orders = timeout(PATIENCE, self.orders.join_all()).await;
        orders.expect("every order comes to an end");
        self.world.assert_peace();
        for (number, result) in &self.results {
            let reached = self.world.reached(*number);
            match result {
                Ok(()) => assert!(reached > 0, "{number} was answered by nobody"),
                Err(error) if error.is_closed_early() || error.is_timeout() => {
                    assert!(reached > 0, "{number}: {error:?}");
                }
                Err(error) => {
                    let known = error.is_queue_full()
                        || error.is_not_started()
                        || error.is_stopping()
                        || error.is_connect();
                    assert!(known, "{number}: {error:?}");
                }
            }
        }
    }

    async fn hear_all(&mut self) {
        for (number, request) in std::mem::take(&mut self.requests) {
            let result = timeout(PATIENCE, request).await;
            let result = result.unwrap_or_else(|_| panic!("{number} is lost"));
            self.results.insert(number, result.unwrap());
        }
    }
}

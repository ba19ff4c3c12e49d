use std::{
    collections::BTreeMap,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, Request, Response};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tower::load::Load;
use tower_layer::Layer;
use tower_service::Service;

use super::actor::Life;
use crate::{
    Error, Process, RequestBody,
    connection::Repeat,
    error::Again,
    process::{Busyness, Permit, diagnose},
    roster::ProcessId,
};

/// How long a process may take with an answer.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many processes there are, in as many worlds as count here.
#[derive(Default)]
pub(super) struct Census(Mutex<(usize, usize)>);

impl Census {
    fn begins(&self) {
        let (now, most) = &mut *self.0.lock().unwrap();
        *now += 1;
        *most = (*now).max(*most);
    }

    fn ends(&self) {
        self.0.lock().unwrap().0 -= 1;
    }

    /// How many there were when there were most.
    pub(super) fn most(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

/// What happens, and whether it may.
pub(super) struct World {
    max: usize,
    concurrency: usize,
    census: Arc<Census>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    actors: BTreeMap<ProcessId, Actor>,
    requests: BTreeMap<usize, Asked>,
    violations: Vec<String>,
}

struct Actor {
    life: Life,
    phase: Phase,
    running: usize,
    is_dead: watch::Receiver<bool>,
    exits: Exits,
    leader_died: Option<Instant>,
}

/// What is known of the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exits {
    No,
    /// To the operating system.
    Yes,
    /// And to the pool.
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Ready,
    Leaving,
}

/// A request, as the processes saw it.
struct Asked {
    method: Method,
    /// How often it reached a process.
    reached: usize,
    /// It was sent somewhere, or given up.
    off: bool,
}

impl World {
    pub(super) fn new(max: usize, concurrency: usize, census: Arc<Census>) -> Arc<Self> {
        Arc::new(Self {
            max,
            concurrency,
            census,
            state: Mutex::default(),
        })
    }

    pub(super) fn pid(id: ProcessId) -> u32 {
        u32::try_from(id.number()).unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn begins(&self, id: ProcessId, life: Life, is_dead: watch::Receiver<bool>) {
        let mut state = self.state();
        let actor = Actor {
            life,
            phase: Phase::Starting,
            running: 0,
            is_dead,
            exits: Exits::No,
            leader_died: None,
        };
        state.actors.insert(id, actor);
        self.census.begins();
        let all = state.actors.len();
        state.check(all <= 2 * self.max, || format!("{all} processes"));
        let starting = state.count(Phase::Starting);
        let active = starting + state.count(Phase::Ready);
        // Those that crashed or were withdrawn, and have not heard of it yet.
        state.check(starting <= self.max + 1, || format!("{starting} start"));
        state.check(active <= 2 * self.max, || format!("{active} are active"));
    }

    pub(super) fn gets_ready(&self, id: ProcessId) {
        self.enters(id, Phase::Ready);
    }

    pub(super) fn is_told_to_leave(&self, id: ProcessId) {
        self.enters(id, Phase::Leaving);
        let mut state = self.state();
        let actor = state.actors.get(&id);
        // Nothing that is played takes as long as a process may take to drain.
        let running = actor.map_or(0, |actor| actor.running);
        state.check(running == 0, || {
            format!("{id} is told to leave while {running} run")
        });
    }

    fn enters(&self, id: ProcessId, phase: Phase) {
        if let Some(actor) = self.state().actors.get_mut(&id) {
            actor.phase = phase;
        }
    }

    pub(super) fn begins_to_exit(&self, id: ProcessId) {
        if let Some(actor) = self.state().actors.get_mut(&id) {
            actor.exits = Exits::Yes;
        }
    }

    pub(super) fn goes_on_without_leader(&self, id: ProcessId) {
        if let Some(actor) = self.state().actors.get_mut(&id) {
            actor.leader_died = Some(Instant::now());
        }
    }

    /// The pool asks.
    pub(super) fn is_known_to_exit(&self, id: ProcessId) -> bool {
        match self.state().actors.get_mut(&id) {
            Some(actor) if actor.leader_died.is_some() => true,
            Some(actor) if actor.exits == Exits::No => false,
            Some(actor) => {
                actor.exits = Exits::Known;
                true
            }
            None => true,
        }
    }

    pub(super) fn ends(&self, id: ProcessId) {
        self.state().actors.remove(&id);
        self.census.ends();
    }

    pub(super) fn is_asked(&self, number: usize, method: Method) {
        let asked = Asked {
            method,
            reached: 0,
            off: false,
        };
        self.state().requests.insert(number, asked);
    }

    /// Its client has left, or has its answer.
    pub(super) fn is_off(&self, number: usize) {
        if let Some(asked) = self.state().requests.get_mut(&number) {
            asked.off = true;
        }
    }

    pub(super) fn reached(&self, number: usize) -> usize {
        self.state().requests[&number].reached
    }

    pub(super) fn processes(&self) -> usize {
        self.state().actors.len()
    }

    pub(super) fn assert_peace(&self) {
        assert_eq!(self.state().violations, [""; 0]);
    }

    /// A request is sent to a process. Gives back how that goes on, if the
    /// process takes it.
    fn arrives(&self, id: ProcessId, number: usize) -> Option<(Life, watch::Receiver<bool>)> {
        let mut state = self.state();
        let overtaken = state
            .requests
            .range(..number)
            .find(|(_, other)| !other.off)
            .map(|(other, _)| *other);
        let sent_before = state.requests[&number].off;
        state.check(overtaken.is_none() || sent_before, || {
            format!("{number} overtakes {overtaken:?}")
        });
        state.requests.get_mut(&number)?.off = true;
        let actor = state.actors.get_mut(&id)?;
        let (life, phase, is_dead) = (actor.life, actor.phase, actor.is_dead.clone());
        let is_exiting = actor.exits == Exits::Known;
        let is_led_no_more = actor.leader_died.is_some_and(|at| at < Instant::now());
        state.check(!is_exiting, || {
            format!("{number} is sent to {id}, which exits")
        });
        state.check(phase == Phase::Ready, || {
            format!("{number} is sent to {id}, which is {phase:?}")
        });
        // The pool hears of it within the moment.
        state.check(!is_led_no_more, || {
            format!("{number} is sent to {id}, whose leader has died")
        });
        if matches!(life, Life::Refuses(_)) {
            return None;
        }
        let actor = state.actors.get_mut(&id)?;
        actor.running += 1;
        let running = actor.running;
        let concurrency = self.concurrency;
        state.check(running <= concurrency, || format!("{running} in {id}"));
        let asked = state.requests.get_mut(&number)?;
        asked.reached += 1;
        // RFC 9110 §9.2.2, and once is enough.
        let (reached, most) = (asked.reached, 1 + usize::from(asked.method == Method::GET));
        state.check(reached <= most, || {
            format!("{number} is sent {reached} times")
        });
        Some((life, is_dead))
    }

    fn is_answered(&self, id: ProcessId) {
        if let Some(actor) = self.state().actors.get_mut(&id) {
            actor.running -= 1;
        }
    }
}

impl State {
    fn count(&self, phase: Phase) -> usize {
        let actors = self.actors.values();
        actors.filter(|actor| actor.phase == phase).count()
    }

    fn check(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violation());
        }
    }
}

/// Puts played processes in the place of real ones.
#[derive(Clone)]
pub(super) struct Playing(pub(super) Arc<World>);

impl Layer<Process> for Playing {
    type Service = Played;

    fn layer(&self, process: Process) -> Played {
        Played {
            world: Arc::clone(&self.0),
            busyness: process.busyness(),
        }
    }
}

/// A played process, as the pool sees it. Its readiness is the real one.
pub(super) struct Played {
    world: Arc<World>,
    busyness: Arc<Busyness>,
}

impl Service<Request<RequestBody>> for Played {
    type Response = Response<()>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.busyness.poll_free(cx).map(Ok)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let id = self.busyness.id();
        let permit = Busyness::acquire(&self.busyness);
        let path: Vec<_> = request.uri().path()[1..].split('/').collect();
        let (number, work) = (path[0].parse().unwrap(), path[1].parse().unwrap());
        match self.world.arrives(id, number) {
            Some((life, is_dead)) => {
                let exchange = Exchange {
                    world: Arc::clone(&self.world),
                    id,
                    permit,
                };
                let repeat = Repeat::of(&request);
                let work = Duration::from_millis(work);
                Box::pin(async move {
                    let answer = exchange.run(life, is_dead, work).await;
                    if let Err(error) = &answer
                        && error.is_closed_early()
                    {
                        diagnose(error, &exchange.permit).await;
                    }
                    drop(exchange);
                    answer.map_err(|error| repeat.save(request, error))
                })
            }
            None => Box::pin(async move {
                permit.condemn("refuses connections");
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                Err(Error::connect(refused).with(Again::Unsent(request)))
            }),
        }
    }
}

impl Load for Played {
    type Metric = usize;

    fn load(&self) -> usize {
        self.busyness.running()
    }
}

/// A request that runs in a process.
struct Exchange {
    world: Arc<World>,
    id: ProcessId,
    permit: Permit,
}

impl Exchange {
    async fn run(
        &self,
        life: Life,
        mut is_dead: watch::Receiver<bool>,
        work: Duration,
    ) -> Result<Response<()>, Error> {
        let work = async {
            if matches!(life, Life::Hangs(_)) {
                sleep(RESPONSE_TIMEOUT).await;
                // As after the ping that one of several late requests leads to,
                // which needs a real socket.
                self.permit.condemn("does not answer");
                Err(Error::timeout(RESPONSE_TIMEOUT))
            } else {
                sleep(work).await;
                self.permit.served();
                Ok(Response::new(()))
            }
        };
        tokio::select! {
            biased;
            _ = is_dead.wait_for(|dead| *dead) => Err(Error::closed_early(true, "it is dead")),
            answer = work => answer,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.world.is_answered(self.id);
    }
}

//! Selection, queue and retry together, over processes that the test plays.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Empty;
use proptest::prelude::*;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tower::load::Load;
use tower_service::Service;

use super::*;
use crate::{
    PreferredProcess,
    connection::Repeat,
    process::{Busyness, Permit, Pulse},
    roster::{Gate, ProcessId},
    supervisor::{Inbox, Notes, notes},
};

/// A request as it arrived at a process.
struct Arrived {
    number: usize,
    process: ProcessId,
    answer: oneshot::Sender<Result<(), Error>>,
    permit: Permit,
}

type Arrivals = Arc<Mutex<Vec<Arrived>>>;

/// A process that the test plays. Its readiness is the real one.
struct Played {
    id: ProcessId,
    busyness: Arc<Busyness>,
    arrivals: Arrivals,
    /// It calls its waker at the next poll.
    tired: Arc<Flag>,
}

impl Service<Request<RequestBody>> for Played {
    type Response = Response<()>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Error>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // As a layer may that has used up its budget: the waker is called
        // while the pool holds its lock.
        if self.tired.0.swap(false, Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
        self.busyness.poll_free(cx).map(Ok)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let repeat = Repeat::of(&request);
        let (answer, answered) = oneshot::channel();
        self.arrivals.lock().unwrap().push(Arrived {
            number: request.uri().path()[1..].parse().unwrap(),
            process: self.id,
            answer,
            permit: Busyness::acquire(&self.busyness),
        });
        Box::pin(async move {
            match answered.await.unwrap() {
                Ok(()) => Ok(Response::new(())),
                Err(error) => Err(repeat.save(request, error)),
            }
        })
    }
}

impl Load for Played {
    type Metric = usize;

    fn load(&self) -> usize {
        self.busyness.running()
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A request that is polled only when it was woken, as by a runtime.
struct Task {
    future: Pin<Box<ResponseFuture<Played>>>,
    woken: Arc<Flag>,
}

struct Stage {
    pool: UpstreamPool<Played>,
    selector: Arc<Selector<Played>>,
    queue: Arc<Queue>,
    notes: Notes,
    _inbox: Inbox,
    _commands: mpsc::UnboundedReceiver<crate::handle::Command>,
    arrivals: Arrivals,
    tired: Arc<Flag>,
    processes: BTreeMap<ProcessId, Arc<Busyness>>,
    concurrency: usize,
    tasks: BTreeMap<usize, Task>,
    results: BTreeMap<usize, Result<(), Error>>,
    next_process: u64,
    next_request: usize,
}

impl Stage {
    fn new(processes: usize, concurrency: usize, queue: usize) -> Self {
        let queue = Queue::new(queue);
        let (notes, inbox) = notes();
        let waker = Waker::from(Arc::clone(&queue));
        let selector = Arc::new(Selector::new(waker, notes.clone()));
        let (lifeline, commands) = mpsc::unbounded_channel();
        let mut stage = Self {
            pool: UpstreamPool::new(Arc::clone(&selector), Arc::clone(&queue), lifeline),
            selector,
            queue,
            notes,
            _inbox: inbox,
            _commands: commands,
            arrivals: Arrivals::default(),
            tired: Arc::default(),
            processes: BTreeMap::new(),
            concurrency,
            tasks: BTreeMap::new(),
            results: BTreeMap::new(),
            next_process: 1,
            next_request: 0,
        };
        for _ in 0..processes {
            stage.publish();
        }
        stage
    }

    fn publish(&mut self) -> ProcessId {
        let id = ProcessId::new(self.next_process);
        self.next_process += 1;
        let busyness = Busyness::new(
            id,
            0,
            self.concurrency,
            0,
            Pulse::none(),
            self.notes.clone(),
        );
        self.processes.insert(id, Arc::clone(&busyness));
        let service = Played {
            id,
            busyness,
            arrivals: Arc::clone(&self.arrivals),
            tired: Arc::clone(&self.tired),
        };
        self.selector.publish(id, pid(id), service);
        self.queue.wake_head();
        self.run();
        id
    }

    fn withdraw(&mut self, id: ProcessId) {
        self.processes.remove(&id);
        drop(self.selector.withdraw(id));
        self.run();
    }

    fn send(&mut self, method: Method) -> usize {
        self.send_to(method, None)
    }

    /// Prefers a process.
    fn get_from(&mut self, id: ProcessId) -> usize {
        self.send_to(Method::GET, Some(id))
    }

    fn send_to(&mut self, method: Method, preferred: Option<ProcessId>) -> usize {
        let number = self.next_request;
        self.next_request += 1;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/{number}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        if let Some(id) = preferred {
            let pid = pid(id);
            request.extensions_mut().insert(PreferredProcess { pid });
        }
        let task = Task {
            future: Box::pin(self.pool.call(request)),
            woken: Arc::new(Flag(AtomicBool::new(true))),
        };
        self.tasks.insert(number, task);
        self.run();
        number
    }

    fn get(&mut self) -> usize {
        self.send(Method::GET)
    }

    /// Polls those that are woken until nobody is.
    fn run(&mut self) {
        self.tired.0.store(true, Ordering::SeqCst);
        loop {
            let woken = self
                .tasks
                .iter()
                .find(|(_, task)| task.woken.0.swap(false, Ordering::SeqCst));
            let Some((&number, _)) = woken else {
                return;
            };
            let task = self.tasks.get_mut(&number).unwrap();
            let waker = Waker::from(Arc::clone(&task.woken));
            let mut cx = Context::from_waker(&waker);
            if let Poll::Ready(result) = task.future.as_mut().poll(&mut cx) {
                self.tasks.remove(&number);
                self.results.insert(number, result.map(drop));
            }
        }
    }

    fn leave(&mut self, number: usize) {
        self.tasks.remove(&number);
        // The process finishes for nobody, or has noticed.
        self.arrivals.lock().unwrap().retain(|a| a.number != number);
        self.run();
    }

    fn answer(&mut self, number: usize, answer: Result<(), Error>) {
        let arrived = {
            let mut arrivals = self.arrivals.lock().unwrap();
            let at = arrivals.iter().position(|a| a.number == number);
            arrivals.swap_remove(at.unwrap())
        };
        let _ = arrived.answer.send(answer);
        drop(arrived.permit);
        self.run();
    }

    /// Which requests are in which process.
    fn running(&self) -> BTreeMap<usize, ProcessId> {
        let arrivals = self.arrivals.lock().unwrap();
        arrivals.iter().map(|a| (a.number, a.process)).collect()
    }
}

const fn process(id: u64) -> ProcessId {
    ProcessId::new(id)
}

fn pid(id: ProcessId) -> u32 {
    id.number().try_into().unwrap()
}

fn broken() -> Error {
    Error::closed_early(true, "broken")
}

#[tokio::test]
async fn the_least_busy_gets_it_and_among_equals_the_oldest() {
    let mut stage = Stage::new(3, 2, 10);
    for _ in 0..4 {
        stage.get();
    }
    let expected = [
        (0, process(1)),
        (1, process(2)),
        (2, process(3)),
        (3, process(1)),
    ];
    assert_eq!(stage.running(), expected.into());
    stage.answer(1, Ok(()));
    stage.get();
    assert_eq!(stage.running()[&4], process(2));
}

#[tokio::test]
async fn a_free_place_goes_to_the_one_who_waits_longest() {
    let mut stage = Stage::new(1, 1, 10);
    for _ in 0..3 {
        stage.get();
    }
    stage.leave(1);
    stage.answer(0, Ok(()));
    assert_eq!(stage.running(), [(2, process(1))].into());
}

#[tokio::test]
async fn a_full_queue_turns_away_and_forgets_those_who_left() {
    let mut stage = Stage::new(1, 1, 1);
    let (_running, waiting, third) = (stage.get(), stage.get(), stage.get());
    assert!(stage.results[&third].as_ref().unwrap_err().is_queue_full());
    stage.leave(waiting);
    let fourth = stage.get();
    assert!(!stage.results.contains_key(&fourth));
}

#[tokio::test]
async fn a_new_process_wakes_as_many_as_it_can_serve() {
    let mut stage = Stage::new(0, 2, 10);
    for _ in 0..3 {
        stage.get();
    }
    stage.publish();
    assert_eq!(stage.running().len(), 2);
    stage.publish();
    assert_eq!(stage.running().len(), 3);
}

#[tokio::test]
async fn a_failed_start_is_told_to_all_who_wait() {
    let mut stage = Stage::new(0, 1, 10);
    let requests = [stage.get(), stage.get(), stage.get()];
    let report = Arc::new(crate::StartReport {
        command: "false".into(),
        dir: None,
        env: Vec::new(),
        address: String::new(),
        failure: crate::report::Failure::Exited(None),
        output: Vec::new(),
        took: Duration::ZERO,
        at: std::time::SystemTime::now(),
    });
    let retry_at = time::Instant::now() + Duration::from_secs(2);
    stage
        .selector
        .set_gate(Gate::Failing { retry_at }, Some(report));
    stage.queue.wake_all();
    stage.run();
    for number in requests {
        let error = stage.results[&number].as_ref().unwrap_err();
        assert_eq!(error.start_report().unwrap().command(), "false");
        assert!(error.retry_after().unwrap() > Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_stop_serves_who_waits_and_refuses_who_comes() {
    let mut stage = Stage::new(1, 1, 10);
    let (running, waiting) = (stage.get(), stage.get());
    stage.selector.set_gate(Gate::Stopping, None);
    stage.queue.wake_all();
    stage.run();
    let late = stage.get();
    assert!(stage.results[&late].as_ref().unwrap_err().is_stopping());
    stage.answer(running, Ok(()));
    stage.answer(waiting, Ok(()));
    assert!(stage.results[&waiting].is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_retry_goes_elsewhere_or_waits_to_see_whether_the_process_dies() {
    let mut stage = Stage::new(2, 1, 10);
    let first = stage.get();
    stage.answer(first, Err(broken()));
    assert_eq!(stage.running(), [(first, process(2))].into());

    // Now it is the only one.
    stage.withdraw(process(1));
    stage.answer(first, Ok(()));
    let second = stage.get();
    stage.answer(second, Err(broken()));
    assert!(stage.running().is_empty());
    let third = stage.get();
    assert!(stage.running().is_empty(), "nobody overtakes");

    time::sleep(Duration::from_millis(101)).await;
    stage.run();
    assert_eq!(stage.running(), [(second, process(2))].into());
    stage.answer(second, Ok(()));
    assert_eq!(stage.running(), [(third, process(2))].into());
}

#[tokio::test]
async fn a_retry_stands_before_those_who_were_never_sent() {
    let mut stage = Stage::new(1, 1, 1);
    let (first, second) = (stage.get(), stage.get());
    stage.answer(first, Err(broken()));
    assert_eq!(
        stage.queue.len(),
        2,
        "it is not turned away, though the queue is full"
    );
    stage.publish();
    // The process that failed the first is good enough for the second.
    let expected = [(first, process(2)), (second, process(1))];
    assert_eq!(stage.running(), expected.into());
}

#[tokio::test]
async fn a_post_that_broke_is_not_sent_again() {
    let mut stage = Stage::new(2, 1, 10);
    let post = stage.send(Method::POST);
    stage.answer(post, Err(broken()));
    assert!(stage.running().is_empty());
    assert!(stage.results[&post].as_ref().unwrap_err().is_closed_early());
}

#[tokio::test(start_paused = true)]
async fn a_session_stays_with_its_process_while_that_takes_requests() {
    let mut stage = Stage::new(2, 2, 10);
    let (first, second) = (stage.get_from(process(2)), stage.get_from(process(2)));
    assert_eq!(
        stage.running(),
        [(first, process(2)), (second, process(2))].into()
    );

    // It waits beside the others, who are not held up.
    let third = stage.get_from(process(2));
    let anybody = stage.get();
    assert_eq!(stage.running()[&anybody], process(1));
    assert!(!stage.running().contains_key(&third));
    stage.answer(second, Ok(()));
    assert_eq!(stage.running()[&third], process(2));

    // Not for ever.
    let fourth = stage.get_from(process(2));
    time::sleep(Duration::from_secs(6)).await;
    stage.run();
    assert_eq!(stage.running()[&fourth], process(1));
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_when_its_process_is_gone_leaves_or_fails() {
    let mut stage = Stage::new(2, 1, 10);
    let unknown = stage.get_from(process(9));
    assert_eq!(stage.running(), [(unknown, process(1))].into());
    stage.answer(unknown, Ok(()));

    let busy = stage.get_from(process(2));
    let waiting = stage.get_from(process(2));
    assert_eq!(stage.running().len(), 1);
    // It is to leave, and finishes what it has.
    stage.withdraw(process(2));
    assert_eq!(stage.running()[&waiting], process(1));
    stage.answer(waiting, Ok(()));
    stage.answer(busy, Ok(()));

    stage.publish();
    let failed = stage.get_from(process(3));
    stage.answer(failed, Err(broken()));
    assert_eq!(stage.running(), [(failed, process(1))].into());
}

#[tokio::test]
async fn who_waits_for_one_process_counts_for_the_queue() {
    let mut stage = Stage::new(2, 1, 1);
    let running = stage.get_from(process(1));
    let waiting = stage.get_from(process(1));
    let late = stage.get_from(process(1));
    assert!(stage.results[&late].as_ref().unwrap_err().is_queue_full());
    stage.leave(waiting);
    assert_eq!(stage.queue.len(), 0);
    stage.answer(running, Ok(()));
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    Get,
    GetFrom(usize),
    Post,
    Leave(usize),
    Answer(usize),
    Break(usize),
    Publish,
    Withdraw(usize),
    Wait,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => Just(Turn::Get),
        3 => (0..20_usize).prop_map(Turn::GetFrom),
        3 => Just(Turn::Post),
        3 => (0..20_usize).prop_map(Turn::Leave),
        6 => (0..20_usize).prop_map(Turn::Answer),
        3 => (0..20_usize).prop_map(Turn::Break),
        1 => Just(Turn::Publish),
        1 => (0..20_usize).prop_map(Turn::Withdraw),
        2 => Just(Turn::Wait),
    ];
    prop::collection::vec(turn, 0..150)
}

impl Stage {
    async fn play(&mut self, turn: Turn) {
        let nth = |n: usize, of: &[usize]| (!of.is_empty()).then(|| of[n % of.len()]);
        let running: Vec<_> = self.running().into_keys().collect();
        let tasks: Vec<_> = self.tasks.keys().copied().collect();
        match turn {
            Turn::Get => _ = self.get(),
            Turn::GetFrom(n) => {
                let ids: Vec<_> = self.processes.keys().copied().collect();
                let gone = ProcessId::new(self.next_process);
                let id = ids.get(n).copied().unwrap_or(gone);
                _ = self.get_from(id);
            }
            Turn::Post => _ = self.send(Method::POST),
            Turn::Leave(n) => {
                if let Some(n) = nth(n, &tasks) {
                    self.leave(n);
                }
            }
            Turn::Answer(n) => {
                if let Some(n) = nth(n, &running) {
                    self.answer(n, Ok(()));
                }
            }
            Turn::Break(n) => {
                if let Some(n) = nth(n, &running) {
                    self.answer(n, Err(broken()));
                }
            }
            Turn::Publish => _ = self.publish(),
            Turn::Withdraw(n) => {
                let ids: Vec<_> = self.processes.keys().copied().collect();
                if !ids.is_empty() {
                    self.withdraw(ids[n % ids.len()]);
                }
            }
            Turn::Wait => {
                time::sleep(Duration::from_millis(101)).await;
                self.run();
            }
        }
    }

    /// The bounds hold, and nobody was asked twice for what may not be asked
    /// twice.
    fn check(&self) {
        for busyness in self.processes.values() {
            assert!(busyness.running() <= self.concurrency);
        }
        let running = self.running();
        assert_eq!(running.len(), self.arrivals.lock().unwrap().len());
        assert!(running.keys().all(|number| self.tasks.contains_key(number)));
        assert_eq!(self.tasks.len(), running.len() + self.queue.len());
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_request_is_forgotten(
        processes in 0..4_usize,
        concurrency in 1..3_usize,
        turns in turns(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut stage = Stage::new(processes, concurrency, 5);
            for turn in turns {
                stage.play(turn).await;
                stage.check();
            }
            // When all that failed is forgotten, nobody waits beside a free
            // process.
            time::sleep(Duration::from_secs(6)).await;
            stage.play(Turn::Wait).await;
            let free = stage.processes.values().any(|b| b.running() < concurrency);
            assert!(!free || stage.queue.len() == 0, "somebody was not woken");

            // And in the end everybody is served.
            stage.publish();
            while let Some(number) = stage.running().into_keys().next() {
                stage.answer(number, Ok(()));
            }
            assert!(stage.tasks.is_empty());
        });
    }
}

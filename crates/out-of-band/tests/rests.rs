//! Services that rest, over a service and a work that the test plays.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Channel, Full, channel::Sender, combinators::BoxBody};
use peregrine_core::RestRequested;
use peregrine_out_of_band::{OutOfBand, OutOfBandLayer, RestGroup, RestState};
use tokio::{sync::Notify, time};
use tower::Layer;
use tower_test::mock::{self, Mock, Spawn};

type Body = BoxBody<Bytes, Infallible>;
type Service = Spawn<OutOfBand<Mock<Request<()>, Response<Body>>>>;

const ASKS: &str = "!~Request-OOB-Work";

/// Work that lasts until the test ends it.
#[derive(Clone, Default)]
struct Work {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
    panics: Arc<AtomicBool>,
    end: Arc<Notify>,
}

/// Counts down wherever the work ends.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Work {
    fn layer(&self) -> OutOfBandLayer {
        let work = self.clone();
        OutOfBandLayer::new(move || work.clone().run())
    }

    async fn run(self) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = Running(Arc::clone(&self.running));
        self.most.fetch_max(running, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "as told");
        self.end.notified().await;
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    async fn end(&self) {
        self.end.notify_one();
        settle().await;
    }
}

/// Lets every task do what it can. Time is paused: nobody waits.
async fn settle() {
    time::sleep(Duration::from_millis(1)).await;
}

fn around(layer: &OutOfBandLayer) -> (Service, mock::Handle<Request<()>, Response<Body>>) {
    let (service, mut handle) = mock::spawn_layer(layer.clone());
    handle.allow(1000);
    (service, handle)
}

fn page(asks: bool) -> Response<Body> {
    let mut response = Response::builder();
    if asks {
        response = response.header(ASKS, "true");
    }
    response.body(Full::from("page").boxed()).unwrap()
}

fn streamed() -> (Sender<Bytes>, Response<Body>) {
    let (sender, body) = Channel::new(1);
    let response = Response::builder().header(ASKS, "true");
    (sender, response.body(body.boxed()).unwrap())
}

fn is_ready(service: &mut Service) -> bool {
    service.poll_ready().is_ready()
}

/// A request from beginning to end, whose response asks for a rest.
async fn ask(service: &mut Service, handle: &mut mock::Handle<Request<()>, Response<Body>>) {
    assert!(is_ready(service));
    let response = service.call(Request::new(()));
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(page(true));
    response.await.unwrap().into_body().collect().await.unwrap();
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn the_header_is_a_word_between_the_two_of_them() {
    for (name, value) in [
        ("!~Request-OOB-Work", "true"),
        ("!~request-oob-work", ""),
        ("!~REQUEST-OOB-WORK", "false"),
    ] {
        let work = Work::default();
        let (mut service, mut handle) = around(&work.layer());
        assert!(is_ready(&mut service));
        let response = service.call(Request::new(()));
        let asks = Response::builder()
            .header(name, value)
            .header("etag", "1")
            .body(Full::from("page").boxed())
            .unwrap();
        handle.next_request().await.unwrap().1.send_response(asks);
        let response = response.await.unwrap();
        let fields: Vec<_> = response.headers().keys().collect();
        assert_eq!(fields, ["etag"], "{name}");
        assert!(response.extensions().get::<RestRequested>().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_ask_does_not_rest() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    assert!(is_ready(&mut service));
    let response = service.call(Request::new(()));
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(page(false));
    let response = response.await.unwrap();
    assert!(response.extensions().get::<RestRequested>().is_none());
    drop(response);
    settle().await;
    assert_eq!(work.begun(), 0);
    assert!(is_ready(&mut service));
}

#[tokio::test(start_paused = true)]
async fn what_runs_finishes_first_and_nothing_else_begins() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    let rest = service.get_ref().handle();

    assert!(is_ready(&mut service));
    let other = service.call(Request::new(()));
    let other_answer = handle.next_request().await.unwrap().1;
    assert!(is_ready(&mut service));
    let asking = service.call(Request::new(()));
    let (mut sender, streamed) = streamed();
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(streamed);
    let mut asking = asking.await.unwrap().into_body();

    // Not ready from the head of the response on.
    assert!(!is_ready(&mut service));
    assert_eq!(rest.state(), RestState::Draining);

    sender.send_data(Bytes::from("pa")).await.unwrap();
    asking.frame().await.unwrap().unwrap();
    drop(sender);
    assert!(asking.frame().await.is_none());
    settle().await;
    assert_eq!(work.begun(), 0, "another one is running");

    other_answer.send_response(page(false));
    let other = other.await.unwrap();
    settle().await;
    assert_eq!(work.begun(), 0, "its body is still to be sent");
    assert!(!is_ready(&mut service));
    // Its client leaves.
    drop(other);
    settle().await;
    assert_eq!(work.begun(), 1);
    assert_eq!(rest.state(), RestState::Resting);
    assert!(!is_ready(&mut service));

    work.end().await;
    assert!(service.is_woken());
    assert!(is_ready(&mut service));
    assert_eq!(rest.state(), RestState::Awake);
    assert_eq!(rest.rests().finished, 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_told_that_it_is_ready_is_waited_for() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    let mut clone = Spawn::new(service.get_ref().clone());
    assert!(is_ready(&mut service));
    clone.get_ref().handle().request_rest();
    settle().await;
    assert_eq!(work.begun(), 0);

    // Told once, it stays ready; a clone is told the truth.
    assert!(is_ready(&mut service));
    assert!(clone.poll_ready().is_pending());
    let response = service.call(Request::new(()));
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(page(false));
    drop(response.await.unwrap());
    settle().await;
    assert_eq!(work.begun(), 1);
    assert!(clone.poll_ready().is_pending());

    work.end().await;
    assert!(clone.is_woken());
    // This one has said that it is ready, and is dropped.
    assert!(is_ready(&mut service));
    service.get_ref().handle().request_rest();
    drop(service);
    settle().await;
    assert_eq!(work.begun(), 2);
    drop(clone);
}

#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_not_ready_does_not_keep_it_from_resting() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    handle.allow(0);
    assert!(!is_ready(&mut service));
    service.get_ref().handle().request_rest();
    settle().await;
    assert_eq!(work.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_before_its_answer_is_over() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    assert!(is_ready(&mut service));
    let response = service.call(Request::new(()));
    handle.next_request().await.unwrap();
    service.get_ref().handle().request_rest();
    settle().await;
    assert_eq!(work.begun(), 0);
    drop(response);
    settle().await;
    assert_eq!(work.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_is_over() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    assert!(is_ready(&mut service));
    let response = service.call(Request::new(()));
    let answer = handle.next_request().await.unwrap().1;
    service.get_ref().handle().request_rest();
    answer.send_error("broken");
    response.await.unwrap_err();
    settle().await;
    assert_eq!(work.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_of_a_group_rests_at_a_time_and_the_others_take_requests_meanwhile() {
    let work = Work::default();
    let layer = work.layer();
    let (mut one, mut one_handle) = around(&layer);
    let (mut two, mut two_handle) = around(&layer);
    ask(&mut one, &mut one_handle).await;
    ask(&mut two, &mut two_handle).await;
    assert_eq!(work.running(), 1);
    assert!(!is_ready(&mut one));
    assert_eq!(two.get_ref().handle().state(), RestState::Waiting);
    ask(&mut two, &mut two_handle).await;

    work.end().await;
    assert!(is_ready(&mut one));
    assert!(!is_ready(&mut two));
    work.end().await;
    assert!(is_ready(&mut two));
    assert_eq!(work.begun(), 2);
    assert_eq!(work.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_stays_until_nobody_waits() {
    let demand = Arc::new(AtomicBool::new(true));
    let group = RestGroup::new().demand({
        let demand = Arc::clone(&demand);
        move || demand.load(Ordering::SeqCst)
    });
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer().group(group.clone()));
    ask(&mut service, &mut handle).await;
    assert_eq!(work.begun(), 0);
    assert_eq!(service.get_ref().handle().state(), RestState::Waiting);
    ask(&mut service, &mut handle).await;
    assert_eq!(work.begun(), 0);

    // The end of a request is when to look again.
    demand.store(false, Ordering::SeqCst);
    ask(&mut service, &mut handle).await;
    assert_eq!(work.begun(), 1);
    work.end().await;

    // And so is another one that takes requests.
    demand.store(true, Ordering::SeqCst);
    ask(&mut service, &mut handle).await;
    assert_eq!(work.begun(), 1);
    let _another = around(&work.layer().group(group));
    settle().await;
    assert_eq!(work.begun(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_end_puts_the_rest_off() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer().drain_timeout(Duration::from_secs(5)));
    let rest = service.get_ref().handle();
    assert!(is_ready(&mut service));
    let endless = service.call(Request::new(()));
    let (_sender, streamed) = streamed();
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(streamed);
    let _endless = endless.await.unwrap();
    assert!(!is_ready(&mut service));

    time::sleep(Duration::from_secs(5)).await;
    settle().await;
    assert!(service.is_woken());
    assert!(is_ready(&mut service));
    assert_eq!((work.begun(), rest.rests().given_up), (0, 1));
    // Not again at once.
    rest.request_rest();
    assert_eq!(rest.state(), RestState::Awake);
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_does_not_put_the_rest_off() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    assert!(is_ready(&mut service));
    let response = service.call(Request::new(()));
    let (_open, mut switched) = streamed();
    *switched.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    handle
        .next_request()
        .await
        .unwrap()
        .1
        .send_response(switched);
    let _held = response.await.unwrap();
    settle().await;
    assert_eq!(work.begun(), 1);
}

#[tokio::test(start_paused = true)]
async fn work_that_takes_too_long_is_given_up() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    let rest = service.get_ref().handle();
    ask(&mut service, &mut handle).await;
    time::sleep(Duration::from_secs(59)).await;
    assert_eq!(work.running(), 1);
    time::sleep(Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(work.running(), 0);
    assert!(is_ready(&mut service));
    assert_eq!(rest.rests().timed_out, 1);
    assert_eq!(rest.rests().last, Some(Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn work_that_panics_is_over() {
    let work = Work::default();
    work.panics.store(true, Ordering::SeqCst);
    let layer = work.layer();
    let (mut one, mut one_handle) = around(&layer);
    let (mut two, mut two_handle) = around(&layer);
    ask(&mut one, &mut one_handle).await;
    assert!(is_ready(&mut one));
    work.panics.store(false, Ordering::SeqCst);
    ask(&mut two, &mut two_handle).await;
    assert_eq!(work.running(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_dropped_gives_its_turn_back() {
    #[derive(Debug)]
    enum At {
        Draining,
        Resting,
    }
    for at in [At::Draining, At::Resting] {
        let work = Work::default();
        let group = RestGroup::new();
        let layer = work.layer().group(group.clone());
        let (mut one, mut one_handle) = around(&layer);
        let (mut two, mut two_handle) = around(&layer);
        let mut left = None;
        match at {
            At::Draining => {
                assert!(is_ready(&mut one));
                left = Some(one.call(Request::new(())));
                one.get_ref().handle().request_rest();
            }
            At::Resting => ask(&mut one, &mut one_handle).await,
        }
        ask(&mut two, &mut two_handle).await;
        assert_eq!(two.get_ref().handle().state(), RestState::Waiting);
        assert_eq!(group.resting(), 1);
        let rest = one.get_ref().handle();
        drop(one);
        settle().await;
        assert_eq!(two.get_ref().handle().state(), RestState::Resting, "{at:?}");
        assert_eq!(work.running(), 1, "{at:?}");
        // Nobody is left to rest.
        rest.request_rest();
        drop(left);
        settle().await;
        assert_eq!(group.resting(), 1, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_is_left_keeps_the_service_at_rest() {
    let work = Work::default();
    let (mut service, mut handle) = around(&work.layer());
    let clone = service.get_ref().clone();
    ask(&mut service, &mut handle).await;
    drop(service);
    settle().await;
    assert_eq!(work.running(), 1);
    drop(clone);
    settle().await;
    assert_eq!(work.running(), 0);
}

#[tokio::test]
async fn a_runtime_that_ends_takes_the_rest_along() {
    let work = Work::default();
    let service = Arc::new(Mutex::new(None));
    let (there, worked) = (Arc::clone(&service), work.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let made = worked
                .layer()
                .layer(tower::service_fn(|_: Request<()>| async {
                    Ok::<_, Infallible>(page(false))
                }));
            made.handle().request_rest();
            *there.lock().unwrap() = Some(Spawn::new(made));
            while worked.running() == 0 {
                tokio::task::yield_now().await;
            }
        });
    })
    .join()
    .unwrap();
    assert_eq!(work.running(), 0);
    let mut service = service.lock().unwrap().take().unwrap();
    assert!(service.poll_ready::<Request<()>>().is_ready());
}

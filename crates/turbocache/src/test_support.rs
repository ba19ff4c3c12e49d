//! What the tests of the service and of its flights have in common: a cache in
//! front of a mock, a clock that is moved by hand, and tasks that are polled one
//! by one. No runtime and no time is involved, so nothing depends on speed.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{
    BodyExt, Empty, Full,
    channel::{Channel, Sender},
    combinators::UnsyncBoxBody,
};
use peregrine_core::{CacheStatus, GuardedBody};
use tower::{BoxError, Layer, Service};
use tower_test::mock::{self, Mock, SendResponse};

use crate::{
    CacheBody, Clock, ResponseFuture, TurboCache, TurboCacheHandle, TurboCacheService,
    store::Storage,
};

pub(crate) type Ask = Request<Empty<Bytes>>;
pub(crate) type AppBody = UnsyncBoxBody<Bytes, BoxError>;
pub(crate) type Answer = Response<CacheBody<AppBody>>;

/// A cache in front of an application that the test plays.
pub(crate) struct Scene {
    pub(crate) service: TurboCacheService<App>,
    pub(crate) handle: TurboCacheHandle,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) app: mock::Handle<Ask, Response<AppBody>>,
    /// What happens while the cache clones its inner service, once.
    pub(crate) in_clone: Hook,
    /// What happens while the cache polls a call, once.
    pub(crate) in_call: Hook,
    live: Arc<()>,
}

/// Something to be done amid what the cache does. It may be told of the waker
/// that the cache polls with.
pub(crate) type Hook = Arc<Mutex<Option<Box<dyn FnOnce(&Waker) + Send>>>>;

pub(crate) fn run(hook: &Hook, waker: &Waker) {
    let hook = hook.lock().unwrap().take();
    if let Some(hook) = hook {
        hook(waker);
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(TurboCache::conservative())
    }

    pub(crate) fn with(cache: TurboCache) -> Self {
        let clock = Arc::new(MovedClock::new());
        Self::of(&cache.clock(Arc::clone(&clock)), clock)
    }

    /// A cache that keeps its responses in `store`.
    pub(crate) fn over(store: impl Storage) -> Self {
        Self::with_store(TurboCache::conservative(), store)
    }

    pub(crate) fn with_store(cache: TurboCache, store: impl Storage) -> Self {
        let clock = Arc::new(MovedClock::new());
        let cache = cache.clock(Arc::clone(&clock));
        Self::of(&cache.over(store), clock)
    }

    fn of(cache: &TurboCache, clock: Arc<MovedClock>) -> Self {
        let (mock, app) = mock::pair();
        let live = Arc::new(());
        let inner = App {
            mock,
            live: Arc::downgrade(&live),
            in_clone: Hook::default(),
            in_call: Hook::default(),
        };
        let (in_clone, in_call) = (Arc::clone(&inner.in_clone), Arc::clone(&inner.in_call));
        Self {
            service: cache.layer(inner),
            handle: cache.handle(),
            clock,
            app,
            in_clone,
            in_call,
            live,
        }
    }

    /// A request on its way, not polled yet.
    pub(crate) fn ask(&mut self, request: Ask) -> Asking {
        Task::new(self.service.call(request))
    }

    /// A request that is answered without the application.
    pub(crate) fn answer(&mut self, request: Ask) -> Answer {
        let Poll::Ready(answer) = self.ask(request).poll() else {
            panic!("it went to the application");
        };
        assert!(self.app_asked().is_none());
        answer.unwrap()
    }

    /// Sends `request` through to an application that answers with `response`.
    pub(crate) fn through(&mut self, request: Ask, response: Response<AppBody>) -> Answer {
        let mut asking = self.ask(request);
        assert!(asking.poll().is_pending());
        let (_, respond) = self
            .app_asked()
            .expect("it was answered without the application");
        respond.send_response(response);
        let Poll::Ready(answer) = asking.poll() else {
            panic!("the application has answered");
        };
        answer.unwrap()
    }

    /// The next request that the application got.
    pub(crate) fn app_asked(&mut self) -> Option<(Ask, SendResponse<Response<AppBody>>)> {
        match self.app.poll_request() {
            Poll::Ready(request) => Some(request.expect("the service is there")),
            Poll::Pending => None,
        }
    }

    /// How many calls and bodies of the application are alive.
    pub(crate) fn live(&self) -> usize {
        // One is ours.
        Arc::strong_count(&self.live) - 1
    }

    /// How many flights can be joined.
    pub(crate) fn flights(&self) -> usize {
        self.service.flights()
    }

    /// A body that the test sends piece by piece.
    pub(crate) fn streamed(&self) -> (Sender<Bytes, BoxError>, AppBody) {
        let (sender, body) = Channel::new(16);
        let body = GuardedBody::new(body, Arc::clone(&self.live));
        (sender, body.boxed_unsync())
    }
}

pub(crate) fn get(path: &str) -> Ask {
    get_with(path, &[])
}

pub(crate) fn get_with(path: &str, fields: &[(&str, &str)]) -> Ask {
    request("GET", path, fields)
}

pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Ask {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "forum.example");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Empty::new()).unwrap()
}

/// A response with a body of known length.
pub(crate) fn page(fields: &[(&str, &str)], text: &'static str) -> Response<AppBody> {
    streaming(fields, Full::from(text).map_err(Into::into).boxed_unsync())
}

/// A response that is fresh for a minute.
pub(crate) fn fresh(text: &'static str) -> Response<AppBody> {
    page(&[("cache-control", "max-age=60")], text)
}

pub(crate) fn streaming(fields: &[(&str, &str)], body: AppBody) -> Response<AppBody> {
    let mut response = Response::new(body);
    for (name, value) in fields {
        response.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    response
}

pub(crate) fn status(answer: &Answer) -> String {
    let said = answer
        .extensions()
        .get::<CacheStatus>()
        .unwrap()
        .to_string();
    let lines: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
    let last = lines.last().unwrap().to_str().unwrap();
    assert_eq!(last, format!("turbocache; {said}"), "the two say the same");
    said
}

pub(crate) fn send(sender: &mut Sender<Bytes, BoxError>, text: &'static str) {
    sender.try_send(Frame::data(Bytes::from(text))).unwrap();
}

/// A body that must be able to come to its end now.
pub(crate) fn text(answer: Answer) -> String {
    match Task::new(answer.into_body().collect()).poll() {
        Poll::Ready(body) => String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap(),
        Poll::Pending => panic!("the body has not come to its end"),
    }
}

/// What a body gives now: a chunk, an error, its end, or nothing yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Chunk(String),
    Trailers,
    Error(String),
    End,
    Pending,
}

pub(crate) fn chunk(text: &str) -> Piece {
    Piece::Chunk(text.to_owned())
}

/// Someone who reads a body.
pub(crate) struct Reading {
    body: CacheBody<AppBody>,
    woken: Arc<Woken>,
}

impl Reading {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            body: answer.into_body(),
            woken: Arc::default(),
        }
    }

    pub(crate) fn next(&mut self) -> Piece {
        self.woken.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        match Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(&waker)) {
            Poll::Pending => Piece::Pending,
            Poll::Ready(None) => Piece::End,
            Poll::Ready(Some(Err(error))) => Piece::Error(error.to_string()),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Piece::Chunk(String::from_utf8(data.to_vec()).unwrap()),
                Err(_) => Piece::Trailers,
            },
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(SeqCst)
    }

    pub(crate) fn body(&self) -> &CacheBody<AppBody> {
        &self.body
    }
}

pub(crate) type Asking = Task<ResponseFuture<App, Empty<Bytes>, AppBody>>;

/// A future that the test polls.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
            woken: Arc::default(),
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.woken.0.store(false, SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(SeqCst)
    }
}

/// The answer of a request that must have one now.
pub(crate) fn ready(asking: &mut Asking) -> Answer {
    match asking.poll() {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("there is no answer yet"),
    }
}

/// What runs in the background goes as far as it can.
pub(crate) async fn run_background() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// A mock whose calls can be counted.
pub(crate) struct App {
    mock: Mock<Ask, Response<AppBody>>,
    live: Weak<()>,
    in_clone: Hook,
    in_call: Hook,
}

impl Clone for App {
    fn clone(&self) -> Self {
        run(&self.in_clone, Waker::noop());
        Self {
            in_clone: Arc::clone(&self.in_clone),
            in_call: Arc::clone(&self.in_call),
            mock: self.mock.clone(),
            live: Weak::clone(&self.live),
        }
    }
}

impl Service<Ask> for App {
    type Response = Response<AppBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<AppBody>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.mock.poll_ready(cx)
    }

    fn call(&mut self, request: Ask) -> Self::Future {
        let mut live = self.live.upgrade();
        let in_call = Arc::clone(&self.in_call);
        let mut call = Box::pin(self.mock.call(request));
        Box::pin(poll_fn(move |cx| {
            run(&in_call, cx.waker());
            call.as_mut().poll(cx).map(|result| {
                drop(live.take());
                result
            })
        }))
    }
}

/// A clock that stands until it is moved.
pub(crate) struct MovedClock {
    wall: SystemTime,
    monotonic: Instant,
    by: Mutex<Duration>,
}

impl MovedClock {
    pub(crate) fn new() -> Self {
        Self {
            // 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples.
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777),
            monotonic: Instant::now(),
            by: Mutex::default(),
        }
    }

    pub(crate) fn forward(&self, seconds: u64) {
        self.forward_by(Duration::from_secs(seconds));
    }

    pub(crate) fn forward_by(&self, duration: Duration) {
        *self.by.lock().unwrap() += duration;
    }
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        self.wall + *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.monotonic + *self.by.lock().unwrap()
    }
}

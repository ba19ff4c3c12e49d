//! Clients that are played byte by byte, on streams in memory.

mod endings;
mod exchanges;
mod expectations;
mod orders;
mod readers;
mod rests;
mod stops;

use std::{
    future::{Ready, poll_fn, ready},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

use futures_util::stream;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::coop::unconstrained,
};

use super::*;

type Content = UnsyncBoxBody<Bytes, BoxError>;
type Server<S, F> = Pin<Box<Connection<DuplexStream, S, F, Content>>>;

const GET: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\n";

const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n/";
const LAST: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n/";

/// A client and its server, with so many bytes between them.
fn pair<S, F>(capacity: usize, service: S) -> (DuplexStream, Server<S, F>)
where
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<Content>>,
{
    let (client, near) = duplex(capacity);
    (client, Box::pin(Connection::new(near, service)))
}

fn boxed<B>(body: B) -> Content
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}

fn full(content: impl Into<Bytes>) -> Content {
    boxed(Full::new(content.into()))
}

/// A body of which nobody knows how long it is, in pieces.
fn pieces(pieces: Vec<Result<Frame<Bytes>, BoxError>>) -> Content {
    boxed(StreamBody::new(stream::iter(pieces)))
}

#[expect(clippy::unnecessary_wraps, reason = "beside others that fail")]
fn piece(bytes: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(bytes.into()))
}

fn page(content: impl Into<Bytes>) -> Response<Content> {
    Response::new(full(content))
}

fn status(status: u16) -> Response<Content> {
    let response = Response::builder().status(status);
    response.body(Content::default()).unwrap()
}

/// Answers with what was asked for, without looking at a body.
#[expect(clippy::needless_pass_by_value, reason = "a service")]
fn path(request: Request<Incoming>) -> Ready<Response<Content>> {
    ready(page(request.uri().path().to_owned()))
}

/// Answers with the body of the request.
async fn echo(request: Request<Incoming>) -> Response<Content> {
    match request.into_body().collect().await {
        Ok(body) => page(body.to_bytes()),
        Err(failure) => page(format!("{failure}")),
    }
}

async fn run<S, F>(server: &mut Server<S, F>) -> Result<End, Failure>
where
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<Content>>,
{
    poll_fn(|cx| server.as_mut().poll(cx)).await
}

/// Polls it once, for somebody who is not to be woken. Also when the task has used up its
/// budget: nobody would come back.
fn poll<S, F>(server: &mut Server<S, F>) -> Poll<Result<End, Failure>>
where
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<Content>>,
{
    pin!(unconstrained(run(server))).poll(&mut Context::from_waker(Waker::noop()))
}

/// Where a service leaves the bodies that somebody else is to read.
#[derive(Clone, Default)]
struct Bodies(Arc<Mutex<Vec<Incoming>>>);

impl Bodies {
    /// A service that answers at once.
    fn early(&self) -> impl FnMut(Request<Incoming>) -> Ready<Response<Content>> + use<> {
        let bodies = self.clone();
        move |request| {
            bodies.0.lock().unwrap().push(request.into_body());
            ready(page("early"))
        }
    }

    fn take(&self) -> Incoming {
        self.0.lock().unwrap().pop().unwrap()
    }
}

async fn read(body: Incoming) -> Result<Bytes, Failure> {
    Ok(body.collect().await?.to_bytes())
}

fn poll_body(body: &mut Incoming) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

const EARLY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly";
const EARLY_AND_LAST: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nearly";

/// What becomes of a client that says all of this and no more, and what it hears.
async fn all_of<S, F>(said: &[u8], service: S) -> (Result<End, Failure>, String)
where
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<Content>>,
{
    let (mut client, mut server) = pair(1 << 20, service);
    client.write_all(said).await.unwrap();
    client.shutdown().await.unwrap();
    let end = run(&mut server).await;
    drop(server);
    (end, rest(&mut client).await)
}

/// What is heard until the server closes the connection, but for the dates.
async fn rest(client: &mut DuplexStream) -> String {
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    without_dates(&heard)
}

fn without_dates(heard: &str) -> String {
    let lines = heard.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

/// Reads up to what is expected to be the end of something.
async fn read_to(client: &mut DuplexStream, end: &str) -> String {
    let mut heard = Vec::new();
    while !heard.ends_with(end.as_bytes()) {
        heard.push(client.read_u8().await.unwrap());
    }
    without_dates(&String::from_utf8(heard).unwrap())
}

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Task {
    fn new() -> (Arc<Self>, Waker) {
        let task = Arc::<Self>::default();
        (Arc::clone(&task), Waker::from(task))
    }

    /// How often it was woken since this was last asked.
    fn woken(&self) -> usize {
        self.0.swap(0, Relaxed)
    }
}

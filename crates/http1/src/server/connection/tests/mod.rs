//! Clients that are played byte by byte, on streams in memory.

mod endings;

use std::future::{poll_fn, ready};

use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

type Content = UnsyncBoxBody<Bytes, BoxError>;
type Server<S, F> = Pin<Box<Connection<DuplexStream, S, F, Content>>>;

const GET: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
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

fn page(content: impl Into<Bytes>) -> Response<Content> {
    Response::new(full(content))
}

fn status(status: u16) -> Response<Content> {
    let response = Response::builder().status(status);
    response.body(Content::default()).unwrap()
}

async fn run<S, F>(server: &mut Server<S, F>) -> Result<End, Failure>
where
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<Content>>,
{
    poll_fn(|cx| server.as_mut().poll(cx)).await
}

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

//! What the cache takes of the machine's memory: see `README.md`.

use std::{
    convert::Infallible,
    env,
    future::{Ready, ready},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    process::{Command, ExitStatus},
    task::{Context, Poll},
};

use bytes::Bytes;
use clap::ValueEnum;
use http::{
    HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST},
};
use http_body::Body;
use http_body_util::{Empty, Full};
use procfs::process::Process;
use tower::{Layer, Service};
use turbocache::TurboCache;

use crate::{Result, exchange::exchange, server::page};

/// What an entry may take beyond its head and body, in bytes.
const OVERHEAD: u64 = 1024;

/// By how much more than its capacity a cache may take.
const EXCESS: f64 = 0.10;

const BODY: usize = 256;
const LARGEST: usize = 32 * 1024;

/// What is looked at. Each in a process of its own, because memory that was
/// freed once hides what is taken next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A hundred thousand entries that all have room.
    Entries,
    /// Ten times as many bytes as there is room for.
    Churn,
}

pub(crate) fn run() -> Result<()> {
    let mut ended = Vec::new();
    for part in Part::value_variants() {
        let name = part.to_possible_value().expect("none is skipped");
        let mut command = Command::new(env::current_exe()?);
        ended.push(command.args(["memory", name.get_name()]).status()?);
    }
    if ended.iter().all(ExitStatus::success) {
        Ok(())
    } else {
        Err("the cache takes more memory than it may".into())
    }
}

impl Part {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Entries => entries(),
            Self::Churn => churn(),
        }
    }
}

fn entries() -> Result<()> {
    const COUNT: u64 = 100_000;
    let cache = TurboCache::conservative().capacity_bytes(u64::MAX);
    let handle = cache.handle();
    let mut service = cache.layer(App::new(|_| BODY));
    // What is there once: the store, the first page of everything.
    let head = ask(&mut service, 0)?;
    let before = resident()?;
    for number in 1..=COUNT {
        ask(&mut service, number)?;
    }
    let taken = resident()? - before;
    let stats = handle.stats();
    if stats.entries < COUNT {
        return Err(format!("only {} of {COUNT} entries are stored", stats.entries).into());
    }
    let each = taken / COUNT;
    let content = head + u64::try_from(BODY)?;
    let overhead = each.saturating_sub(content);
    println!(
        "{COUNT} entries: {each} bytes each, {content} of them head and body, {overhead} overhead \
         (the cache itself reckons {} bytes each)",
        stats.bytes / stats.entries
    );
    within("overhead per entry", overhead, OVERHEAD)
}

fn churn() -> Result<()> {
    const CAPACITY: u64 = 64 * 1024 * 1024;
    let cache = TurboCache::conservative().capacity_bytes(CAPACITY);
    let handle = cache.handle();
    let mut service = cache.layer(App::new(any_length));
    ask(&mut service, 0)?;
    let before = resident()?;
    let (mut sent, mut most, mut most_resident) = (0, 0, 0);
    for number in 1.. {
        ask(&mut service, number)?;
        sent += u64::try_from(any_length(number))?;
        if number % 100 == 0 {
            most = most.max(handle.stats().bytes);
            most_resident = most_resident.max(resident()? - before);
        }
        if sent > 10 * CAPACITY {
            break;
        }
    }
    println!(
        "churn in {CAPACITY} bytes: at most {most} by its own reckoning, {most_resident} resident"
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a bound, in whole percents"
    )]
    let bound = (CAPACITY as f64 * (1.0 + EXCESS)) as u64;
    within("bytes by its own reckoning", most, bound)?;
    within("bytes resident", most_resident, bound)
}

/// Anything up to the longest, each as likely as the other.
fn any_length(number: u64) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(number);
    usize::try_from(hash % LARGEST as u64).expect("less than the longest")
}

fn within(what: &str, number: u64, bound: u64) -> Result<()> {
    if number <= bound {
        return Ok(());
    }
    Err(format!("{number} {what}, and {bound} are allowed").into())
}

/// Asks for the page of `number`, and gives the bytes of its head, as text.
fn ask<S, B>(service: &mut S, number: u64) -> Result<u64>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    B: Body,
{
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = format!("/topics?{number}").parse()?;
    let host = HeaderValue::from_static("forum.example");
    request.headers_mut().insert(HOST, host);
    let head = exchange(service, request);
    let fields = head.headers.iter();
    let lines = fields.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    Ok(u64::try_from(lines.sum::<usize>())?)
}

/// An application that has a page of `length(number)` bytes for each number.
#[derive(Clone)]
struct App {
    page: Bytes,
    length: fn(u64) -> usize,
}

impl App {
    fn new(length: fn(u64) -> usize) -> Self {
        Self {
            page: page(LARGEST),
            length,
        }
    }
}

impl<B> Service<Request<B>> for App {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let number = request.uri().query().and_then(|query| query.parse().ok());
        let number: u64 = number.expect("a number");
        let body = self.page.slice(..(self.length)(number));
        let fields = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (CONTENT_LENGTH, body.len().into()),
            (ETAG, format!("\"{number:08}\"").try_into().expect("text")),
            (
                CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=3600"),
            ),
        ];
        let mut response = Response::new(Full::new(body));
        response.headers_mut().extend(fields);
        ready(Ok(response))
    }
}

/// The bytes of this process that are in memory.
fn resident() -> Result<u64> {
    let statm = Process::myself()?.statm()?;
    Ok(statm.resident * procfs::page_size())
}

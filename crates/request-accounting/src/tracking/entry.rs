use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{
    HeaderValue, Method, Request,
    header::HOST,
    uri::{Authority, PathAndQuery},
};
use peregrine_core::moment;
use tokio::time::Instant;

use crate::histogram::whole_nanos;

/// Rides in the extensions of a request that is tracked, for whoever knows where
/// it goes. See the [module's documentation](super).
#[derive(Clone)]
pub struct Tracked(pub(super) Arc<Entry>);

/// A request, and where it is. All that changes is written by the one task that
/// serves it and read by who looks, to whom a moment makes no difference.
pub(super) struct Entry {
    /// The list that it is on counts its requests. Its lock is held by whoever writes
    /// this, and by whoever reads or writes the next.
    pub(super) id: AtomicU64,
    /// Where it is on that.
    pub(super) place: AtomicUsize,
    head: Head,
    came: Instant,
    /// 0 for none.
    pid: AtomicU32,
    /// Nanoseconds after `came`, plus one; zero for not yet.
    received: AtomicU64,
    dispatched: AtomicU64,
    sent: AtomicU64,
    responded: AtomicBool,
}

/// What is shown of a request's head.
#[derive(Clone, Debug)]
struct Head {
    method: Method,
    path: Option<PathAndQuery>,
    host: Host,
}

/// The host that a request is for.
#[derive(Clone, Debug)]
enum Host {
    OfTarget(Authority),
    OfField(HeaderValue),
    Unknown,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// Its body is on its way.
    Receiving,
    /// It waits for a process, or for whatever else answers it.
    Queued,
    /// A process works on it.
    Process {
        /// Its id in the operating system.
        pid: u32,
    },
    /// It has been answered, and the answer is on its way.
    Sending {
        /// The process that answers, if one does.
        pid: Option<u32>,
    },
}

/// A request that is being served, at one moment.
#[derive(Clone, Debug)]
pub struct TrackedRequest {
    head: Head,
    place: Place,
    age: Duration,
    queued: Duration,
    sent: u64,
}

impl Tracked {
    /// All of the request is there; from now on it waits for a process.
    pub fn received(&self) {
        self.0.received.store(self.0.mark(), Relaxed);
    }

    /// There was nothing to be received but the head.
    pub(super) fn came_whole(&self) {
        self.0.received.store(1, Relaxed);
    }

    /// The request goes to the process with this id now.
    pub fn dispatched(&self, pid: u32) {
        self.0.pid.store(pid, Relaxed);
        self.0.dispatched.store(self.0.mark(), Relaxed);
    }
}

impl fmt::Debug for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracked").field(&self.0.place()).finish()
    }
}

impl Entry {
    /// Still to be `received`, or there already. On no list yet.
    pub(super) fn new<B>(request: &Request<B>, received: bool) -> Self {
        Self {
            id: AtomicU64::new(0),
            place: AtomicUsize::new(0),
            head: Head::of(request),
            came: moment::now(),
            pid: AtomicU32::new(0),
            received: AtomicU64::new(received.into()),
            dispatched: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            responded: AtomicBool::new(false),
        }
    }

    /// Who came earlier has less; within a moment that the clock does not tell apart,
    /// at least among those on the same list.
    pub(super) fn arrival(&self) -> (Instant, u64) {
        (self.came, self.id.load(Relaxed))
    }

    /// The head of the response is there. Gives how long the request was queued,
    /// and how long it then took, if it came to a process.
    pub(super) fn responded(&self) -> Option<(Duration, Duration)> {
        self.responded.store(true, Relaxed);
        // Before the clock is asked, which is for processes alone.
        let dispatched = self.dispatched.load(Relaxed).checked_sub(1)?;
        let took = self.elapsed().saturating_sub(dispatched);
        Some((self.queued(dispatched), Duration::from_nanos(took)))
    }

    pub(super) fn send(&self, bytes: u64) {
        // Nobody else writes.
        self.sent.store(self.sent.load(Relaxed) + bytes, Relaxed);
    }

    fn mark(&self) -> u64 {
        self.elapsed().saturating_add(1)
    }

    /// Nanoseconds since it came.
    fn elapsed(&self) -> u64 {
        whole_nanos(moment::now().saturating_duration_since(self.came))
    }

    /// How long it has waited since it was received, at so many nanoseconds after
    /// it came.
    fn queued(&self, until: u64) -> Duration {
        let received = self.received.load(Relaxed).checked_sub(1);
        let queued = received.map_or(0, |received| until.saturating_sub(received));
        Duration::from_nanos(queued)
    }

    fn place(&self) -> Place {
        let pid = Some(self.pid.load(Relaxed)).filter(|pid| *pid != 0);
        match pid {
            _ if self.responded.load(Relaxed) => Place::Sending { pid },
            Some(pid) => Place::Process { pid },
            None if self.received.load(Relaxed) == 0 => Place::Receiving,
            None => Place::Queued,
        }
    }

    pub(super) fn look(&self) -> TrackedRequest {
        let age = self.came.elapsed();
        let dispatched = self.dispatched.load(Relaxed).checked_sub(1);
        TrackedRequest {
            head: self.head.clone(),
            place: self.place(),
            age,
            queued: self.queued(dispatched.unwrap_or_else(|| whole_nanos(age))),
            sent: self.sent.load(Relaxed),
        }
    }
}

impl Head {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned(),
            host: Host::of(request),
        }
    }
}

impl Host {
    fn of<B>(request: &Request<B>) -> Self {
        if let Some(authority) = request.uri().authority() {
            return Self::OfTarget(authority.clone());
        }
        // Nearly always the first of the fields: that is found sooner than looked up.
        let host = request.headers().iter().find(|(name, _)| *name == HOST);
        host.map_or(Self::Unknown, |(_, value)| Self::OfField(value.clone()))
    }
}

impl TrackedRequest {
    /// Its method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// The path of its target, without the query.
    pub fn path(&self) -> &str {
        self.head.path.as_ref().map_or("", PathAndQuery::path)
    }

    /// The host that it is for, with its port if it names one. What the client
    /// sent, which need not be text.
    pub fn host(&self) -> Option<&[u8]> {
        match &self.head.host {
            Host::OfTarget(authority) => Some(authority.as_str().as_bytes()),
            Host::OfField(value) => Some(value.as_bytes()),
            Host::Unknown => None,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// How long ago it came.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// How long it has waited for a process, or had to wait for the one that has
    /// it now.
    pub fn queued(&self) -> Duration {
        self.queued
    }

    /// Bytes of content of the answer that are on their way.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

use std::time::Duration;

use tokio::time::Instant;

use crate::Distribution;

/// The numbers of a [`RequestAccounting`] at one moment.
///
/// A request that ends while the snapshot is taken may be both in flight and
/// finished in it, never neither.
///
/// [`RequestAccounting`]: crate::RequestAccounting
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Requests that have come and whose exchange is not over.
    pub in_flight: usize,
    /// Requests whose exchange is over, however it ended. What is in none of
    /// [`failed`](Self::failed), [`aborted`](Self::aborted) and
    /// [`stopped`](Self::stopped) went out to its end.
    pub finished: u64,
    /// Of the finished: the inner service or the response body gave an error.
    pub failed: u64,
    /// Of the finished: the response future or body was dropped before its end.
    /// In general, the client left.
    pub aborted: u64,
    /// Of the finished: upgraded connections that the server has ended, since their
    /// process was to leave, say.
    pub stopped: u64,
    /// Of the finished: those that got a response head, by its status.
    pub status: StatusCounts,
    /// Of the finished: those that got a response head, by what a cache further
    /// in did.
    pub cache: CacheCounts,
    /// Bytes of content in the bodies of finished responses, trailers and
    /// framing not counted.
    pub bytes: u64,
    /// How long the finished took, from the call to the end of the response
    /// body. A slow client is part of that, and so are those that failed or
    /// were aborted: left out, the slowest would be missing.
    pub latency: Latency,
    /// When a request last came or ended; `None` before the first.
    pub last_used: Option<Instant>,
    /// When counting began.
    pub since: Instant,
}

/// Responses by the class of their status (RFC 9110 §15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusCounts {
    /// 1xx
    pub informational: u64,
    /// 2xx
    pub successful: u64,
    /// 3xx
    pub redirection: u64,
    /// 4xx
    pub client_error: u64,
    /// 5xx, and what is no valid status code
    pub server_error: u64,
}

/// Responses by what their [`CacheStatus`] says.
///
/// [`CacheStatus`]: peregrine_core::CacheStatus
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Answered by the cache itself.
    pub hit: u64,
    /// Gone forward since nothing was stored.
    pub miss: u64,
    /// Answered together with another request that had gone forward.
    pub collapsed: u64,
    /// Gone forward since what was stored was no longer fresh.
    pub stale: u64,
    /// Not for the cache: its method, the request, or the cache's rules say so.
    pub pass: u64,
    /// No cache said anything.
    pub none: u64,
}

/// How long requests took. Percentiles and mean are within 1/32 (3.1 %) of the
/// exact ones for anything up to two hours; the maximum is exact. All zero
/// before the first request has finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latency {
    /// How many requests these numbers describe.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: Duration,
    /// The median.
    pub p50: Duration,
    /// What 90 % of the requests did not exceed.
    pub p90: Duration,
    /// What 99 % of the requests did not exceed.
    pub p99: Duration,
    /// The slowest request.
    pub max: Duration,
}

impl From<&Distribution> for Latency {
    fn from(times: &Distribution) -> Self {
        Self {
            count: times.count(),
            mean: times.mean(),
            p50: times.percentile(500),
            p90: times.percentile(900),
            p99: times.percentile(990),
            max: times.max(),
        }
    }
}

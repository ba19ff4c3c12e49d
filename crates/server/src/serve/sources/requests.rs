//! What the layers count, in the words of the status.

use std::time::Duration;

use peregrine::{
    request_accounting::{
        Distribution, Snapshot,
        tracking::{Place, TrackedRequest},
    },
    turbocache::CollapsedRequest,
};

use crate::admin::{
    CacheOutcomes, Latency, LatencyBucket, RequestsStatus, RunningRequest, StatusClasses,
};

/// The bounds of the buckets, in seconds, from a hit in memory to a request that
/// has hung: what monitors expect, and a little more at the fast end.
const BOUNDS: [f64; 17] = [
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0, 60.0,
];

/// With the buckets of `times`, if they are given.
pub(super) fn requests(snapshot: &Snapshot, times: Option<&Distribution>) -> RequestsStatus {
    let Snapshot { status, cache, .. } = snapshot;
    RequestsStatus {
        in_flight: snapshot.in_flight,
        finished: snapshot.finished,
        failed: snapshot.failed,
        aborted: snapshot.aborted,
        stopped: snapshot.stopped,
        bytes: snapshot.bytes,
        by_status: StatusClasses {
            informational: status.informational,
            successful: status.successful,
            redirection: status.redirection,
            client_error: status.client_error,
            server_error: status.server_error,
        },
        by_cache_outcome: CacheOutcomes {
            hit: cache.hit,
            miss: cache.miss,
            collapsed: cache.collapsed,
            stale: cache.stale,
            pass: cache.pass,
            none: cache.none,
        },
        latency_ms: match times {
            Some(times) => latency(times),
            None => without_buckets(snapshot),
        },
    }
}

/// Absent before there is anything to tell.
pub(super) fn latency(times: &Distribution) -> Option<Latency> {
    let bucket = |le_seconds| LatencyBucket {
        le_seconds,
        count: times.at_most(Duration::from_secs_f64(le_seconds)),
    };
    (times.count() > 0).then(|| Latency {
        count: times.count(),
        sum: millis(times.sum()),
        mean: millis(times.mean()),
        p50: millis(times.percentile(500)),
        p90: millis(times.percentile(900)),
        p99: millis(times.percentile(990)),
        max: millis(times.max()),
        buckets: BOUNDS.into_iter().map(bucket).collect(),
    })
}

fn without_buckets(snapshot: &Snapshot) -> Option<Latency> {
    let latency = snapshot.latency;
    // The mean is exact for these purposes, and the counts are far below 2^53.
    #[expect(clippy::cast_precision_loss)]
    let count = latency.count as f64;
    (latency.count > 0).then(|| Latency {
        count: latency.count,
        sum: millis(latency.mean) * count,
        mean: millis(latency.mean),
        p50: millis(latency.p50),
        p90: millis(latency.p90),
        p99: millis(latency.p99),
        max: millis(latency.max),
        buckets: Vec::new(),
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Without processes of its own, an application has no queue: what it has not
/// answered yet is with the upstream.
pub(super) fn running(request: &TrackedRequest, has_processes: bool) -> RunningRequest {
    let (state, pid) = match request.place() {
        Place::Process { pid } => ("process", Some(pid)),
        Place::Sending { pid } => ("sending", pid),
        Place::Receiving => ("receiving", None),
        _ if has_processes => ("queue", None),
        _ => ("upstream", None),
    };
    RunningRequest {
        method: request.method().to_string(),
        host: request.host().map(text),
        path: request.path().to_owned(),
        state: state.to_owned(),
        pid,
        age_seconds: request.age().as_secs_f64(),
        queued_seconds: has_processes.then(|| request.queued().as_secs_f64()),
        sent_bytes: request.sent(),
    }
}

/// One that another one's answer is for, too.
pub(super) fn waiting(request: &CollapsedRequest) -> RunningRequest {
    let state = if request.is_answered() {
        "sending"
    } else {
        "cache"
    };
    RunningRequest {
        method: request.method().to_string(),
        host: request.host().map(text),
        path: request.path().to_owned(),
        state: state.to_owned(),
        pid: None,
        age_seconds: request.age().as_secs_f64(),
        queued_seconds: None,
        sent_bytes: request.sent(),
    }
}

/// What is no text is shown as what it may have been.
fn text(host: &[u8]) -> String {
    String::from_utf8_lossy(host).into_owned()
}

/// Two lists in one, each of which has the oldest first and stays in its order: the
/// ages were read one after the other, so by them alone two requests that came
/// together would now stand so and now so.
pub(super) fn oldest_first(
    one: impl Iterator<Item = RunningRequest>,
    other: impl Iterator<Item = RunningRequest>,
) -> Vec<RunningRequest> {
    let mut merged = Vec::new();
    let mut other = other.peekable();
    for request in one {
        while let Some(older) = other.next_if(|it| it.age_seconds > request.age_seconds) {
            merged.push(older);
        }
        merged.push(request);
    }
    merged.extend(other);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lists_are_merged_by_age_and_each_keeps_its_order() {
        let list = |requests: &[(&str, f64)]| {
            let request = |(path, age_seconds): &(&str, f64)| RunningRequest {
                method: "GET".to_owned(),
                host: None,
                path: (*path).to_owned(),
                state: "cache".to_owned(),
                pid: None,
                age_seconds: *age_seconds,
                queued_seconds: None,
                sent_bytes: 0,
            };
            requests.iter().map(request).collect::<Vec<_>>().into_iter()
        };
        let cases = [
            ("none", list(&[]), list(&[]), ""),
            ("one list", list(&[("a", 2.0), ("b", 1.0)]), list(&[]), "ab"),
            (
                "the other",
                list(&[]),
                list(&[("a", 2.0), ("b", 1.0)]),
                "ab",
            ),
            (
                "by turns",
                list(&[("a", 4.0), ("c", 2.0)]),
                list(&[("b", 3.0), ("d", 1.0)]),
                "abcd",
            ),
            (
                "read one after the other",
                list(&[("a", 2.0), ("b", 2.1)]),
                list(&[("c", 1.0)]),
                "abc",
            ),
        ];
        for (name, one, other, expected) in cases {
            let merged = oldest_first(one, other).into_iter();
            let paths: String = merged.map(|request| request.path).collect();
            assert_eq!(paths, expected, "{name}");
        }
    }
}

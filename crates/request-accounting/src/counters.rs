use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering, fence},
    },
    time::Duration,
};

use peregrine_core::{PerThread, moment};
use tokio::time::Instant;

use crate::{
    histogram::{Distribution, Histogram, whole_nanos},
    outcome::{CacheOutcome, End, StatusClass},
    snapshot::{CacheCounts, Latency, Snapshot, StatusCounts},
};

/// More than this many threads share shards: memory and the cost of reading
/// them all are bounded.
pub(crate) const MAX_SHARDS: usize = 8;

/// The numbers, in as many shards as threads count at the same time.
/// Who reads adds them up.
pub(crate) struct Counters {
    since: Instant,
    shards: PerThread<Arc<Shard>>,
}

/// What one thread, or a few, count. Aligned so that no line is shared with
/// another shard: processors fetch lines of 64 bytes in pairs.
///
/// Who holds one is a request in flight. It has to anyway, to be counted where it
/// has come from when it ends somewhere else; so its coming and going needs no other
/// count than the one that an [`Arc`] keeps.
#[repr(align(128))]
pub(crate) struct Shard {
    since: Instant,
    bytes: AtomicU64,
    /// Nanoseconds after `since`, plus one; zero for never.
    last_used: AtomicU64,
    /// By how they ended, status class and cache outcome, in that order.
    responses: [[[AtomicU64; CacheOutcome::ALL.len()]; StatusClass::ALL.len()]; End::ALL.len()],
    /// Ended before a response head, by how.
    headless: [AtomicU64; End::ALL.len()],
    latency: Histogram,
}

/// What there is to count at the end of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) end: End,
    /// `None` if it ended before the response head.
    pub(crate) response: Option<(StatusClass, CacheOutcome)>,
    pub(crate) bytes: u64,
    /// In nanoseconds.
    pub(crate) elapsed: u64,
    /// By [`Shard::now`].
    pub(crate) now: u64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let since = Instant::now();
        Self {
            since,
            shards: PerThread::at_most(MAX_SHARDS, || Arc::new(Shard::new(since))),
        }
    }

    /// The shard of the thread that asks.
    pub(crate) fn local(&self) -> &Arc<Shard> {
        self.shards.local()
    }

    pub(crate) fn in_flight(&self) -> usize {
        // Less the one by which the shard is in the table.
        let in_flight = |shard| Arc::strong_count(shard) - 1;
        let all = self.shards.iter().map(in_flight).sum();
        // Whoever is no longer in flight here is among the finished in whatever is
        // read afterwards: an `Arc` is let go of with Release.
        fence(Ordering::Acquire);
        all
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            // First: see there.
            in_flight: self.in_flight(),
            finished: 0,
            failed: 0,
            aborted: 0,
            stopped: 0,
            status: StatusCounts::default(),
            cache: CacheCounts::default(),
            bytes: 0,
            latency: Latency::default(),
            last_used: None,
            since: self.since,
        };
        let latency = self.latency();
        let mut last_used = 0;
        for shard in self.shards.iter() {
            shard.add_to(&mut snapshot);
            last_used = last_used.max(shard.last_used.load(Ordering::Relaxed));
        }
        snapshot.latency = Latency::from(&latency);
        snapshot.last_used = last_used
            .checked_sub(1)
            .map(|nanos| self.since + Duration::from_nanos(nanos));
        snapshot
    }

    pub(crate) fn latency(&self) -> Distribution {
        let mut latency = Distribution::new();
        for shard in self.shards.iter() {
            shard.latency.add_to(&mut latency);
        }
        latency
    }
}

impl Shard {
    fn new(since: Instant) -> Self {
        Self {
            since,
            bytes: AtomicU64::new(0),
            last_used: AtomicU64::new(0),
            responses: Default::default(),
            headless: Default::default(),
            latency: Histogram::new(),
        }
    }

    /// Nanoseconds since counting began: one number, where an [`Instant`] is two
    /// that take arithmetic each time.
    pub(crate) fn now(&self) -> u64 {
        self.nanos(moment::now())
    }

    /// The same for the end of what was `started`. What has come and gone in one
    /// [moment] has taken some time, too.
    pub(crate) fn end(&self, started: u64) -> u64 {
        let now = self.now();
        if now == started {
            self.nanos(Instant::now())
        } else {
            now
        }
    }

    fn nanos(&self, now: Instant) -> u64 {
        whole_nanos(now.saturating_duration_since(self.since))
    }

    /// A request has come. Gives when that was.
    pub(crate) fn start(&self) -> u64 {
        let now = self.now();
        self.used(now);
        now
    }

    /// To be called by whoever is in flight, before it lets go of this.
    pub(crate) fn finished(&self, finished: Finished) {
        let end = finished.end as usize;
        let count = match finished.response {
            Some((status, cache)) => &self.responses[end][status as usize][cache as usize],
            None => &self.headless[end],
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.latency.record(finished.elapsed);
        if finished.bytes > 0 {
            self.bytes.fetch_add(finished.bytes, Ordering::Relaxed);
        }
        self.used(finished.now);
    }

    fn used(&self, now: u64) {
        // Two threads may race on one shard, and the earlier one win: by the
        // time that lies between their clocks and this line, which nobody sees.
        self.last_used
            .store(now.saturating_add(1), Ordering::Relaxed);
    }

    fn add_to(&self, snapshot: &mut Snapshot) {
        for end in End::ALL {
            let mut count = self.headless[end as usize].load(Ordering::Relaxed);
            for status in StatusClass::ALL {
                for cache in CacheOutcome::ALL {
                    let responses = &self.responses[end as usize][status as usize];
                    let responses = responses[cache as usize].load(Ordering::Relaxed);
                    *snapshot.status.of(status) += responses;
                    *snapshot.cache.of(cache) += responses;
                    count += responses;
                }
            }
            snapshot.finished += count;
            match end {
                End::Complete => {}
                End::Failed => snapshot.failed += count,
                End::Aborted => snapshot.aborted += count,
                End::Stopped => snapshot.stopped += count,
            }
        }
        snapshot.bytes += self.bytes.load(Ordering::Relaxed);
    }
}

impl StatusCounts {
    const fn of(&mut self, class: StatusClass) -> &mut u64 {
        match class {
            StatusClass::Informational => &mut self.informational,
            StatusClass::Successful => &mut self.successful,
            StatusClass::Redirection => &mut self.redirection,
            StatusClass::ClientError => &mut self.client_error,
            StatusClass::ServerError => &mut self.server_error,
        }
    }
}

impl CacheCounts {
    const fn of(&mut self, outcome: CacheOutcome) -> &mut u64 {
        match outcome {
            CacheOutcome::Hit => &mut self.hit,
            CacheOutcome::Miss => &mut self.miss,
            CacheOutcome::Collapsed => &mut self.collapsed,
            CacheOutcome::Stale => &mut self.stale,
            CacheOutcome::Pass => &mut self.pass,
            CacheOutcome::None => &mut self.none,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_comes_and_goes_in_one_moment_takes_some_time() {
        let shard = Shard::new(Instant::now());
        moment::during(|| {
            let started = shard.start();
            while shard.nanos(Instant::now()) == started {}
            assert_eq!(shard.now(), started);
            assert!(shard.end(started) > started);
        });
    }

    #[test]
    fn no_request_is_ever_neither_in_flight_nor_finished() {
        const REQUESTS: usize = 2_000;
        let counters = Counters::new();
        let begun = AtomicUsize::new(0);
        let request = || {
            let shard = Arc::clone(counters.local());
            let now = shard.start();
            begun.fetch_add(1, Ordering::Release);
            // About as long as a snapshot: if that read in the wrong order, a
            // request could slip through it.
            (0..500).for_each(|_| std::hint::spin_loop());
            shard.finished(Finished {
                end: End::Complete,
                response: Some((StatusClass::Successful, CacheOutcome::Hit)),
                bytes: 1,
                elapsed: 0,
                now,
            });
        };
        std::thread::scope(|scope| {
            let threads = [(); 3].map(|()| scope.spawn(|| (0..REQUESTS).for_each(|_| request())));
            while threads.iter().any(|thread| !thread.is_finished()) {
                let begun = begun.load(Ordering::Acquire);
                let snapshot = counters.snapshot();
                assert!(snapshot.in_flight as u64 + snapshot.finished >= begun as u64);
            }
        });
        let snapshot = counters.snapshot();
        let all = 3 * REQUESTS as u64;
        assert_eq!((snapshot.in_flight, snapshot.finished), (0, all));
        assert_eq!((snapshot.bytes, snapshot.latency.count), (all, all));
    }
}

use std::{
    fmt,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use foldhash::quality::RandomState;

use super::FlightKey;

/// Keys whose response turned out not to be one to share, remembered for a while
/// so that requests for them do not queue behind one another again.
///
/// A fixed number of places, each for one hash and one deadline; a key that
/// falls on the place of another replaces it. To forget one costs it a collapse
/// that was in vain; to take one for another costs that a collapse it could have
/// had. Neither gives anybody a wrong page, so a hash is enough here, and any that is
/// keyed at random.
pub(crate) struct Unshareable {
    places: Box<[AtomicU64]>,
    hasher: RandomState,
    epoch: Instant,
}

/// 64 KiB.
const PLACES: usize = 8192;

/// For how long a key is remembered, to the second.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The same where it came to nothing in the background.
const REMEMBERED_BRIEFLY: Duration = Duration::from_secs(2);

impl Unshareable {
    /// Empty. Times are kept as seconds since `epoch`.
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::default(),
            epoch,
        }
    }

    pub(crate) fn remember(&self, key: &FlightKey, now: Instant) {
        self.remember_until(key, now + REMEMBERED);
    }

    /// What was fetched in the background, by the request of whoever came first, came to
    /// nothing. That may be for what is strange about this one, and others are to have
    /// their turn soon: nobody is to keep a page stale by being the first.
    pub(crate) fn remember_briefly(&self, key: &FlightKey, now: Instant) {
        self.remember_until(key, now + REMEMBERED_BRIEFLY);
    }

    fn remember_until(&self, key: &FlightKey, until: Instant) {
        let (place, mark) = self.place(key);
        place.store(mark | u64::from(self.seconds(until)), Relaxed);
    }

    /// Its response was one to share after all.
    pub(crate) fn forget(&self, key: &FlightKey) {
        let (place, mark) = self.place(key);
        let held = place.load(Relaxed);
        if held & HASH == mark {
            // If another thread has just remembered something else here, this
            // fails, and is to.
            let _ = place.compare_exchange(held, 0, Relaxed, Relaxed);
        }
    }

    pub(crate) fn holds(&self, key: &FlightKey, now: Instant) -> bool {
        let (place, mark) = self.place(key);
        let held = place.load(Relaxed);
        held & HASH == mark && u64::from(self.seconds(now)) < held & !HASH
    }

    /// The place for `key`, and the upper half of what is there if it is its.
    fn place(&self, key: &FlightKey) -> (&AtomicU64, u64) {
        let hash = self.hasher.hash_one(key);
        let index = usize::try_from(hash % PLACES as u64).expect("less than PLACES");
        (&self.places[index], hash & HASH)
    }

    fn seconds(&self, at: Instant) -> u32 {
        let seconds = at.saturating_duration_since(self.epoch).as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

/// The upper half holds a hash, the lower one a deadline.
const HASH: u64 = !0 << 32;

impl fmt::Debug for Unshareable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unshareable").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{
        key::{Key, query::QueryRules},
        policy::Policy,
    };

    fn key(path: &str) -> FlightKey {
        let request = Request::get(path)
            .header("host", "a")
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let lookup = Policy::conservative().look_up(&request).unwrap();
        let key = Key::of(&request, &lookup, &QueryRules::All).unwrap();
        FlightKey::new(&key, None, request.headers())
    }

    #[test]
    fn a_key_is_remembered_for_ten_seconds_and_no_longer() {
        let start = Instant::now();
        let unshareable = Unshareable::new(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!unshareable.holds(&key("/a"), at(0)));

        unshareable.remember(&key("/a"), at(5));
        assert!(unshareable.holds(&key("/a"), at(5)));
        assert!(!unshareable.holds(&key("/b"), at(5)));
        assert!(unshareable.holds(&key("/a"), at(14)));
        assert!(!unshareable.holds(&key("/a"), at(15)));
    }

    #[test]
    fn a_key_can_be_forgotten_but_only_by_itself() {
        let start = Instant::now();
        let unshareable = Unshareable::new(start);
        unshareable.remember(&key("/a"), start);
        unshareable.forget(&key("/b"));
        assert!(unshareable.holds(&key("/a"), start));
        unshareable.forget(&key("/a"));
        assert!(!unshareable.holds(&key("/a"), start));
    }
}

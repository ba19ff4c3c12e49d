//! What the application has said about sessions: this session cookie, that
//! variant.
//!
//! The table is bounded, forgets what is old, and is careful about order.
//! Requests of one session overlap, and an answer that was rendered before the
//! session lost its rights may come after the one that took them. So each
//! session remembers when the application was last heard about it, counted in
//! ticks, and each request when it set out. An answer to a request that set out
//! before that may only confirm what is known; if it says something else,
//! nobody can tell which of the two is true, and the session is unknown until
//! the next request.
//!
//! Where an answer was not heard that may end the session, the application may be
//! about to end it still, and say until then what holds no longer after. So for a
//! while what it says of that session is not believed.
//!
//! What is known of a session holds for those who send it with what it was sent with
//! when the application said it: to the same site, with the same other cookies. It is
//! forgotten for all of them: so nobody keeps a session that is over by having sent it
//! in other words before. One at a time, whichever was heard last: a session that is
//! used on two sites at once is answered by the application more often.

mod id;

use std::{
    collections::HashMap,
    hash::RandomState,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

pub(crate) use self::id::{SentWith, SessionHasher, SessionId};

/// More than there are cores, so that sessions seldom wait for one another.
const SHARDS: usize = 16;

/// For how long a session is in doubt of which an answer was not heard: as long as an
/// application may take to carry out what was asked. Most of them, and those who stand
/// before them, give up after 30 to 60 s.
const DOUBT: Duration = Duration::from_secs(60);

/// When a request set out, on the clock of its session's shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

#[derive(Debug)]
pub(crate) struct Sessions {
    shards: [Mutex<Shard>; SHARDS],
    lifetime: Duration,
}

/// A part of the table.
///
/// In two generations: what is used moves to the young one, and when that has
/// its share, the old one goes. So what is least recently used goes first, more
/// or less, and there is nothing to sort.
#[derive(Debug)]
struct Shard {
    young: HashMap<SessionId, Known, RandomState>,
    old: HashMap<SessionId, Known, RandomState>,
    /// How many sessions one generation may have.
    most: usize,
    tick: u64,
    /// Nothing is known of the sessions that went, not even that they were
    /// forgotten: requests that set out before this teach nothing.
    floor: u64,
}

#[derive(Clone, Debug)]
struct Known {
    /// What the application said. `None`: it took it back.
    said: Option<Said>,
    until: Instant,
    /// When it was last heard about this session.
    heard: u64,
    /// Nothing is believed before that.
    doubted_until: Option<Instant>,
}

/// For whom the application has rendered, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    name: Bytes,
    with: SentWith,
}

impl Sessions {
    /// Up to `most` sessions, each for `lifetime` after the application was last
    /// heard about it.
    pub(crate) fn new(most: usize, lifetime: Duration) -> Self {
        let shard = || Shard {
            young: HashMap::default(),
            old: HashMap::default(),
            most: most.div_ceil(2 * SHARDS).max(1),
            tick: 0,
            floor: 0,
        };
        Self {
            shards: std::array::from_fn(|_| Mutex::new(shard())),
            lifetime,
        }
    }

    /// What is known of a session, for a request that sets out now.
    pub(crate) fn look_up(
        &self,
        id: &SessionId,
        with: &SentWith,
        now: Instant,
    ) -> (Option<Bytes>, Tick) {
        let mut shard = self.shard(id);
        let known = shard.touch(id);
        let name = known
            .filter(|known| now < known.until)
            .and_then(|known| known.said.as_ref())
            .filter(|said| said.with == *with)
            .map(|said| said.name.clone());
        // Only now: to touch it may have raised the floor.
        (name, Tick(shard.tick))
    }

    /// The application has answered a request of this session, which set out at
    /// `started`, as for `name`.
    pub(crate) fn learn(
        &self,
        id: &SessionId,
        with: &SentWith,
        name: &Bytes,
        started: Tick,
        now: Instant,
    ) {
        let said = Some(Said {
            name: name.clone(),
            with: with.clone(),
        });
        let mut shard = self.shard(id);
        let in_time = started.0 >= shard.floor;
        let heard = shard.next_tick();
        let until = now + self.lifetime;
        if let Some(known) = shard.touch(id) {
            let said = said.filter(|_| !known.is_in_doubt(now));
            if known.said == said {
                if in_time {
                    known.until = until;
                }
            } else if in_time && known.heard <= started.0 {
                known.said = said;
                known.until = until;
            } else {
                known.said = None;
            }
            known.heard = heard;
        } else {
            // If nobody can tell whether it still holds, there must be a trace of
            // it all the same: it may be the word that counts, and an answer that
            // overlaps with it may be about to say what held before.
            let said = said.filter(|_| in_time);
            let known = Known {
                said,
                until,
                heard,
                doubted_until: None,
            };
            shard.insert(id, known);
        }
    }

    /// Whatever was said about this session no longer holds.
    pub(crate) fn forget(&self, id: &SessionId, now: Instant) {
        self.take_back(id, now, None);
    }

    /// The same, and what is said in the next moments may not hold for long: the
    /// application may be about to end the session, and nobody will hear of it.
    pub(crate) fn doubt(&self, id: &SessionId, now: Instant) {
        self.take_back(id, now, Some(now + DOUBT));
    }

    fn take_back(&self, id: &SessionId, now: Instant, doubted_until: Option<Instant>) {
        let mut shard = self.shard(id);
        let heard = shard.next_tick();
        let until = now + self.lifetime;
        let before = shard.touch(id).and_then(|known| known.doubted_until);
        // Kept also if nothing was known: an older answer may be on its way.
        let known = Known {
            said: None,
            until,
            heard,
            doubted_until: doubted_until.or(before),
        };
        shard.insert(id, known);
    }

    /// Whatever was said about sessions no longer holds for those that were
    /// called so.
    pub(crate) fn forget_named(&self, is_meant: impl Fn(&[u8]) -> bool) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            // Answers on their way may say it still.
            shard.floor = shard.next_tick();
            let Shard { young, old, .. } = &mut *shard;
            for known in young.values_mut().chain(old.values_mut()) {
                let said = known.said.as_ref();
                if said.is_some_and(|said| is_meant(&said.name)) {
                    known.said = None;
                }
            }
        }
    }

    /// For how many sessions something is remembered.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &Mutex<Shard>| {
            let shard = lock(shard);
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(len).sum()
    }

    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(id.first_byte()) % SHARDS])
    }
}

impl Known {
    fn is_in_doubt(&self, now: Instant) -> bool {
        self.doubted_until.is_some_and(|until| now < until)
    }
}

impl Shard {
    fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// What is known of a session, which is in use.
    fn touch(&mut self, id: &SessionId) -> Option<&mut Known> {
        if let Some(known) = self.old.remove(id) {
            self.insert(id, known);
        }
        self.young.get_mut(id)
    }

    fn insert(&mut self, id: &SessionId, known: Known) {
        self.old.remove(id);
        self.young.insert(id.clone(), known);
        if self.young.len() > self.most {
            self.age();
            // The last one is in use, and stays.
            if let Some(known) = self.old.remove(id) {
                self.young.insert(id.clone(), known);
            }
        }
    }

    fn age(&mut self) {
        self.old = std::mem::take(&mut self.young);
        self.floor = self.next_tick();
    }
}

/// Every statement leaves it valid, so one who panicked does no harm.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

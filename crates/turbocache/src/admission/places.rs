use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A table of small numbers with deadlines, for hashes of names. It has a fixed
/// number of places, and a name that falls on the place of another replaces it.
///
/// A place is one word, so whatever order threads write and read in, they read
/// what one of them wrote. Nothing else is ordered by it.
pub(super) struct Places {
    words: Box<[AtomicU64]>,
}

/// Where a name is, and by what it is known there: its hash. The lower bits tell the one,
/// the upper ones the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) u64);

/// A word is 24 bits of hash, a number of 8, and seconds since some epoch. Zero is
/// an empty place; a name that has this hash is as one that is always replaced.
const MARK: u64 = !0 << 40;
const NUMBER: u64 = 0xFF << 32;
const SECONDS: u64 = !0 >> 32;

impl Place {
    const fn mark(self) -> u64 {
        self.0 & MARK
    }
}

impl Places {
    /// `places` is a power of two.
    pub(super) fn new(places: usize) -> Self {
        debug_assert!(places.is_power_of_two());
        Self {
            words: (0..places).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The number that is there, until its deadline.
    pub(super) fn read(&self, place: Place, now: u64) -> Option<u8> {
        let word = self.word_of(place);
        is_before(now, word).then_some(number(word))
    }

    /// Where this is there already, which is the rule, the place is only read, and
    /// stays in the cache of each processor.
    pub(super) fn write(&self, place: Place, number: u8, until: u64) {
        let new = word(place, number, until);
        let place = self.at(place);
        if place.load(Relaxed) != new {
            place.store(new, Relaxed);
        }
    }

    /// Counts one more, unless there is a deadline that has not passed. Returns
    /// whether that makes `limit`: then the number is `rest`, until a deadline.
    pub(super) fn count(&self, place: Place, now: u64, limit: u8, rest: u8, until: u64) -> bool {
        let next = |before: u64| {
            let before = if before & MARK == place.mark() {
                before
            } else {
                0
            };
            // What began before the deadline was set says nothing new.
            if is_before(now, before) {
                return None;
            }
            let count = number(before).saturating_add(1);
            Some(if count < limit {
                word(place, count, 0)
            } else {
                word(place, rest, until)
            })
        };
        let before = self.at(place).fetch_update(Relaxed, Relaxed, next);
        before.is_ok_and(|word| word & MARK == place.mark() && number(word) >= limit - 1)
    }

    /// Whether just this was written.
    pub(super) fn has(&self, place: Place, number: u8, until: u64) -> bool {
        self.at(place).load(Relaxed) == word(place, number, until)
    }

    /// Forgets number and deadline, and returns whether there was one. Where there is
    /// neither, it is only read, too.
    pub(super) fn clear(&self, place: Place) -> bool {
        let word = self.word_of(place);
        if word != 0 {
            self.at(place).store(0, Relaxed);
        }
        word & SECONDS != 0
    }

    /// Forgets all of them.
    pub(super) fn clear_all(&self) {
        for word in &self.words {
            word.store(0, Relaxed);
        }
    }

    /// What is there for its name, zero if nothing.
    fn word_of(&self, place: Place) -> u64 {
        let word = self.at(place).load(Relaxed);
        if word & MARK == place.mark() { word } else { 0 }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    fn at(&self, Place(hash): Place) -> &AtomicU64 {
        // A mask, which takes less than the remainder of a division.
        &self.words[hash as usize & (self.words.len() - 1)]
    }
}

fn word(place: Place, number: u8, until: u64) -> u64 {
    place.mark() | u64::from(number) << 32 | until.min(SECONDS)
}

fn is_before(now: u64, word: u64) -> bool {
    now < word & SECONDS
}

fn number(word: u64) -> u8 {
    u8::try_from((word & NUMBER) >> 32).expect("eight bits")
}

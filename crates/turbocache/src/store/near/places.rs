//! Which few entries a thread keeps at hand, and who has to make room for whom.

use super::{Copies, Spot};
use crate::key::Key;

/// The places of a thread, in sets, as those of a processor's cache are: whatever is asked
/// for belongs into one set, and has any place there.
///
/// Who is asked for twice comes in where a place is free, or where nobody has asked for
/// what is there since the last one wanted it. So nobody who comes now and then drives out
/// who is asked for all the time, and a few who are asked for in turn do not drive out each
/// other.
pub(super) struct Places {
    sets: Box<[Set]>,
    weight: usize,
    /// The place that has to be given up next if all together weigh too much.
    next: usize,
}

/// Where something is.
#[derive(Clone, Copy)]
pub(super) struct At {
    set: usize,
    way: usize,
}

#[derive(Default)]
struct Set {
    /// Of what is in the places: to find one is to compare these.
    spots: [Spot; WAYS],
    copies: [Option<Box<Copies>>; WAYS],
    /// Asked for since somebody found no place here.
    used: [bool; WAYS],
    /// Who was asked for once, and how many others may be until that is forgotten.
    candidate: Option<(Spot, usize)>,
}

const SETS: usize = 16;
const WAYS: usize = 8;

impl Places {
    /// Where the copies for a key with this `spot` are, if it is the one that is meant.
    pub(super) fn find(&self, spot: Spot, is_meant: impl FnOnce(&Key) -> bool) -> Option<At> {
        let (at, set) = self.set(spot);
        let way = set.way(spot)?;
        let copies = set.copies[way].as_ref()?;
        is_meant(&copies.key).then_some(At { set: at, way })
    }

    pub(super) fn at(&mut self, at: At) -> &mut Copies {
        let place = &mut self.sets[at.set].copies[at.way];
        place.as_mut().expect("it was found there")
    }

    /// It was asked for.
    pub(super) fn used(&mut self, at: At) {
        self.sets[at.set].used[at.way] = true;
    }

    /// Whether who belongs there, and is asked for, is to have a place. There is one, then.
    pub(super) fn is_wanted(&mut self, spot: Spot) -> bool {
        let set = self.set_mut(spot);
        let is_candidate = set
            .candidate
            .is_some_and(|(candidate, _)| candidate == spot);
        is_candidate && set.has_room()
    }

    /// It was asked for, and is not here.
    pub(super) fn missed(&mut self, spot: Spot) {
        let set = self.set_mut(spot);
        if set.way(spot).is_some() {
            return;
        }
        set.candidate = match set.candidate {
            Some((other, left)) if other != spot && left > 0 => Some((other, left - 1)),
            _ => Some((spot, WAYS)),
        };
    }

    /// Puts `copies` where they belong, if there is room for what weighs no more than
    /// `max_weight` with all that is here.
    pub(super) fn put(&mut self, spot: Spot, copies: Copies, max_weight: usize) {
        let weight = copies.weight;
        let set = self.set_mut(spot);
        let Some(way) = set.way(spot).or_else(|| set.room()) else {
            return;
        };
        set.spots[way] = spot;
        set.used[way] = true;
        set.candidate = None;
        let gone = set.copies[way].replace(Box::new(copies));
        self.weight += weight;
        self.weight -= gone.map_or(0, |gone| gone.weight);
        while self.weight > max_weight {
            self.next = (self.next + 1) % (SETS * WAYS);
            let gone = self.sets[self.next / WAYS].copies[self.next % WAYS].take();
            self.weight -= gone.map_or(0, |gone| gone.weight);
        }
    }

    #[cfg(test)]
    pub(super) fn weights(&self) -> (usize, usize) {
        let all = self.sets.iter().flat_map(|set| &set.copies).flatten();
        (all.map(|copies| copies.weight).sum(), self.weight)
    }

    fn set(&self, spot: Spot) -> (usize, &Set) {
        let at = spot.set();
        (at, &self.sets[at])
    }

    fn set_mut(&mut self, spot: Spot) -> &mut Set {
        &mut self.sets[spot.set()]
    }
}

impl Set {
    /// The place that has something with this `spot`.
    fn way(&self, spot: Spot) -> Option<usize> {
        let mut ways = self.spots.iter().zip(&self.copies);
        ways.position(|(its, copies)| *its == spot && copies.is_some())
    }

    /// A place that is free, or that nobody needs.
    fn room(&self) -> Option<usize> {
        let free = self.copies.iter().position(Option::is_none);
        free.or_else(|| self.used.iter().position(|used| !used))
    }

    /// If there is none, those count from now on who are asked for before somebody wants
    /// one again.
    fn has_room(&mut self) -> bool {
        let has_room = self.room().is_some();
        if !has_room {
            self.used = [false; WAYS];
        }
        has_room
    }
}

impl Spot {
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    pub(super) const fn set(self) -> usize {
        self.0 as usize % SETS
    }
}

impl Default for Places {
    fn default() -> Self {
        Self {
            sets: (0..SETS).map(|_| Set::default()).collect(),
            weight: 0,
            next: 0,
        }
    }
}

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Instant,
};

use super::{FlightKey, lock};
use crate::store::Generation;

/// The flights that may be joined, by key.
///
/// It only knows them, it does not keep them: a flight lives as long as someone
/// takes part in it, and its [`Ticket`] takes it out of here. It is one table for
/// all services that one cache is layered on, so the types of the flights are
/// erased.
#[derive(Default)]
pub(crate) struct FlightTable {
    flights: Mutex<Flights>,
}

#[derive(Default)]
struct Flights {
    by_key: HashMap<FlightKey, Place>,
    last_id: u64,
}

struct Place {
    id: u64,
    /// When it set out, and how far the journal had come.
    since: Instant,
    generation: Generation,
    flight: Weak<dyn Any + Send + Sync>,
}

/// What is found on entering the table.
pub(crate) enum Entered<'a, T> {
    /// A flight to join.
    Joined(Arc<T>),
    /// None, and nobody else can enter one while this is held.
    Vacant(Vacancy<'a>),
}

impl FlightTable {
    /// The flight for `key`, if there is one of this type.
    ///
    /// One that set out before an invalidation is not joined by who comes after
    /// it, nor one that has taken too long: `is_current` says of when it set out, and of
    /// its generation, whether it may be.
    pub(crate) fn find<T: Any + Send + Sync>(
        &self,
        key: &FlightKey,
        is_current: impl FnOnce(Instant, Generation) -> bool,
    ) -> Option<Arc<T>> {
        let flight = lock(&self.flights).by_key.get(key)?.current(is_current)?;
        flight.downcast().ok()
    }

    /// The flight for `key`, or the place for one. `None` if the place is taken
    /// by a flight of another type, for another kind of service.
    pub(crate) fn enter<T: Any + Send + Sync>(
        self: &Arc<Self>,
        key: &FlightKey,
        is_current: impl FnOnce(Instant, Generation) -> bool,
    ) -> Option<Entered<'_, T>> {
        let flights = lock(&self.flights);
        let place = flights.by_key.get(key);
        let Some(flight) = place.and_then(|place| place.current(is_current)) else {
            return Some(Entered::Vacant(Vacancy {
                table: self,
                flights,
                key: key.clone(),
            }));
        };
        // Everyone else may have left it just now. Then to drop it is to take it
        // out of the table, so that must not be locked by us.
        drop(flights);
        flight.downcast().ok().map(Entered::Joined)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.flights).by_key.len()
    }
}

impl Place {
    fn current(
        &self,
        is_current: impl FnOnce(Instant, Generation) -> bool,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        if !is_current(self.since, self.generation) {
            return None;
        }
        self.flight.upgrade()
    }
}

/// The place for a flight, and the lock on the table.
pub(crate) struct Vacancy<'a> {
    table: &'a Arc<FlightTable>,
    flights: MutexGuard<'a, Flights>,
    key: FlightKey,
}

impl Vacancy<'_> {
    /// Enters `flight`, which sets out now, at `generation`. When the ticket is dropped, it
    /// can no longer be found.
    pub(crate) fn fill<T: Any + Send + Sync>(
        self,
        now: Instant,
        generation: Generation,
        flight: &Arc<T>,
    ) -> Ticket {
        let Self {
            table,
            mut flights,
            key,
        } = self;
        flights.last_id += 1;
        let id = flights.last_id;
        let ticket = Ticket {
            table: Arc::clone(table),
            key: key.clone(),
            id,
        };
        let known: Arc<dyn Any + Send + Sync> = Arc::clone(flight) as _;
        let place = Place {
            id,
            since: now,
            generation,
            flight: Arc::downgrade(&known),
        };
        // What was there is over, or goes on without being found, for those who
        // take part in it already.
        flights.by_key.insert(key, place);
        ticket
    }
}

impl fmt::Debug for FlightTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flights = lock(&self.flights).by_key.len();
        f.debug_struct("FlightTable")
            .field("flights", &flights)
            .finish()
    }
}

/// A flight's place in the table, given up when it is over, or dropped.
pub(crate) struct Ticket {
    table: Arc<FlightTable>,
    key: FlightKey,
    id: u64,
}

impl Ticket {
    /// Lets nobody join any more. No effect if done already: by then the key may
    /// belong to a flight that came later.
    pub(crate) fn retire(&self) {
        let mut flights = lock(&self.table.flights);
        let mine = flights
            .by_key
            .get(&self.key)
            .is_some_and(|place| place.id == self.id);
        let removed = mine.then(|| flights.by_key.remove(&self.key));
        drop(flights);
        drop(removed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.retire();
    }
}

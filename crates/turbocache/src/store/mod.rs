//! Where complete responses are kept.
//!
//! One entry for a primary key, which has all stored [`Variants`] of it; they
//! never change, but are replaced. What they are kept in is behind [`Storage`].

mod entry;
mod fields;
mod index;
mod journal;
mod label;
mod memory;
mod near;
mod scope;
mod variants;

use std::{error::Error, fmt, pin::Pin, sync::Arc};

pub use self::scope::Scope;
pub(crate) use self::{
    entry::{Content, Decided, Entry, Head, http_date},
    fields::{Fields, Shapes},
    journal::{Generation, Journal, Recorded, Settled},
    label::{Label, Labels},
    memory::MemoryStore,
    near::{Copies, Near, NearCache, Nearby, Ready, Spot},
    variants::Variants,
};
use crate::key::Key;

/// A place where responses are kept by their key.
///
/// Looking up may take time and fail, as it does where the place is not in
/// memory. Everything else is said and done: a place that needs time for that
/// takes it behind what it has said. Whatever fails, the cache goes on: what is
/// not found is a miss.
pub(crate) trait Storage: fmt::Debug + Send + Sync + 'static {
    /// What is stored for `key`.
    fn look_up(&self, key: &Key) -> LookUp;

    /// Lets `change` make of what is stored for `key` what is to be stored from
    /// now on. No other change of the same key comes in between.
    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change);

    /// Removes whatever is in `scope`, or makes it stale, and says how many
    /// responses these were.
    fn purge(&self, scope: &Scope, how: Purge) -> u64;

    /// What is in `scope`, for who wants to look at it.
    fn find(&self, scope: &Scope) -> Vec<Arc<Entry>>;

    /// How much is stored.
    fn size(&self) -> Size;
}

/// What a look-up comes to.
pub(crate) enum LookUp {
    /// It is known at once. `None` if nothing is stored.
    Ready(Option<Arc<Variants>>),
    /// It will be known later.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the one store that there is, is in memory")
    )]
    Later(Later),
}

pub(crate) type Later =
    Pin<Box<dyn Future<Output = Result<Option<Arc<Variants>>, StorageError>> + Send>>;

/// Why a look-up failed.
pub(crate) type StorageError = Box<dyn Error + Send + Sync>;

/// What is to become of what is stored for a key.
pub(crate) enum Change {
    /// It stays as it is.
    Keep,
    /// This is stored instead. If it is empty, nothing is stored.
    Store(Variants),
}

/// What happens to what is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purge {
    /// It is removed.
    Hard,
    /// It is stale from now on, but may be given while it is validated.
    Soft,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// How many primary keys.
    pub(crate) entries: u64,
    /// What they weigh.
    pub(crate) bytes: u64,
    /// How many primary keys had to go because there was no room.
    pub(crate) evicted: u64,
}

#[cfg(test)]
mod tests;

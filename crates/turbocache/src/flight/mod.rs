//! Collapsing: concurrent misses for one key make one request to the inner
//! service, and share its response while it comes.
//!
//! A flight has two phases, each a small state machine of its own:
//!
//! 1. [`Flight`]: the call. Its [`Leader`] brought the request, and nobody else polls
//!    the call: the inner service may go by what is said of the task that it is polled
//!    in, as by who is logged in, and answer accordingly. Each [`Follower`] has kept
//!    its own request, and goes on alone with it if the response turns out not to be
//!    one to share. If the leader leaves, and others wait, the call goes on in a task
//!    that is nobody's; when the last of them has left, it is dropped.
//! 2. [`Broadcast`]: the body of a response that is to be stored. It is for everyone,
//!    and readers are as slow as their clients: so whoever takes part may drive it, and
//!    whoever is polled first after the inner body has woken them does. It takes the
//!    body out, polls it without holding a lock, in the runtime where it came, and puts
//!    it back ([`Wakers`](wakers::Wakers) tells why nobody sleeps through that). If the
//!    length is known, everyone is a [`Reader`] of the chunks as they come, at his own
//!    pace. If not, it may still turn out to be too long to keep: the leader reads, and
//!    each follower is a [`Waiter`] until it is complete.
//!
//! A flight is for one variant of a page, as far as that is known beforehand
//! ([`FlightKey`]). Each follower looks at the head of the response, and goes round
//! by what it has learned if that is for others. To validate what is stored is a
//! flight like any other: its outcome may be a stored response, for all whom it
//! suits. So is what goes on in the background, with a task of the runtime for its
//! leader.
//!
//! An application may ask itself for something, through the same cache: if that is
//! another variant of the page that it is making, it would wait for itself. While a call
//! or a body is polled, its thread knows ([`PolledHere`](polled_here::PolledHere)), and
//! what is asked for meanwhile does not join. Not so if it is asked for in another task.
//!
//! Locks are held for a few instructions and never while something foreign is
//! polled, woken or dropped: any of these may end up here again. No lock of this
//! module is taken while another is held. While the table is locked, the journal
//! and the store are asked, which ask nothing back.

mod body_error;
mod broadcast;
mod call;
mod collapsed;
mod follower;
mod key;
mod leader;
mod polled_here;
mod reader;
mod seats;
mod table;
mod turns;
mod unshareable;
mod wakers;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::collapsed::CollapsedRequest;
pub(crate) use self::{
    broadcast::Broadcast,
    call::Flight,
    collapsed::{CollapsedRequests, Listed},
    follower::{Fit, Followed, Follower},
    key::FlightKey,
    leader::{Leader, Led},
    reader::{Reader, Waited, Waiter},
    table::{Entered, FlightTable, Ticket},
    turns::{Turn, Turns},
    unshareable::Unshareable,
};

/// Locks `mutex` even if someone panicked while holding it. What is behind these
/// locks is valid after every single statement, and a waiter that hangs would be
/// worse than one that panics, too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

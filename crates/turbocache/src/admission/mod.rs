//! Where nothing can be cached, the cache steps aside: no key is made, nothing is
//! looked up, and nobody waits for anybody.
//!
//! Passenger turns its cache off for everything while fewer than half of twenty
//! fetches are hits. That is hard on an application whose pages become hits
//! slowly, and one busy API turns it off for all pages. Here it goes by
//! [route](route::of), and a single hit is enough to go on:
//!
//! 1. A route of which [`RUN`] fetches in a row brought nothing to store, with no
//!    hit between them, is left alone for [`ASIDE`].
//! 2. Each response that passes meanwhile is looked at. The first that could have
//!    been stored ends it.
//! 3. Later, [`PROBES`] such fetches in a row are enough.
//!
//! What can be cached does not suffer. On a route that is left alone, a request
//! goes through the cache nevertheless
//!
//! - if something was stored for its path within [`KNOWN`];
//! - or if another one for its path has gone before, and what it got is not known
//!   yet: of a stampede on a page that nobody has asked for before, one passes, and
//!   the others are collapsed as ever.
//!
//! Only `GET` and `HEAD` are left alone. Whatever may invalidate something always
//! goes through the cache.
//!
//! All of this is two tables of fixed size, whose entries are hashes, keyed at
//! random: what a client asks for cannot be made to collide. To be wrong costs a
//! hit or a moment, and gives nobody a page that is not his.

mod places;
mod route;

use std::{
    fmt,
    time::{Duration, Instant},
};

use http::{Method, Request};
use tracing::debug;

use self::places::{Place, Places};
use crate::key::{self, Key};

/// How many fetches in a row have to bring nothing to store.
const RUN: u8 = 200;
/// For how long a route is left alone then.
const ASIDE: Duration = Duration::from_secs(10);
/// How many of them are enough right after that.
const PROBES: u8 = 5;
/// For how long it is remembered that something was stored for a path.
const KNOWN: Duration = Duration::from_secs(300);

/// How many routes, and paths, have a place of their own: 8 KiB and 64 KiB.
const ROUTES: usize = 1024;
const PATHS: usize = 8192;

/// The word for logs and for `Cache-Status`, with `fwd=bypass`.
pub(crate) const STEPPED_ASIDE: &str = "stepped-aside";

/// Where the cache steps aside, and until when.
pub(crate) struct Admission {
    /// How many fetches in a row brought nothing; and until when the route is left
    /// alone, if it is.
    routes: Places,
    /// What is known of responses for the path, and for how long that holds.
    paths: Places,
}

/// What a place of [`Admission::paths`] may hold.
mod known {
    /// A request for it passes just now.
    pub(super) const ASKED_FOR: u8 = 1;
    /// What passed could not have been stored.
    pub(super) const NOT_STORABLE: u8 = 2;
    /// Something was stored, or could have been.
    pub(super) const STORABLE: u8 = 3;
}

/// Where a request belongs that goes through the cache. What becomes of it is to
/// be told, unless it only takes part in what another one fetches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route(Place);

/// A request that passes the cache by. What it gets is to be told to
/// [`Admission::passed`]; if it gets nothing, there is nothing to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aside {
    route: Place,
    path: Place,
}

impl Admission {
    /// With nothing known. Times are kept as seconds since `epoch`.
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            routes: Places::new(ROUTES, epoch),
            paths: Places::new(PATHS, epoch),
        }
    }

    /// Whether `request` is to go through the cache. To be asked before a key is
    /// made of it. Where the route is not left alone, this is a hash and a look.
    pub(crate) fn ask<B>(&self, request: &Request<B>, now: Instant) -> Result<Route, Aside> {
        let route = self.routes.place(route::of(request).as_bytes());
        if self.routes.read(route, now).is_none()
            || !matches!(*request.method(), Method::GET | Method::HEAD)
        {
            return Ok(Route(route));
        }
        let path = self.paths.place(key::path_of(request).as_bytes());
        match self.paths.read(path, now) {
            Some(known::NOT_STORABLE) => {}
            // Two threads may both find it so, and both pass.
            None if self.may_note(path, now) => {
                self.paths.write(path, known::ASKED_FOR, now + ASIDE);
            }
            _ => return Ok(Route(route)),
        }
        Err(Aside { route, path })
    }

    /// It was answered from memory.
    pub(crate) fn hit(&self, route: Route) {
        self.routes.clear(route.0);
    }

    /// What it fetched was stored, under `key`.
    pub(crate) fn stored(&self, route: Route, key: &Key, now: Instant) {
        self.routes.clear(route.0);
        let path = self.paths.place(key.path_alone());
        self.paths.write(path, known::STORABLE, now + KNOWN);
    }

    /// What it fetched, for `key`, could not be stored.
    pub(crate) fn not_stored(&self, Route(route): Route, key: &Key, now: Instant) {
        if self
            .routes
            .count(route, now, RUN, RUN - PROBES, now + ASIDE)
        {
            debug!(%key, seconds = ASIDE.as_secs(), "steps aside: nothing to store here");
        }
    }

    /// What passed could have been stored, or not.
    pub(crate) fn passed(&self, aside: Aside, storable: bool, now: Instant) {
        let Aside { route, path } = aside;
        if storable {
            self.routes.clear(route);
            self.paths.write(path, known::STORABLE, now + KNOWN);
            debug!("steps in again: there is something to store");
        } else if self.may_note(path, now) {
            self.paths.write(path, known::NOT_STORABLE, now + ASIDE);
        }
    }

    /// Whether the place is free for something that is not storable: it is not to
    /// drive out what protects another path.
    fn may_note(&self, path: Place, now: Instant) -> bool {
        self.paths.holder(path, now) != Some(known::STORABLE)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

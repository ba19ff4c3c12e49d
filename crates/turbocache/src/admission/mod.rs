//! Where nothing can be cached, the cache steps aside: no key is made, nothing is
//! looked up, and nobody waits for anybody.
//!
//! Passenger turns its cache off for everything while fewer than half of twenty
//! fetches are hits. That is hard on an application whose pages become hits
//! slowly, and one busy API turns it off for all pages. Here it goes by
//! [route](route::of), and by what could have been stored:
//!
//! 1. A route of which [`RUN`] fetches in a row brought nothing to store is left
//!    alone for [`ASIDE`]. Failures do not count: they say nothing of what comes
//!    after them.
//! 2. Of what passes meanwhile, one response a second is looked at for each path, and
//!    those before it that tell nothing: one with a cookie, nothing of those without. The
//!    first that could have been stored ends it.
//! 3. Later, [`PROBES`] such fetches in a row are enough.
//!
//! What can be cached does not suffer. On a route that is left alone, a request
//! goes through the cache nevertheless
//!
//! - if anything was ever stored for its path: so whatever is in the store is
//!   found, also while the application is down;
//! - or if another one for its path has gone before, and what it got is not known
//!   yet: of a stampede on a page that nobody has asked for before, one passes, and
//!   the others are collapsed as ever.
//!
//! Only `GET` and `HEAD` are left alone. Whatever may invalidate something always
//! goes through the cache.
//!
//! All of this is three tables of fixed size, which know names by a
//! [hash](Names) that is keyed at random. To be wrong
//! costs a look-up or a moment, and gives nobody a page that is not his. So does a clock
//! that is not read [for every request](Seconds).

mod glance;
mod names;
mod places;
mod route;
mod seconds;
mod seen_paths;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use http::{Extensions, Request, Uri};
use tracing::debug;

pub(crate) use self::{
    glance::Glance,
    names::{Names, PathHash, TargetHash},
};
use self::{
    places::{Place, Places},
    seconds::Seconds,
    seen_paths::SeenPaths,
};
use crate::{
    clock::Clocks,
    key::{self, Key},
};

/// How many fetches in a row have to bring nothing to store.
const RUN: u8 = 200;
/// For how many seconds a route is left alone then.
const ASIDE: u64 = 10;
/// How many of them are enough after that.
const PROBES: u8 = 5;

/// How many routes, and paths on routes that are left alone, have a place of their
/// own: 8 KiB and 32 KiB.
const ROUTES: usize = 1024;
const PATHS: usize = 4096;

/// Where the cache steps aside, and until when.
pub(crate) struct Admission {
    names: Names,
    seconds: Seconds,
    /// How many fetches in a row brought nothing; and until when the route is left
    /// alone, if it is.
    routes: Places,
    /// Until when any of them is; zero if none is, which is all that most hits pay for.
    any: AtomicU64,
    /// What came of the last request for a path that passed.
    paths: Places,
    fetched: SeenPaths,
    stored: SeenPaths,
}

/// What a place of [`Admission::paths`] may hold: it passes just now.
const ASKED_FOR: u8 = 1;
/// Or: it has passed, and could not have been stored.
const NOT_STORABLE: u8 = 2;
/// The same of one with a cookie, which tells nothing of those without.
const NOT_STORABLE_FOR_COOKIE: u8 = 3;

/// Where a request belongs that goes through the cache. If it is sent on, what
/// comes of it is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route(Place);

/// A request that passes the cache by.
#[derive(Debug)]
pub(crate) enum Aside {
    /// What it gets is to be told to [`Admission::passed`]; if it gets nothing, there is
    /// nothing to tell.
    // One in a second, so all others are not to make room for it.
    Watched(Box<Watched>),
    /// What another one for its path got in the same second tells enough.
    Known,
}

/// Of what [`Admission`] is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    route: Place,
    path: Place,
    /// When it was let pass, in seconds.
    at: u64,
    cookie: bool,
}

impl Admission {
    /// With nothing known.
    pub(crate) fn new(clocks: Clocks) -> Self {
        Self {
            names: Names::new(),
            seconds: Seconds::of(clocks),
            routes: Places::new(ROUTES),
            any: AtomicU64::new(0),
            paths: Places::new(PATHS),
            fetched: SeenPaths::new(),
            stored: SeenPaths::new(),
        }
    }

    /// Whether `request`, a `GET` or `HEAD` which has a `cookie` or not, is to pass the cache
    /// by. To be asked before a key is made of it.
    #[inline]
    pub(crate) fn ask<B>(&self, request: &Request<B>, cookie: bool) -> Option<Aside> {
        if self.any.load(Relaxed) == 0 {
            return None;
        }
        self.ask_for(request.uri(), request.extensions(), cookie)
    }

    fn ask_for(&self, uri: &Uri, extensions: &Extensions, cookie: bool) -> Option<Aside> {
        let now = self.seconds.lately();
        let until = self.any.load(Relaxed);
        if now >= until {
            // If another thread has just left a route alone, this fails, and is to.
            let _ = self.any.compare_exchange(until, 0, Relaxed, Relaxed);
            return None;
        }
        let path = key::path_of_uri(uri, extensions);
        let hash = self.path(path.as_bytes());
        if self.stored.may_have(hash) {
            return None;
        }
        let place = Place(hash.0);
        // Told in this second, while the route was left alone. Since then that may have
        // ended: then this is forgotten, or holds for the rest of the second if it was
        // told too late for that.
        let is_known = |number| self.paths.has(place, number, now + ASIDE);
        if is_known(NOT_STORABLE) || cookie && is_known(NOT_STORABLE_FOR_COOKIE) {
            return Some(Aside::Known);
        }
        let watched = self.watch(path, extensions, place, now, cookie)?;
        Some(Aside::Watched(Box::new(watched)))
    }

    /// Whether a request whose `path` has this `place` is one to look at.
    // Not inlined: most go by without it.
    #[inline(never)]
    fn watch(
        &self,
        path: &str,
        extensions: &Extensions,
        place: Place,
        now: u64,
        cookie: bool,
    ) -> Option<Watched> {
        let Route(route) = self.route_of(path, extensions);
        self.routes.read(route, now)?;
        match self.paths.read(place, now) {
            Some(NOT_STORABLE | NOT_STORABLE_FOR_COOKIE) => {}
            Some(_) => return None,
            // Two threads may both find it so, and both pass.
            None => self.paths.write(place, ASKED_FOR, now + ASIDE),
        }
        Some(Watched {
            route,
            path: place,
            at: now,
            cookie,
        })
    }

    /// Where `request` belongs.
    pub(crate) fn route<B>(&self, request: &Request<B>) -> Route {
        let extensions = request.extensions();
        self.route_of(key::path_of_uri(request.uri(), extensions), extensions)
    }

    fn route_of(&self, path: &str, extensions: &Extensions) -> Route {
        let name = route::of(path, extensions).as_bytes();
        Route(Place(self.names.hash(name)))
    }

    /// Something is stored under `key`. To be told before it can be found there.
    pub(crate) fn stored(&self, Route(route): Route, key: &Key) {
        self.stored.add(self.path(key.path_alone()));
        self.step_in(route);
    }

    /// What was fetched for `key` could not be stored.
    pub(crate) fn not_stored(&self, Route(route): Route, key: &Key) {
        let now = self.seconds.now();
        if self
            .routes
            .count(route, now, RUN, RUN - PROBES, now + ASIDE)
        {
            self.any.fetch_max(now + ASIDE, Relaxed);
            debug!(%key, seconds = ASIDE, "steps aside: nothing to store here");
        }
    }

    /// By what a path is known in these tables, and in the journal.
    pub(crate) fn path(&self, path: &[u8]) -> PathHash {
        PathHash(self.names.hash(path))
    }

    /// Something is to be fetched for a path. To be told before it is.
    pub(crate) fn fetches(&self, path: PathHash) {
        self.fetched.add(path);
    }

    /// Whether anything may ever have been fetched for a path. If not, whatever is on its
    /// way set out only now.
    pub(crate) fn may_have_fetched(&self, path: PathHash) -> bool {
        self.fetched.may_have(path)
    }

    /// Whether anything may ever have been stored for a path. If not, there is
    /// nothing to be invalidated: see [`Journal`](crate::store::Journal).
    pub(crate) fn may_have_stored(&self, path: PathHash) -> bool {
        self.stored.may_have(path)
    }

    /// What passed could have been stored, or not.
    pub(crate) fn passed(&self, watched: Watched, storable: bool) {
        if storable {
            self.step_in(watched.route);
            debug!("steps in again: there is something to store");
            return;
        }
        let number = if watched.cookie {
            NOT_STORABLE_FOR_COOKIE
        } else {
            NOT_STORABLE
        };
        self.paths.write(watched.path, number, watched.at + ASIDE);
    }

    /// There is something to store.
    fn step_in(&self, route: Place) {
        if self.routes.clear(route) {
            // What is known of its paths, and with it of all others: it seldom happens.
            self.paths.clear_all();
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

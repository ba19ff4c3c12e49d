//! What a request that changes something makes invalid: RFC 9111 §4.4.

use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};
use tracing::debug;

use crate::{
    admission::TargetHash,
    cache::Cache,
    key::targets::Targets,
    policy::{
        invalidation::{invalidates, other_targets},
        request::Pass,
    },
    store::{Label, Purge, Scope},
    tags,
};

/// A request that passes the cache by, until it is known what it has changed.
pub(crate) struct UnsafeRequest {
    method: Method,
    /// Whatever it may be for.
    targets: Targets,
    /// The one path that all of these have, if it is one.
    path: Option<TargetHash>,
}

impl UnsafeRequest {
    /// `None` if it changes nothing, whatever the answer is.
    pub(crate) fn new<B>(request: &Request<B>, pass: Pass, cache: &Cache) -> Option<Self> {
        let method = match pass {
            // It is not what it says, so it may be any.
            Pass::MethodOverride => Method::POST,
            _ => request.method().clone(),
        };
        invalidates(&method, StatusCode::OK).then(|| {
            let targets = Targets::of(request);
            let path = targets.are_usual().then(|| cache.hash_of(request.uri()));
            Self {
                method,
                targets,
                path,
            }
        })
    }

    /// It was answered. Whoever learns of the answer finds nothing older.
    pub(crate) fn answered(&self, cache: &Cache, status: StatusCode, headers: &HeaderMap) {
        if !invalidates(&self.method, status) {
            return;
        }
        let mut stored = self.path.is_some_and(|path| cache.invalidates(path));
        if self.path.is_none() {
            for path in self.targets.paths(&cache.config.query) {
                // Each of them, whatever the others come to.
                stored |= cache.invalidates(cache.hash(&path));
            }
        }
        // Most forms go where nothing was ever stored. Then no key is made.
        let others = Others::of(headers);
        if stored || others.targets || others.groups {
            self.invalidate(cache, headers, stored, others);
        }
    }

    /// What the answer refers to; and the target itself, if there may be something that is
    /// `stored` for it.
    fn invalidate(&self, cache: &Cache, headers: &HeaderMap, stored: bool, others: Others) {
        let rules = &cache.config.query;
        let mut scopes = Vec::new();
        let mut groups = Vec::new();
        for key in self.targets.keys(rules) {
            if others.targets {
                for other in other_targets(key.as_target(), headers) {
                    if cache.invalidates(cache.hash(&rules.apply(&other))) {
                        scopes.push(Scope::of_key(key.beside(&other, rules)));
                    }
                }
            }
            if others.groups {
                // RFC 9875 §3.
                for group in tags::invalidated(headers) {
                    groups.push(Scope::of_label(Label::new(group, &key)));
                }
            }
            if stored && cache.invalidates(cache.hash_of_key(&key)) {
                scopes.push(Scope::of_key(key));
            }
        }
        for scope in scopes.into_iter().chain(groups) {
            let purged = cache.purge(&scope, Purge::Hard);
            debug!(method = %self.method, ?scope, purged, "invalidated");
        }
    }
}

/// What a response may make invalid beside the target.
#[derive(Clone, Copy)]
struct Others {
    targets: bool,
    groups: bool,
}

impl Others {
    fn of(response: &HeaderMap) -> Self {
        let (mut targets, mut groups) = (false, false);
        for name in response.keys() {
            match *name {
                LOCATION | CONTENT_LOCATION => targets = true,
                _ => groups |= *name == tags::CACHE_GROUP_INVALIDATION,
            }
        }
        Self { targets, groups }
    }
}

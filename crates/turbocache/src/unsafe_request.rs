//! What a request that changes something makes invalid: RFC 9111 §4.4.

use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};
use tracing::debug;

use crate::{
    admission::TargetHash,
    cache::Cache,
    key::{Key, targets::Targets},
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
        if stored || refers_to_others(headers) {
            self.invalidate(cache, headers);
        }
    }

    fn invalidate(&self, cache: &Cache, headers: &HeaderMap) {
        let rules = &cache.config.query;
        let mut scopes = Vec::new();
        let mut add = |key: Key| {
            if cache.invalidates(cache.hash(key.as_target().path_and_query)) {
                scopes.push(Scope::of_key(key));
            }
        };
        let mut groups = Vec::new();
        for key in self.targets.keys(rules) {
            for other in other_targets(key.as_target(), headers) {
                add(key.beside(&other, rules));
            }
            // RFC 9875 §3.
            for group in tags::invalidated(headers) {
                groups.push(Scope::of_label(Label::new(group, &key)));
            }
            add(key);
        }
        for scope in scopes.into_iter().chain(groups) {
            let purged = cache.purge(&scope, Purge::Hard);
            debug!(method = %self.method, ?scope, purged, "invalidated");
        }
    }
}

/// Whether a response may make something invalid beside the target.
fn refers_to_others(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        matches!(*name, LOCATION | CONTENT_LOCATION) || *name == tags::CACHE_GROUP_INVALIDATION
    })
}

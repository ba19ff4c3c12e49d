//! What a request that changes something makes invalid: RFC 9111 §4.4.

use http::{HeaderMap, Method, Request, StatusCode};
use tracing::debug;

use crate::{
    cache::Cache,
    key::{Key, query::QueryRules, targets::targets},
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
    targets: Vec<Key>,
}

impl UnsafeRequest {
    /// `None` if it changes nothing, whatever the answer is.
    pub(crate) fn new<B>(request: &Request<B>, pass: Pass, rules: &QueryRules) -> Option<Self> {
        let method = match pass {
            // It is not what it says, so it may be any.
            Pass::MethodOverride => Method::POST,
            _ => request.method().clone(),
        };
        invalidates(&method, StatusCode::OK).then(|| Self {
            method,
            targets: targets(request, rules),
        })
    }

    /// It was answered. Whoever learns of the answer finds nothing older.
    pub(crate) fn answered(self, cache: &Cache, status: StatusCode, headers: &HeaderMap) {
        if !invalidates(&self.method, status) {
            return;
        }
        let mut scopes = Vec::new();
        for key in self.targets {
            for other in other_targets(key.as_target(), headers) {
                scopes.push(Scope::of_key(key.beside(&other, &cache.config.query)));
            }
            // RFC 9875 §3.
            for group in tags::invalidated(headers) {
                scopes.push(Scope::of_label(Label::new(group, &key)));
            }
            scopes.push(Scope::of_key(key));
        }
        for scope in scopes {
            let purged = cache.purge(&scope, Purge::Hard);
            debug!(method = %self.method, ?scope, purged, "invalidated");
        }
    }
}

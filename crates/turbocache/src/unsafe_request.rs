//! What a request that changes something makes invalid: RFC 9111 §4.4.

use http::{
    HeaderMap, Request, StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};
use tracing::debug;

use crate::{
    cache::Cache,
    key::targets::Targets,
    policy::{
        invalidation::{is_non_error, is_safe, other_targets},
        request::Pass,
    },
    store::{Label, Purge, Scope},
    tags,
};

/// A request that passes the cache by, until it is known what it has changed.
pub(crate) struct UnsafeRequest {
    /// Whatever it may be for.
    targets: Targets,
}

impl UnsafeRequest {
    /// `None` if it changes nothing, whatever the answer is.
    pub(crate) fn new<B>(request: &Request<B>, pass: Pass) -> Option<Self> {
        // It is not what it says, so it may be any.
        let may_be_any = pass == Pass::MethodOverride;
        (may_be_any || !is_safe(request.method())).then(|| Self {
            targets: Targets::of(request),
        })
    }

    /// It was answered. Whoever learns of the answer finds nothing older.
    pub(crate) fn answered(&self, cache: &Cache, status: StatusCode, headers: &HeaderMap) {
        if !is_non_error(status) {
            return;
        }
        let path = self.targets.path();
        let fetched = path.is_none_or(|path| cache.may_have_fetched(path));
        // Most forms go where nothing was ever fetched. Then that is all.
        let others = Others::of(headers);
        if fetched || others.targets || others.groups {
            self.invalidate(cache, headers, others);
        }
    }

    /// The targets, if there may be something that is stored for them, and what the
    /// answer refers to.
    #[inline(never)]
    fn invalidate(&self, cache: &Cache, headers: &HeaderMap, others: Others) {
        let rules = &cache.config.query;
        let targets = self.targets.paths(rules);
        // Each of them, whatever the others come to.
        let stored = targets.fold(false, |stored, target| stored | cache.invalidates(&target));
        // Then no key is made.
        if !(stored || others.targets || others.groups) {
            return;
        }
        let mut scopes = Vec::new();
        let mut groups = Vec::new();
        for key in self.targets.keys(rules) {
            if others.targets {
                for other in other_targets(key.as_target(), headers) {
                    if cache.invalidates(&rules.apply(&other)) {
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
            if stored && cache.invalidates_key(&key) {
                scopes.push(Scope::of_key(key));
            }
        }
        for scope in scopes.into_iter().chain(groups) {
            let purged = cache.purge(&scope, Purge::Hard);
            debug!(?scope, purged, "invalidated");
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

//! What a request that changes something makes invalid: RFC 9111 §4.4.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, response};
use peregrine_core::Again;
use tracing::debug;

use crate::{
    cache::Cache,
    key::{
        Key,
        targets::{PlainTargets, Targets},
    },
    noted::Noted,
    policy::{
        invalidation::{is_non_error, is_overridden, is_safe, other_targets},
        request::Pass,
    },
    store::{Label, Purge, Scope},
    tags,
};

/// A request that passes the cache by, until it is known what it has changed.
pub(crate) struct UnsafeRequest {
    /// Whatever it may be for.
    targets: Targets,
    /// It is safe by its method, and unsafe by a field. Hardly an application goes by that,
    /// and anybody can send it: so what it may have changed is not removed, but asked about.
    is_overridden: bool,
}

/// One on its way to the inner service and back.
pub(crate) struct Submission {
    cache: Again<Arc<Cache>>,
    request: UnsafeRequest,
    /// The inner service has it, and has not answered yet.
    is_sent: bool,
}

impl From<PlainTargets> for UnsafeRequest {
    fn from(targets: PlainTargets) -> Self {
        Self {
            targets: targets.into(),
            is_overridden: false,
        }
    }
}

impl UnsafeRequest {
    /// `None` if it changes nothing, whatever the answer is.
    pub(crate) fn new<B>(request: &Request<B>, pass: Pass) -> Option<Self> {
        Self::may_be(request, pass).then(|| Self {
            targets: Targets::of(request),
            is_overridden: pass == Pass::MethodOverride,
        })
    }

    /// Whether `request`, which passes for this reason, may change something.
    #[inline]
    pub(crate) fn may_be<B>(request: &Request<B>, pass: Pass) -> bool {
        match pass {
            Pass::MethodOverride => is_overridden(request.headers()),
            // As nearly all of them are.
            Pass::Method => *request.method() == Method::POST || !is_safe(request.method()),
            _ => {
                debug_assert!(is_safe(request.method()), "or it passes for its method");
                false
            }
        }
    }

    /// What `request` is for, if it is what it says, and has nothing unusual to it.
    #[inline]
    pub(crate) fn plain<B>(request: &Request<B>, pass: Pass) -> Option<PlainTargets> {
        (pass == Pass::Method).then(|| PlainTargets::of(request))?
    }

    /// Why it passes.
    const fn reason(&self) -> Pass {
        if self.is_overridden {
            Pass::MethodOverride
        } else {
            Pass::Method
        }
    }

    /// It was answered. Whoever learns of the answer finds nothing older.
    fn answered(&self, response: &response::Parts, noted: Noted, cache: &Cache) {
        if !is_non_error(response.status) {
            return;
        }
        let path = self.targets.path();
        let fetched = path.is_none_or(|path| cache.may_have_fetched(path));
        // Most forms go where nothing was ever fetched. Then that is all.
        if fetched || noted.have(Noted::REFERENCES) || noted.have(Noted::GROUPS) {
            self.invalidate(&response.headers, noted, cache);
        }
    }

    /// Nobody has heard what came of it. What is stored for its targets may be as good as
    /// before, or not: the next who asks for it has the inner service asked.
    #[cold]
    fn unanswered(&self, cache: &Cache) {
        let rules = &cache.config.query;
        for key in self.targets.keys(rules) {
            if cache.invalidates_key(&key) {
                debug!("nobody heard the answer");
                purge(cache, key, Purge::Soft);
            }
        }
    }

    /// The targets, if there may be something that is stored for them, and what the
    /// answer refers to.
    #[inline(never)]
    fn invalidate(&self, headers: &HeaderMap, noted: Noted, cache: &Cache) {
        let rules = &cache.config.query;
        let how = if self.is_overridden {
            Purge::Soft
        } else {
            Purge::Hard
        };
        let targets = self.targets.paths(rules);
        // Each of them, whatever the others come to.
        let stored = targets.fold(false, |stored, target| stored | cache.invalidates(&target));
        let references = noted.have(Noted::REFERENCES);
        let has_groups = noted.have(Noted::GROUPS);
        // Then no key is made.
        if !(stored || references || has_groups) {
            return;
        }
        for key in self.targets.keys(rules) {
            if references {
                for other in other_targets(key.as_target(), headers) {
                    if cache.invalidates(&rules.apply(&other)) {
                        purge(cache, key.beside(&other, rules), how);
                    }
                }
            }
            if has_groups {
                // RFC 9875 §3.
                for group in tags::invalidated(headers) {
                    let scope = Scope::of_label(Label::new(group, &key));
                    let purged = cache.purge(&scope, how);
                    debug!(?scope, purged, "invalidated");
                }
            }
            if stored && cache.invalidates_key(&key) {
                purge(cache, key, how);
            }
        }
    }
}

/// What is invalid already.
fn purge(cache: &Cache, key: Key, how: Purge) {
    let plain = key.clone();
    let purged = cache.purge_invalid(key, how);
    debug!(key = %plain, ?how, purged, "invalidated");
}

impl Submission {
    #[inline]
    pub(crate) const fn new(cache: Again<Arc<Cache>>, request: UnsafeRequest) -> Self {
        Self {
            cache,
            request,
            is_sent: false,
        }
    }

    pub(crate) const fn cache(&self) -> &Again<Arc<Cache>> {
        &self.cache
    }

    /// Why it passes.
    pub(crate) const fn reason(&self) -> Pass {
        self.request.reason()
    }

    #[inline]
    pub(crate) const fn sent(&mut self) {
        self.is_sent = true;
    }

    #[inline]
    pub(crate) fn answered(&mut self, response: &response::Parts, noted: Noted) {
        self.is_sent = false;
        self.request.answered(response, noted, &self.cache);
    }
}

/// Its client has left, or there was no answer: the inner service may have had it.
impl Drop for Submission {
    #[inline]
    fn drop(&mut self) {
        if self.is_sent {
            self.request.unanswered(&self.cache);
        }
    }
}

//! A request as the inner service gets it.

use std::{sync::Arc, time::Instant};

use http::{HeaderMap, HeaderValue, Method, Request, header::COOKIE};
use tower_service::Service;

use super::{Forward, Pending};
use crate::{
    client::Asker,
    fetch::{Miss, Sending},
    policy::validation,
    store::Generation,
};

impl<S, ReqB> Forward<S, ReqB> {
    /// The request as the inner service gets it, what to know when the answer
    /// comes, and whom to give it to.
    pub(super) fn set_out(
        self,
        generation: Generation,
        now: Instant,
        background: bool,
    ) -> (Sending<S, Request<ReqB>>, Miss, Asker)
    where
        S: Service<Request<ReqB>>,
    {
        let mut sent = self.pending.asked;
        let Self {
            pending,
            why,
            stored,
            flight,
            turn,
        } = self;
        let may_validate = !pending.expects_variant();
        let Pending {
            inner,
            cache,
            mut request,
            headers,
            keys,
            ..
        } = pending;
        join_cookies(request.headers_mut());
        if background {
            *request.method_mut() = Method::GET;
            sent.head = false;
        }
        let missing = stored
            .as_ref()
            .filter(|_| may_validate && !(sent.head || sent.keeps_nothing()))
            .and_then(|entry| entry.missing(sent, &headers))
            // What cannot be kept until it is all there is better passed on.
            .filter(|missing| missing.len() <= cache.config.max_entry_bytes);
        let completing = match (&stored, missing) {
            (Some(entry), Some(missing)) => entry.ask_for(missing, request.headers_mut()),
            _ => false,
        };
        let stored = stored.filter(|entry| completing || entry.is_whole());
        let mut validating = false;
        if let Some(entry) = &stored
            && !completing
            && may_validate
            && !(sent.head || sent.keeps_nothing())
        {
            validating = validation::ask(request.headers_mut(), [&entry.head.headers()]);
        }
        if background && !validating {
            validation::remove_preconditions(request.headers_mut());
        }
        if background || validating || completing {
            sent.conditional = false;
            sent.range = completing;
        }
        let asker = Asker {
            cache: Arc::clone(&cache),
            key: keys.exact().clone(),
            asked: pending.asked,
            headers: Arc::clone(&headers),
            why,
            validating: validating || completing,
        };
        let miss = Miss {
            cache,
            variant: request.extensions().get().cloned(),
            keys,
            flight,
            asked: sent,
            headers,
            stored,
            validating,
            completing,
            turn,
            background,
            route: pending.route,
            generation,
        };
        let clocks = miss.cache.config.clocks.clone();
        (Sending::new(inner, request, now, clocks), miss, asker)
    }
}

/// RFC 9113 §8.2.3: cookies that came in several lines "MUST be concatenated into a single
/// octet string" where they are passed on. They are compared like that, so the application
/// is to see them like that, too, and not the first line alone.
fn join_cookies(request: &mut HeaderMap) {
    let lines = request.get_all(COOKIE);
    if lines.iter().nth(1).is_none() {
        return;
    }
    let lines: Vec<_> = lines.iter().map(HeaderValue::as_bytes).collect();
    let joint = lines.iter().map(|line| line.trim_ascii());
    let joint = joint.collect::<Vec<_>>().join(&b"; "[..]);
    let mut joint = HeaderValue::from_bytes(&joint).expect("they were values before");
    joint.set_sensitive(true);
    request.insert(COOKIE, joint);
}

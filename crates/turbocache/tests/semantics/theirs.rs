use std::time::Duration;

use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};

use crate::{Verdict, case::Case};

/// What a shared cache with `http-cache-semantics` does.
pub(crate) fn verdict(case: &Case) -> Verdict {
    let policy = CachePolicy::new_options(
        &case.first.request::<()>(),
        &case.response::<()>(),
        Case::start(),
        CacheOptions::default(),
    );
    let now = Case::start() + Duration::from_secs(case.wait);
    let fresh = policy.is_storable()
        && matches!(
            policy.before_request(&case.second.request::<()>(), now),
            BeforeRequest::Fresh(_)
        );
    Verdict {
        reused: fresh.then(|| policy.age(now).as_secs()),
    }
}

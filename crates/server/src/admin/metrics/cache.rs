use super::{
    number,
    text::{Kind, Text},
};
use crate::admin::status::{ApplicationStatus, CacheStatus};

/// What the caches have done, and what they hold.
pub(super) fn write(text: &mut Text, applications: &[ApplicationStatus]) {
    type Counted = fn(&CacheStatus) -> u64;
    let caches = || {
        let caches = applications.iter();
        caches.filter_map(|it| Some((&*it.name, it.cache.as_ref()?)))
    };
    let families: [(&str, Kind, &str, Counted); 11] = [
        (
            "stored_total",
            Kind::Counter,
            "Responses that were stored.",
            |it| it.stored,
        ),
        (
            "not_stored_total",
            Kind::Counter,
            "Responses to misses that were not stored.",
            |it| it.not_stored,
        ),
        (
            "stale_hits_total",
            Kind::Counter,
            "Hits that were no longer fresh.",
            |it| it.stale_hits,
        ),
        (
            "stale_if_error_total",
            Kind::Counter,
            "Pages that were given no longer fresh, since the application failed.",
            |it| it.stale_if_error,
        ),
        (
            "validated_total",
            Kind::Counter,
            "Stored responses that turned out to hold still.",
            |it| it.validated,
        ),
        (
            "background_requests_total",
            Kind::Counter,
            "Requests to the application for a page that was given meanwhile.",
            |it| it.background,
        ),
        (
            "purged_total",
            Kind::Counter,
            "Stored responses that were purged or made invalid.",
            |it| it.purged,
        ),
        (
            "evicted_total",
            Kind::Counter,
            "Stored responses that had to make room.",
            |it| it.evicted,
        ),
        ("entries", Kind::Gauge, "Responses that are stored.", |it| {
            it.entries
        }),
        (
            "bytes",
            Kind::Gauge,
            "What the stored responses weigh.",
            |it| it.bytes,
        ),
        (
            "capacity_bytes",
            Kind::Gauge,
            "What the stored responses may weigh.",
            |it| it.capacity_bytes,
        ),
    ];
    for (name, kind, help, counted) in families {
        text.family(&format!("peregrine_cache_{name}"), kind, help);
        for (application, cache) in caches() {
            text.sample(&[("application", application)], number(counted(cache)));
        }
    }
}

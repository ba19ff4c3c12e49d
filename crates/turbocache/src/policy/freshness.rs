//! Freshness and age: RFC 9111 §4.2.

use std::time::{Duration, Instant, SystemTime};

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{AGE, DATE, EXPIRES, LAST_MODIFIED},
};

use super::directives::{Directives, Seconds, delta_seconds};
use crate::clock::Now;

/// How old a stored response was when it came, and how old it may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    received: Instant,
    initial_age: Duration,
    lifetime: Duration,
}

const NANOS_PER_SEC: u32 = 1_000_000_000;

impl Freshness {
    /// A response that came at `received`, at the age of `initial_age`, and
    /// that is fresh until its age reaches `lifetime`.
    pub(crate) const fn new(received: Instant, initial_age: Duration, lifetime: Duration) -> Self {
        Self {
            received,
            initial_age,
            lifetime,
        }
    }

    /// When the origin made it, as far as that is known. `None` if that is before the clock
    /// begins.
    pub(crate) fn generated(&self) -> Option<Instant> {
        self.received.checked_sub(self.initial_age)
    }

    /// RFC 9111 §4.2.3: `resident_time = now - response_time;
    /// current_age = corrected_initial_age + resident_time`.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        let resident_time = now.saturating_duration_since(self.received);
        self.initial_age.saturating_add(resident_time)
    }

    /// What is left of it, or `None` if the response is stale.
    pub(crate) fn ttl(&self, now: Instant) -> Option<Duration> {
        self.at(now).ttl()
    }

    #[cfg(test)]
    pub(crate) const fn received(&self) -> Instant {
        self.received
    }

    /// It was stale when it came.
    pub(crate) fn is_stale_on_arrival(&self) -> bool {
        self.ttl(self.received).is_none()
    }

    /// For how long it has been stale. Zero if it is fresh.
    pub(crate) fn staleness(&self, now: Instant) -> Duration {
        self.at(now).staleness()
    }

    /// Until when both its age and what is left of its lifetime are told in the same
    /// seconds as `now`, if it is fresh. It is fresh until then.
    pub(crate) fn same_seconds_until(&self, now: Instant) -> Instant {
        let aged = self.at(now);
        let left_of_second = NANOS_PER_SEC - aged.age.subsec_nanos();
        let over_second = aged.ttl().map_or(0, |ttl| ttl.subsec_nanos());
        now + Duration::from_nanos(left_of_second.min(over_second).into())
    }

    /// How it is at one moment: to compare two moments takes some time, and each
    /// hit asks for more than one thing.
    pub(crate) fn at(&self, now: Instant) -> Aged {
        Aged {
            age: self.age(now),
            lifetime: self.lifetime,
        }
    }
}

/// How old a stored response is, and how old it may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aged {
    pub(crate) age: Duration,
    lifetime: Duration,
}

impl Aged {
    /// RFC 9111 §4.2: `response_is_fresh = (freshness_lifetime > current_age)`.
    /// What is left of it, or `None` if the response is stale.
    pub(crate) fn ttl(self) -> Option<Duration> {
        let left = self.lifetime.checked_sub(self.age);
        left.filter(|left| !left.is_zero())
    }

    /// For how long it has been stale. Zero if it is fresh.
    pub(crate) const fn staleness(self) -> Duration {
        self.age.saturating_sub(self.lifetime)
    }
}

/// What a response says about its own freshness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// It says for how long.
    Explicit(Duration),
    /// It says nothing.
    Unknown,
    /// It says something that cannot be understood.
    Invalid,
}

/// RFC 9111 §4.2.1: a shared cache uses `s-maxage` if present, else `max-age`,
/// else `Expires` minus `Date`. The first of them that is present decides, even
/// if it is invalid: an origin that wrote it did not want the next one to count.
pub(crate) fn lifetime(
    directives: &Directives,
    headers: &HeaderMap,
    received: SystemTime,
) -> Lifetime {
    for seconds in [directives.s_maxage, directives.max_age] {
        match seconds {
            Seconds::Given(lifetime) => return Lifetime::Explicit(lifetime),
            Seconds::Invalid => return Lifetime::Invalid,
            Seconds::Absent => {}
        }
    }
    // RFC 9213 §2.2: beside a targeted field, `Expires` does not count.
    if directives.targeted || !headers.contains_key(EXPIRES) {
        return Lifetime::Unknown;
    }
    // RFC 9111 §5.3: "A cache recipient MUST interpret invalid date formats,
    // especially the value "0", as representing a time in the past (i.e.,
    // "already expired")".
    let date = date(headers).unwrap_or(received);
    let lifetime = the_one_date(headers, EXPIRES)
        .and_then(|expires| expires.duration_since(date).ok())
        .unwrap_or(Duration::ZERO);
    Lifetime::Explicit(lifetime)
}

/// For how long a response is fresh that does not say so: RFC 9111 §4.2.2,
/// "some fraction of the interval since that time. A typical setting of this
/// fraction might be 10%". `None` if it does not say when it was last modified.
pub(crate) fn heuristic_lifetime(headers: &HeaderMap, received: SystemTime) -> Option<Duration> {
    let last_modified = the_one_date(headers, LAST_MODIFIED)?;
    let unchanged_for = date(headers)
        .unwrap_or(received)
        .duration_since(last_modified)
        .ok()?;
    Some((unchanged_for / 10).min(LONGEST_GUESS))
}

/// A page that has not changed for years may well do so tomorrow. RFC 9111
/// §4.2.2 leaves it to the cache; this is what RFC 7234 §5.5.4 warned about.
const LONGEST_GUESS: Duration = Duration::from_secs(24 * 60 * 60);

/// The statuses that "are defined as heuristically cacheable" (RFC 9110 §15.1),
/// and 308 (§15.4.9).
const GUESSABLE: [StatusCode; 12] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::PARTIAL_CONTENT,
    StatusCode::MULTIPLE_CHOICES,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::GONE,
    StatusCode::URI_TOO_LONG,
    StatusCode::NOT_IMPLEMENTED,
];

/// Whether a lifetime may be guessed. RFC 9111 §4.2.2: only for those statuses,
/// and for what is "marked as explicitly cacheable (e.g., with a public response
/// directive)".
pub(crate) fn is_heuristically_cacheable(status: StatusCode, directives: &Directives) -> bool {
    directives.public || GUESSABLE.contains(&status)
}

/// RFC 9111 §4.2.3, `corrected_initial_age`: how old the response was when it
/// came, as the greater of what its `Date` and what its `Age` make of it.
pub(crate) fn initial_age(headers: &HeaderMap, requested: Instant, received: Now) -> Duration {
    // "apparent_age = max(0, response_time - date_value)". `Date` has whole
    // seconds, and a fraction is not to make a response of this second old.
    let apparent_age = date(headers)
        .and_then(|date| received.wall.duration_since(date).ok())
        .map_or(Duration::ZERO, |age| Duration::from_secs(age.as_secs()));
    // "response_delay = response_time - request_time;
    //  corrected_age_value = age_value + response_delay".
    let response_delay = received.monotonic.saturating_duration_since(requested);
    let corrected_age_value = age_value(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age_value)
}

/// When the origin generated the response, if it says so in a way that can be
/// understood. RFC 9110 §6.6.1: otherwise a recipient may put the time of
/// receipt in its place.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    the_one_date(headers, DATE)
}

/// RFC 9111 §5.1: of several values the first counts, and one that is no number
/// is ignored.
fn age_value(headers: &HeaderMap) -> Duration {
    headers
        .get(AGE)
        .and_then(|line| line.as_bytes().split(|byte| *byte == b',').next())
        .and_then(|first| delta_seconds(first.trim_ascii()))
        .unwrap_or_default()
}

/// The date in a field that may occur only once. Several lines are valid only if
/// they agree.
pub(super) fn the_one_date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    if lines.any(|other| other != first) {
        return None;
    }
    http_date(first.to_str().ok()?)
}

/// `httpdate` knows all three forms of RFC 9110 §5.6.7, in the case in which they
/// should be. RFC 9111 §4.2: "a cache recipient SHOULD match the field value
/// case-insensitively".
fn http_date(date: &str) -> Option<SystemTime> {
    let read = |date: &str| httpdate::parse_http_date(date).ok();
    read(date).or_else(|| {
        let date = in_the_right_case(date);
        read(&date).or_else(|| on_any_day(&date).find_map(|date| read(&date)))
    })
}

/// The same date on each day of the week. `httpdate` wants the right one; but by
/// the grammar any does, and it tells nothing that the rest does not.
fn on_any_day(date: &str) -> impl Iterator<Item = String> {
    const DAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    let end = date.find(|next: char| !next.is_ascii_alphabetic());
    let (day, rest) = date.split_at(end.unwrap_or(date.len()));
    let is_day = DAYS.iter().any(|known| day == *known || day == &known[..3]);
    // In two of the three forms it has three letters.
    let letters = if day.len() == 3 { 3 } else { usize::MAX };
    DAYS.into_iter()
        .filter(move |_| is_day)
        .map(move |day| format!("{}{rest}", &day[..letters.min(day.len())]))
}

/// Days and months begin with a capital; the time zone is nothing but capitals.
fn in_the_right_case(date: &str) -> String {
    let mut last = ' ';
    let mut text: String = date
        .chars()
        .map(|next| {
            let begins = !last.is_ascii_alphabetic();
            last = next;
            if begins {
                next.to_ascii_uppercase()
            } else {
                next.to_ascii_lowercase()
            }
        })
        .collect();
    if text.ends_with("Gmt") {
        text.truncate(text.len() - 3);
        text.push_str("GMT");
    }
    text
}

#[cfg(test)]
mod tests;

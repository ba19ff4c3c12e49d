//! The parsers, each as a function of arbitrary bytes that panics if it breaks a
//! promise.
//!
//! Only for `fuzz/`, and only with the feature `fuzzing`: a fuzzer is a program of
//! its own, and the parsers are nobody's business outside of this crate. The tests
//! of this module drive the same functions over the same corpus on stable, for a
//! bounded time. Nothing here is part of what the crate promises.
//!
//! ```
//! turbocache::fuzzing::cache_control(b"max-age=60, private=\"");
//! ```

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, StatusCode,
    header::{
        AGE, CACHE_CONTROL, CDN_CACHE_CONTROL, CONTENT_RANGE, DATE, ETAG, EXPIRES, HOST,
        IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, VARY,
    },
};
use http_body_util::Empty;

use crate::{
    clock::Now,
    key::{Key, query::QueryRules, search_variance::SearchVariance},
    policy::{
        Policy,
        directives::{Directives, Extent, Seconds, Wishes},
        freshness, targeted, validation,
        vary::Vary,
    },
    range::{
        field::ContentRange,
        verdict::{Verdict, verdict},
    },
    tags,
};

/// A parser, as a function of bytes.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const TARGETS: [(&str, Target); 10] = [
    ("cache_control", cache_control),
    ("targeted", targeted_field),
    ("vary", vary),
    ("range", byte_range),
    ("content_range", content_range),
    ("etags", etags),
    ("search_variance", search_variance),
    ("authority", authority),
    ("tags", cache_tags),
    ("dates", dates),
];

/// Each line of `data` that can be a field value is a line of the field `name`.
fn lines(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    headers
}

/// The first line of `data`, and the rest.
fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n');
    end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 1..]))
}

/// RFC 9111 §5.2: what has been forbidden stays forbidden, whatever else is said.
pub fn cache_control(data: &[u8]) {
    let mut headers = lines(&CACHE_CONTROL, data);
    let before = Directives::parse(headers.get_all(CACHE_CONTROL));
    let _ = Wishes::parse(headers.get_all(CACHE_CONTROL));
    for seconds in [before.max_age, before.s_maxage] {
        if let Seconds::Given(seconds) = seconds {
            assert!(seconds <= Duration::from_secs(1 << 31));
        }
    }

    let more = HeaderValue::from_static("no-store, private, max-age=60");
    headers.append(CACHE_CONTROL, more);
    let after = Directives::parse(headers.get_all(CACHE_CONTROL));
    assert!(after.no_store && after.private == Extent::Everything);
    assert!(after.malformed || !before.malformed);
    assert!(after.must_revalidate || !before.must_revalidate);
    assert!(after.proxy_revalidate || !before.proxy_revalidate);
    assert_eq!(after.no_cache, before.no_cache);
    if before.max_age != Seconds::Absent && before.max_age != after.max_age {
        assert_eq!(after.max_age, Seconds::Invalid);
    }
}

/// RFC 9213 §2.2: what cannot be read is as good as not there.
pub fn targeted_field(data: &[u8]) {
    let mut headers = lines(&CDN_CACHE_CONTROL, data);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let directives = targeted::directives(&headers, &[CDN_CACHE_CONTROL]);
    assert!(directives.targeted || directives.no_store);
}

/// RFC 9111 §4.1: a request selects the response that was chosen for it. The first
/// line is what the response says, in `Vary` or in `Cookie-Indices`, the others what
/// the request does.
pub fn vary(data: &[u8]) {
    let (said, asked) = split(data);
    selects_itself(&lines(&VARY, said), asked);
    let mut by_cookies = lines(&HeaderName::from_static("cookie-indices"), said);
    by_cookies.insert(VARY, HeaderValue::from_static("cookie"));
    selects_itself(&by_cookies, asked);
}

fn selects_itself(response: &HeaderMap, asked: &[u8]) {
    let Ok(vary) = Vary::of(response) else {
        return;
    };
    let vary = vary.by_cookies_of(response);
    let mut request = HeaderMap::new();
    for name in ["accept-encoding", "accept-language", "cookie", "x-a"] {
        request.extend(lines(&HeaderName::from_static(name), asked));
    }
    let selection = vary.selection(&request, response);
    assert!(selection.matches(&request), "it matches itself");
    assert_eq!(vary.selecting_key(&request), vary.selecting_key(&request));
}

/// RFC 9110 §14.2: whatever is asked for lies within the representation. The first
/// line is `Range`, the second `If-Range`, the third the stored `ETag`.
pub fn byte_range(data: &[u8]) {
    let (asked, rest) = split(data);
    let (condition, etag) = split(rest);
    let mut request = lines(&RANGE, asked);
    request.extend(lines(&IF_RANGE, condition));
    let stored = lines(&ETAG, etag);
    for length in [0, 1, 10, u64::MAX] {
        let spans = match verdict(&request, &stored, length, 16) {
            Verdict::Single(span) => vec![span],
            Verdict::Multipart(spans) => spans,
            Verdict::Whole | Verdict::NotSatisfiable => Vec::new(),
        };
        assert!(spans.len() <= 16);
        for span in spans {
            assert!(span.start() < span.end() && span.end() <= length);
        }
    }
}

/// RFC 9110 §14.4: what is read is written as it is meant.
pub fn content_range(data: &[u8]) {
    let Some(range) = ContentRange::of(&lines(&CONTENT_RANGE, data)) else {
        return;
    };
    assert!(range.span.start() < range.span.end() && range.span.end() <= range.length);
    let written = lines(&CONTENT_RANGE, range.to_string().as_bytes());
    assert_eq!(ContentRange::of(&written), Some(range));
}

/// RFC 9110 §8.8.3, §13.1.2: a client that has nothing of ours is never told that
/// it has. The first line is the stored `ETag`, the others `If-None-Match`.
pub fn etags(data: &[u8]) {
    let (etag, asked) = split(data);
    let stored = lines(&ETAG, etag);
    let request = lines(&IF_NONE_MATCH, asked);
    let now = SystemTime::UNIX_EPOCH;
    let verdict = validation::evaluate(&request, StatusCode::OK, &stored, now);
    if verdict == validation::Verdict::NotModified {
        let said = |byte| asked.contains(&byte);
        assert!(said(b'*') || (said(b'"') && etag.contains(&b'"')));
    }
    let mut sent = HeaderMap::new();
    validation::ask(&mut sent, [&stored]);
}

/// `No-Vary-Search`: a simple target stays as it is. The first line is the target,
/// the others the field.
pub fn search_variance(data: &[u8]) {
    let (target, field) = split(data);
    let headers = lines(&HeaderName::from_static("no-vary-search"), field);
    let (Some(variance), Some(key)) = (SearchVariance::of(&headers), key(target, b"a.example"))
    else {
        return;
    };
    let simple = key.under(&variance);
    assert_eq!(simple, key.under(&variance));
    assert_eq!(simple.path(), key.path(), "the path always counts");
}

/// Whom a request is for: RFC 9110 §4.2.3. The first line is the target, the second
/// `Host`.
pub fn authority(data: &[u8]) {
    let (target, host) = split(data);
    let Some(key) = key(target, host) else {
        return;
    };
    let upper = self::key(target, &host.to_ascii_uppercase());
    assert_eq!(upper, Some(key), "a host has no case");
}

/// The key of a plain request, if it has one.
fn key(target: &[u8], host: &[u8]) -> Option<Key> {
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = target.try_into().ok()?;
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_bytes(host).ok()?);
    let policy = Policy::standard();
    let lookup = policy.look_up(&request).ok()?;
    Key::of(&request, &lookup, &QueryRules::default()).ok()
}

/// The names of a response: each once, and not too many.
pub fn cache_tags(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for name in ["cache-groups", "surrogate-key", "cache-tag"] {
        headers.extend(lines(&HeaderName::from_static(name), data));
    }
    headers.extend(lines(
        &HeaderName::from_static("cache-group-invalidation"),
        data,
    ));
    if let Ok(tags) = tags::of(&headers) {
        for (number, tag) in tags.iter().enumerate() {
            assert!(!tags[..number].contains(tag));
        }
    }
    drop(tags::invalidated(&headers));
    tags::strip(&mut headers);
    assert!(!headers.contains_key("surrogate-key"));
}

/// RFC 9111 §4.2: no date, and no age, is too strange. The lines are `Date`, `Age`,
/// `Expires` and `Last-Modified`.
pub fn dates(data: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = data;
    for name in [DATE, AGE, EXPIRES, LAST_MODIFIED] {
        let (line, after) = split(rest);
        headers.extend(lines(&name, line));
        rest = after;
    }
    let now = Now {
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777),
        monotonic: Instant::now(),
    };
    let age = freshness::initial_age(&headers, now.monotonic, now);
    // The later it is, the older it is.
    let later = Now {
        wall: now.wall + Duration::from_secs(60),
        monotonic: now.monotonic + Duration::from_secs(60),
    };
    assert!(freshness::initial_age(&headers, now.monotonic, later) >= age);
    freshness::lifetime(&Directives::default(), &headers, now.wall);
    freshness::heuristic_lifetime(&headers, now.wall);
}

#[cfg(test)]
mod tests;

use std::time::{Instant, SystemTime};

use http::{HeaderName, HeaderValue};
use http_body::SizeHint;
use proptest::prelude::*;

use super::*;
use crate::{
    clock::Now,
    policy::{request::Asked, storable::Exchange, targeted},
};

fn head(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let field = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    fields.iter().map(field).collect()
}

#[test]
fn what_is_obviously_not_to_be_stored() {
    const MODIFIED: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    const COOKIE: (&str, &str) = ("set-cookie", "id=1");
    // In conservative and in standard mode.
    let cases: &[(&str, &[(&str, &str)], [bool; 2])] = &[
        ("it says nothing", &[("etag", "\"1\"")], [true, true]),
        ("§4.2.2: when it was modified", &[MODIFIED], [true, false]),
        (
            "§5.2.2.5: no-store, in any case",
            &[("cache-control", "No-Store, max-age=60")],
            [true, true],
        ),
        (
            "§5.2.2.7: private",
            &[("cache-control", "max-age=0, private, must-revalidate")],
            [true, true],
        ),
        (
            "§5.2.2.7: private in part",
            &[("cache-control", "max-age=60, private=\"set-cookie\"")],
            [false, false],
        ),
        (
            "§5.2.2.3: must-understand",
            &[("cache-control", "no-store, must-understand, max-age=60")],
            [false, false],
        ),
        (
            "§7.3: a cookie",
            &[("cache-control", "max-age=60"), COOKIE],
            [true, true],
        ),
        (
            "§5.2.2.4: a cookie that is not kept",
            &[("cache-control", "max-age=60, no-cache=set-cookie"), COOKIE],
            [false, false],
        ),
        (
            "RFC 9213 §2.2: targeted",
            &[
                ("cache-control", "no-store"),
                ("cdn-cache-control", "max-age=60"),
            ],
            [false, false],
        ),
        (
            "fresh for a minute",
            &[("cache-control", "max-age=60")],
            [false, false],
        ),
        ("stale since long", &[("expires", "0")], [false, false]),
    ];
    for (name, fields, expected) in cases {
        let head = head(fields);
        let told = [Policy::conservative(), Policy::standard()]
            .map(|policy| policy.obviously_refuses(&head));
        assert_eq!(told, *expected, "{name}");
    }
}

#[test]
fn a_line_that_is_known_is_what_is_read_of_it() {
    for line in NO_STORE.into_iter().chain(PRIVATE) {
        let (mut known, mut read) = (Says::default(), Says::default());
        known.control(line);
        read.lifetime = true;
        read.read(line);
        assert_eq!(known, read, "{}", line.escape_ascii());
    }
}

const FIELDS: [(&str, &str); 20] = [
    ("cache-control", "no-store"),
    ("cache-control", "private"),
    ("cache-control", "private=\"set-cookie\""),
    ("cache-control", "private="),
    ("cache-control", "no-cache=\"set-cookie, x\""),
    ("cache-control", "no-cache=set-cookie"),
    ("cache-control", "must-understand"),
    ("cache-control", "public"),
    ("cache-control", "max-age=60"),
    ("cache-control", "s-maxage=60, \"no-store"),
    ("cache-control", "no-cache"),
    ("cache-control", "\"private\""),
    ("cdn-cache-control", "max-age=60"),
    ("cdn-cache-control", "no-store"),
    ("cdn-cache-control", "!"),
    ("set-cookie", "id=1"),
    ("expires", "Tue, 31 Dec 2999 23:59:59 GMT"),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("etag", "\"1\""),
    ("pragma", "no-cache"),
];

proptest! {
    /// Or a route that has something to store would be left alone for longer.
    #[test]
    fn what_is_refused_obviously_is_refused(
        fields in prop::sample::subsequence(FIELDS.to_vec(), 0..6).prop_shuffle(),
        status in prop::sample::select(vec![200, 203, 301, 302, 404, 500]),
        standard in any::<bool>(),
        cookie in any::<bool>(),
    ) {
        let policy = if standard { Policy::standard() } else { Policy::conservative() };
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = http::StatusCode::from_u16(status).unwrap();
        parts.headers = head(&fields);
        let monotonic = Instant::now();
        let storable = policy.storable(&Exchange {
            asked: Asked { cookie, ..Asked::default() },
            response: &parts,
            body: SizeHint::with_exact(3),
            requested: monotonic,
            received: Now { wall: SystemTime::now(), monotonic },
            max_body: 1000,
            if_range: false,
        });
        if policy.obviously_refuses(&parts.headers) {
            prop_assert!(storable.is_err());
        }
    }

    /// So that its reason can be said without reading the rest.
    #[test]
    fn the_obvious_reason_is_the_one_that_is_found(
        line in prop::sample::select([NO_STORE, PRIVATE].concat()),
        others in prop::sample::subsequence(FIELDS.to_vec(), 0..3),
        status in prop::sample::select(vec![200, 206, 302, 404, 599]),
        standard in any::<bool>(),
    ) {
        let policy = if standard { Policy::standard() } else { Policy::conservative() };
        let status = http::StatusCode::from_u16(status).unwrap();
        let line = ("cache-control", str::from_utf8(line).unwrap());
        let fields: Vec<_> = std::iter::once(line).chain(others).collect();
        let headers = head(&fields);
        if let Some(reason) = policy.obvious_reason(&headers) {
            let directives = targeted::directives(&headers, &policy.target_list);
            prop_assert_eq!(policy.permitted(&directives, status, &headers), Err(reason));
        }
    }
}

#[test]
fn a_line_that_is_known_has_a_reason_if_nothing_else_is_said() {
    let cases: [(&str, &[(&str, &str)], Option<NotStored>); 7] = [
        (
            "no-store",
            &[("cache-control", "no-store"), ("etag", "\"1\"")],
            Some(NotStored::NoStore),
        ),
        (
            "private",
            &[("cache-control", "max-age=0, private, must-revalidate")],
            Some(NotStored::Private),
        ),
        ("nothing", &[("etag", "\"1\"")], None),
        ("an unknown line", &[("cache-control", "NO-STORE")], None),
        (
            "another line",
            &[("cache-control", "private"), ("cache-control", "no-store")],
            None,
        ),
        (
            "RFC 9213 §2.2: for other caches",
            &[
                ("cache-control", "no-store"),
                ("cdn-cache-control", "max-age=1"),
            ],
            None,
        ),
        (
            "a field that is not about it",
            &[("x-powered-by", "a"), ("cache-control", "private")],
            Some(NotStored::Private),
        ),
    ];
    for (name, fields, expected) in cases {
        let reason = Policy::conservative().obvious_reason(&head(fields));
        assert_eq!(reason, expected, "{name}");
    }
}

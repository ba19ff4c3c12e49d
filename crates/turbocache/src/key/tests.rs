#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use bytes::Bytes;
use http::{
    HeaderMap,
    uri::{Authority as UriAuthority, Scheme},
};
use http_body_util::Empty;
use peregrine_core::{TargetOrigin, Variant};
use proptest::prelude::*;

use super::*;
use crate::policy::Policy;

/// What a request is for, in the ways that it can say so.
#[derive(Clone, Copy, Default)]
struct Asked {
    uri: &'static str,
    host: Option<&'static str>,
    fields: &'static [(&'static str, &'static str)],
    /// What a trusted proxy says.
    origin: Option<(&'static str, &'static str)>,
    /// The target before a prefix was taken off.
    original: Option<&'static str>,
}

const fn get(uri: &'static str, host: &'static str) -> Asked {
    Asked {
        uri,
        host: Some(host),
        fields: &[],
        origin: None,
        original: None,
    }
}

fn key(asked: Asked) -> Result<Key, Pass> {
    let mut request = Request::get(asked.uri);
    if let Some(host) = asked.host {
        request = request.header("host", host);
    }
    for (name, value) in asked.fields {
        request = request.header(*name, *value);
    }
    if let Some((scheme, authority)) = asked.origin {
        request = request.extension(TargetOrigin {
            scheme: scheme.parse::<Scheme>().unwrap(),
            authority: authority.parse::<UriAuthority>().unwrap(),
        });
    }
    if let Some(original) = asked.original {
        request = request.extension(axum::extract::OriginalUri(original.parse().unwrap()));
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    Key::of(
        &request,
        &Policy::conservative().look_up(&request).unwrap(),
        &QueryRules::All,
    )
}

#[test]
fn requests_for_one_thing_share_a_key() {
    let with = |origin, host| Asked {
        origin: Some(origin),
        ..get("/p?q", host)
    };
    let cases = [
        (
            "RFC 9110 §4.2.3: the case of the host",
            get("/p", "Example.COM"),
            get("/p", "example.com"),
        ),
        (
            "RFC 9110 §4.2.3: the scheme's own port",
            get("/p", "example.com:80"),
            get("/p", "example.com"),
        ),
        (
            "RFC 9110 §4.2.3: an empty port",
            get("/p", "example.com:"),
            get("/p", "example.com"),
        ),
        ("an address", get("/p", "[::A]:80"), get("/p", "[::a]")),
        (
            "RFC 9112 §3.2.2: absolute form",
            get("http://example.com/p?q", "example.com"),
            get("/p?q", "example.com"),
        ),
        (
            "RFC 9113 §8.3.1: the authority of HTTP/2, which need not have a Host",
            Asked {
                host: None,
                ..get("http://example.com/p", "")
            },
            get("/p", "example.com"),
        ),
        (
            "the port of https, told by a trusted proxy",
            with(("https", "example.com:443"), "example.com"),
            with(("https", "example.com"), "example.com"),
        ),
        (
            "a prefix that was not taken off",
            Asked {
                original: Some("/p"),
                ..get("/p", "a")
            },
            get("/p", "a"),
        ),
        (
            "the client's own address is not part of what it asks for",
            Asked {
                fields: &[("x-forwarded-for", "1.2.3.4")],
                ..get("/p", "a")
            },
            get("/p", "a"),
        ),
    ];
    for (name, one, other) in cases {
        assert_eq!(key(one).unwrap(), key(other).unwrap(), "{name}");
    }
}

#[test]
fn requests_for_different_things_do_not() {
    let cases = [
        ("hosts", get("/p", "a"), get("/p", "b")),
        ("ports", get("/p", "a:8080"), get("/p", "a")),
        (
            "the port of another scheme",
            get("/p", "a:443"),
            get("/p", "a"),
        ),
        ("paths", get("/p", "a"), get("/q", "a")),
        ("the case of a path", get("/p", "a"), get("/P", "a")),
        (
            "the encoding of a path",
            get("/p%2fq", "a"),
            get("/p/q", "a"),
        ),
        ("a slash at the end", get("/p", "a"), get("/p/", "a")),
        ("queries", get("/p?a", "a"), get("/p?b", "a")),
        ("an empty query", get("/p?", "a"), get("/p", "a")),
        ("a query in the path", get("/p%3fq", "a"), get("/p?q", "a")),
        ("schemes", get("http://a/p", "a"), get("https://a/p", "a")),
        (
            "where the host ends and the path begins",
            get("/b/p", "a"),
            get("/p", "ab"),
        ),
        (
            "tenants whose prefix a router has taken off",
            Asked {
                original: Some("/one/p"),
                ..get("/p", "a")
            },
            Asked {
                original: Some("/two/p"),
                ..get("/p", "a")
            },
        ),
        (
            "rewritten targets",
            Asked {
                original: Some("/p"),
                ..get("/one", "a")
            },
            Asked {
                original: Some("/p"),
                ..get("/two", "a")
            },
        ),
        (
            "what a proxy says of the host",
            Asked {
                fields: &[("x-forwarded-host", "evil")],
                ..get("/p", "a")
            },
            get("/p", "a"),
        ),
        (
            "what a proxy says of the scheme",
            Asked {
                fields: &[("x-forwarded-proto", "https")],
                ..get("/p", "a")
            },
            Asked {
                fields: &[("x-forwarded-proto", "http")],
                ..get("/p", "a")
            },
        ),
        (
            "what else is read as the host",
            Asked {
                fields: &[("x-host", "evil")],
                ..get("/p", "a")
            },
            get("/p", "a"),
        ),
        (
            "which of the fields says it",
            Asked {
                fields: &[("x-forwarded-host", "b")],
                ..get("/p", "a")
            },
            Asked {
                fields: &[("x-forwarded-server", "b")],
                ..get("/p", "a")
            },
        ),
        (
            "what fields a trusted proxy has let through",
            Asked {
                origin: Some(("https", "a")),
                fields: &[("x-forwarded-prefix", "/evil")],
                ..get("/p", "a")
            },
            Asked {
                origin: Some(("https", "a")),
                ..get("/p", "a")
            },
        ),
        (
            "what is told by a trusted proxy, and what by a client",
            Asked {
                origin: Some(("https", "a")),
                ..get("/p", "a")
            },
            get("https://a/p", "a"),
        ),
        (
            "the Host behind a trusted proxy",
            Asked {
                origin: Some(("https", "a")),
                ..get("/p", "inner-1")
            },
            Asked {
                origin: Some(("https", "a")),
                ..get("/p", "inner-2")
            },
        ),
    ];
    for (name, one, other) in cases {
        assert_ne!(key(one).unwrap(), key(other).unwrap(), "{name}");
    }
}

#[test]
fn a_key_can_be_read_in_a_log() {
    let asked = Asked {
        fields: &[("x-forwarded-proto", "https")],
        ..get("/p?q", "A:8080")
    };
    let read = key(asked).unwrap().to_string();
    assert_eq!(read, "http a:8080 /p?q fx-forwarded-proto =https");
}

#[test]
fn requests_without_a_plain_host_have_no_key() {
    let cases = [
        (
            "no host at all",
            Asked {
                host: None,
                ..get("/p", "")
            },
            Pass::NoHost,
        ),
        ("an empty one", get("/p", ""), Pass::NoHost),
        ("user information", get("/p", "user@a"), Pass::BadHost),
        ("a path", get("/p", "a/b"), Pass::BadHost),
        ("an encoded byte", get("/p", "%61"), Pass::BadHost),
        ("a list", get("/p", "a, b"), Pass::BadHost),
        ("a port that is no number", get("/p", "a:b"), Pass::BadHost),
        ("two ports", get("/p", "a:80:80"), Pass::BadHost),
        ("a port alone", get("/p", ":80"), Pass::BadHost),
        (
            "an address that is not closed",
            get("/p", "[::1"),
            Pass::BadHost,
        ),
        (
            "something behind an address",
            get("/p", "[::1]a"),
            Pass::BadHost,
        ),
        (
            "another host in the target",
            get("http://a/p", "b"),
            Pass::HostMismatch,
        ),
        (
            "another port in the target",
            get("http://a:81/p", "a"),
            Pass::HostMismatch,
        ),
        (
            "a Host that is none beside a target",
            get("http://a/p", "a b"),
            Pass::HostMismatch,
        ),
    ];
    for (name, asked, reason) in cases {
        assert_eq!(key(asked).unwrap_err(), reason, "{name}");
    }
}

/// Names of all bytes that divide or escape, and of letters of other parts.
fn variant() -> impl Strategy<Value = (String, Vec<u8>)> {
    let byte = proptest::sample::select(vec![0, 1, 2, b'u', b'v', b'n', b'/', b'?']);
    ("/[ab]{0,2}", proptest::collection::vec(byte, 0..6))
}

proptest! {
    #[test]
    fn two_variants_share_a_key_only_if_they_share_a_name(one in variant(), other in variant()) {
        let key = |(path, name): &(String, Vec<u8>)| {
            let request = Request::get(path)
                .header("host", "a")
                .extension(Variant::Known(VariantName::new(name.clone())))
                .body(Empty::<Bytes>::new())
                .unwrap();
            let lookup = Policy::conservative().look_up(&request).unwrap();
            Key::of(&request, &lookup, &QueryRules::All).unwrap()
        };
        let same = one == other;
        prop_assert_eq!(key(&one) == key(&other), same);
        let mut any_order = HeaderMap::new();
        any_order.insert("no-vary-search", "key-order".parse().unwrap());
        let variance = SearchVariance::of(&any_order).unwrap();
        prop_assert_eq!(key(&one).under(&variance) == key(&other).under(&variance), same);
        prop_assert!(key(&one).has_variant());
        let plain = key(&(one.0.clone(), Vec::new())).plain().unwrap();
        prop_assert!(!plain.has_variant());
        prop_assert_eq!(plain.of_variant(&VariantName::new(one.1.clone())), key(&one));
    }
}

#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Empty, Full};

use super::*;

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Get {
        no_store: bool,
        conditional: bool,
        forwarded: bool,
    },
    Head,
    Pass(Pass),
}

const PLAIN: Answer = Answer::Get {
    no_store: false,
    conditional: false,
    forwarded: false,
};
const NO_STORE: Answer = Answer::Get {
    no_store: true,
    conditional: false,
    forwarded: false,
};
const CONDITIONAL: Answer = Answer::Get {
    no_store: false,
    conditional: true,
    forwarded: false,
};
const FORWARDED: Answer = Answer::Get {
    no_store: false,
    conditional: false,
    forwarded: true,
};

fn ask(method: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri("/")
        .header("host", "a");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    match Policy::conservative().look_up(&request) {
        Ok(lookup) if lookup.asked.head => Answer::Head,
        Ok(lookup) => Answer::Get {
            no_store: lookup.asked.wishes.no_store,
            conditional: lookup.asked.conditional,
            forwarded: lookup.forwarded,
        },
        Err(reason) => Answer::Pass(reason),
    }
}

#[test]
fn which_requests_are_looked_up() {
    let cases: &[(&str, &str, &str, &[(&str, &str)], Answer)] = &[
        ("RFC 9110 §9.3.1", "GET", "GET", &[], PLAIN),
        ("RFC 9110 §9.3.2", "HEAD", "HEAD", &[], Answer::Head),
        ("§3", "POST", "POST", &[], Answer::Pass(Pass::Method)),
        (
            "§3",
            "an unknown method",
            "BREW",
            &[],
            Answer::Pass(Pass::Method),
        ),
        (
            "RFC 9110 §9.1",
            "methods have a case",
            "get",
            &[],
            Answer::Pass(Pass::Method),
        ),
        (
            "§3.5",
            "credentials",
            "GET",
            &[("authorization", "Basic YTpi")],
            Answer::Pass(Pass::Authorization),
        ),
        (
            "§3.5",
            "empty ones, too",
            "GET",
            &[("authorization", "")],
            Answer::Pass(Pass::Authorization),
        ),
        (
            "RFC 9110 §14.2",
            "a range",
            "GET",
            &[("range", "bytes=0-1")],
            PLAIN,
        ),
        (
            "RFC 9110 §7.8",
            "an upgrade",
            "GET",
            &[("upgrade", "websocket")],
            Answer::Pass(Pass::Upgrade),
        ),
        (
            "key hygiene",
            "another method in a field",
            "GET",
            &[("x-http-method-override", "DELETE")],
            Answer::Pass(Pass::MethodOverride),
        ),
        (
            "key hygiene",
            "in another field",
            "GET",
            &[("x-method-override", "DELETE")],
            Answer::Pass(Pass::MethodOverride),
        ),
        (
            "key hygiene",
            "in a third one",
            "HEAD",
            &[("x-http-method", "DELETE")],
            Answer::Pass(Pass::MethodOverride),
        ),
        (
            "§4.4",
            "whatever else it passes for, it may change something",
            "GET",
            &[
                ("authorization", "Basic YTpi"),
                ("upgrade", "websocket"),
                ("x-http-method-override", "DELETE"),
            ],
            Answer::Pass(Pass::MethodOverride),
        ),
        (
            "key hygiene",
            "another path in a field",
            "GET",
            &[("x-original-url", "/admin")],
            Answer::Pass(Pass::TargetOverride),
        ),
        (
            "RFC 9112 §3.2",
            "a second Host, even the same",
            "GET",
            &[("host", "a")],
            Answer::Pass(Pass::SeveralHosts),
        ),
        (
            "§5.2.1.5",
            "no-store",
            "GET",
            &[("cache-control", "No-Store")],
            NO_STORE,
        ),
        (
            "§5.2.1.5",
            "no-store on the second line",
            "GET",
            &[("cache-control", "a"), ("cache-control", "b, no-store")],
            NO_STORE,
        ),
        (
            "§5.2.1",
            "no-cache is ignored",
            "GET",
            &[("cache-control", "no-cache")],
            PLAIN,
        ),
        (
            "§5.2.1",
            "max-age=0 is ignored",
            "GET",
            &[("cache-control", "max-age=0")],
            PLAIN,
        ),
        (
            "§5.4",
            "Pragma is ignored",
            "GET",
            &[("pragma", "no-cache")],
            PLAIN,
        ),
        (
            "§5.2.3",
            "what is unknown is ignored",
            "GET",
            &[("cache-control", "nothing-to-see-here"), ("pragma", "foo")],
            PLAIN,
        ),
        (
            "§5.2",
            "so is what is malformed",
            "GET",
            &[("cache-control", "\"")],
            PLAIN,
        ),
        (
            "RFC 9110 §13.1",
            "If-None-Match",
            "GET",
            &[("if-none-match", "\"a\"")],
            CONDITIONAL,
        ),
        (
            "§4.3.2",
            "If-Match",
            "GET",
            &[("if-match", "*")],
            Answer::Pass(Pass::Precondition),
        ),
        (
            "RFC 9110 §13.1",
            "If-Modified-Since",
            "GET",
            &[("if-modified-since", "x")],
            CONDITIONAL,
        ),
        (
            "§4.3.2",
            "If-Unmodified-Since",
            "GET",
            &[("if-unmodified-since", "x")],
            Answer::Pass(Pass::Precondition),
        ),
        (
            "RFC 9110 §13.1",
            "If-Range",
            "GET",
            &[("if-range", "x")],
            CONDITIONAL,
        ),
        (
            "key hygiene",
            "X-Forwarded-Host",
            "GET",
            &[("x-forwarded-host", "b")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "X-Forwarded-Prefix",
            "GET",
            &[("x-forwarded-prefix", "/b")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "Forwarded",
            "GET",
            &[("forwarded", "host=b")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "Front-End-Https",
            "GET",
            &[("front-end-https", "on")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "X-Host",
            "GET",
            &[("x-host", "b")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "X-HTTP-Host-Override",
            "GET",
            &[("x-http-host-override", "b")],
            FORWARDED,
        ),
        (
            "key hygiene",
            "not the client's address",
            "GET",
            &[("x-forwarded-for", "1.2.3.4")],
            PLAIN,
        ),
        ("§4.1", "cookies alone", "GET", &[("cookie", "a=b")], PLAIN),
    ];
    for (section, name, method, fields, expected) in cases {
        assert_eq!(ask(method, fields), *expected, "{section}: {name}");
    }
}

#[test]
fn a_get_with_a_body_passes() {
    let request = |body: &'static str| {
        Request::get("/")
            .header("host", "a")
            .body(Full::<Bytes>::from(body))
            .unwrap()
    };
    assert_eq!(
        Policy::conservative().look_up(&request("q=1")).unwrap_err(),
        Pass::RequestBody
    );
    assert!(Policy::conservative().look_up(&request("")).is_ok());
}

#[test]
fn what_the_policy_lets_through() {
    let ask = |policy: &Policy, fields: &[(&str, &str)]| {
        let mut request = Request::get("/").header("host", "a");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        policy.look_up(&request).map(|lookup| lookup.asked)
    };
    let conservative = Policy::conservative();
    let standard = Policy::standard();
    let obliging = Policy {
        request_directives: true,
        ..Policy::conservative()
    };
    let plain = super::Asked::default();
    let no_cache = super::Asked {
        wishes: Wishes {
            no_cache: true,
            ..Wishes::default()
        },
        ..plain
    };
    let authorization = super::Asked {
        authorization: true,
        ..plain
    };
    let cases: &[(
        &str,
        &str,
        &Policy,
        &[(&str, &str)],
        Result<super::Asked, Pass>,
    )] = &[
        (
            "§3.5",
            "a name, in standard",
            &standard,
            &[("authorization", "Basic YTpi")],
            Ok(authorization),
        ),
        (
            "§3.5",
            "a name, else",
            &conservative,
            &[("authorization", "Basic YTpi")],
            Err(Pass::Authorization),
        ),
        (
            "§5.2.1",
            "no-cache, by default",
            &standard,
            &[("cache-control", "no-cache, only-if-cached, max-age=0")],
            Ok(plain),
        ),
        (
            "§5.2.1.4",
            "no-cache, by choice",
            &obliging,
            &[("cache-control", "no-cache")],
            Ok(no_cache),
        ),
        (
            "§5.4",
            "Pragma, by choice",
            &obliging,
            &[("pragma", "No-Cache, no-store, max-age=5")],
            Ok(no_cache),
        ),
        (
            "§5.4",
            "Pragma beside Cache-Control",
            &obliging,
            &[
                ("pragma", "no-cache"),
                ("cache-control", "nothing-to-see-here"),
            ],
            Ok(plain),
        ),
        (
            "§5.4",
            "another Pragma",
            &obliging,
            &[("pragma", "foo")],
            Ok(plain),
        ),
        (
            "RFC 9110 §14.2",
            "a range",
            &conservative,
            &[("range", "bytes=0-1")],
            Ok(super::Asked {
                range: true,
                ..plain
            }),
        ),
        (
            "§4.2.2",
            "a cookie",
            &conservative,
            &[("cookie", "a=b")],
            Ok(super::Asked {
                cookie: true,
                ..plain
            }),
        ),
    ];
    for (section, name, policy, fields, expected) in cases {
        assert_eq!(ask(policy, fields), *expected, "{section}: {name}");
    }
}

#[test]
fn who_asks_for_the_page_and_nothing_else() {
    let plain = super::Asked::default();
    let cases = [
        ("nothing said", plain, true),
        (
            "a cookie, which a Vary may name",
            super::Asked {
                cookie: true,
                ..plain
            },
            true,
        ),
        (
            "HEAD",
            super::Asked {
                head: true,
                ..plain
            },
            false,
        ),
        (
            "a precondition",
            super::Asked {
                conditional: true,
                ..plain
            },
            true,
        ),
        (
            "a range",
            super::Asked {
                range: true,
                ..plain
            },
            false,
        ),
        (
            "a password",
            super::Asked {
                authorization: true,
                ..plain
            },
            false,
        ),
        (
            "nobody knows which variant",
            super::Asked {
                told: true,
                ..plain
            },
            false,
        ),
        (
            "fields that may be read in another way",
            super::Asked {
                ambiguous: true,
                ..plain
            },
            false,
        ),
    ];
    for (name, asked, expected) in cases {
        assert_eq!(asked.is_for_the_page(), expected, "{name}");
    }
    let second = Some(Duration::from_secs(1));
    let wishes = [
        Wishes {
            no_store: true,
            ..Wishes::default()
        },
        Wishes {
            no_cache: true,
            ..Wishes::default()
        },
        Wishes {
            only_if_cached: true,
            ..Wishes::default()
        },
        Wishes {
            max_age: second,
            ..Wishes::default()
        },
        Wishes {
            min_fresh: second,
            ..Wishes::default()
        },
        Wishes {
            max_stale: second,
            ..Wishes::default()
        },
    ];
    for wishes in wishes {
        assert!(
            !super::Asked { wishes, ..plain }.is_for_the_page(),
            "{wishes:?}"
        );
    }
}

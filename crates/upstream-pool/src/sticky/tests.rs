use std::{convert::Infallible, time::Duration};

use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{CACHE_CONTROL, COOKIE, SET_COOKIE},
};
use peregrine_core::{CacheStatus, ForwardReason, ServedBy};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::{
    PreferredProcess,
    forwarded::{PeerAddr, TrustedProxies},
};

fn cookie(sessions: &StickySessions, pid: u32) -> String {
    let set = sessions.routing().set(pid, false).unwrap();
    let set = set.to_str().unwrap().to_owned();
    set.split(';').next().unwrap().to_owned()
}

/// What is sent, which process that names, and what is left.
type Case<'a> = (&'a str, &'a [&'a str], Option<u32>, &'a [&'a str]);

#[test]
fn the_cookie_is_taken_out_of_what_the_client_sent() {
    let sessions = StickySessions::new().unwrap();
    let ours = cookie(&sessions, 7);
    let others = cookie(&StickySessions::new().unwrap(), 8);
    let half = &ours[..ours.len() - 4];
    let between = format!("a=b; {ours};c=d");
    let behind = format!("{others}; {ours}");
    let cases: [Case<'_>; 9] = [
        ("none", &["a=b; c"], None, &["a=b; c"]),
        ("alone", &[&ours], Some(7), &[]),
        ("between others", &[&between], Some(7), &["a=b; c=d"]),
        ("in another line", &["a=b", &ours], Some(7), &["a=b"]),
        ("made up", &["a=b; _passenger_route=7"], None, &["a=b"]),
        ("cut off", &[half], None, &[]),
        ("of another server", &[&others], None, &[]),
        ("behind another server's", &[&behind], Some(7), &[]),
        (
            "a name that ends like it",
            &["x_passenger_route=1"],
            None,
            &["x_passenger_route=1"],
        ),
    ];
    for (name, lines, process, left) in cases {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(sessions.routing().take(&mut headers), process, "{name}");
        let lines: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(lines, left, "{name}");
    }
}

#[test]
fn the_process_cannot_be_read_from_the_cookie() {
    let sessions = StickySessions::new().unwrap();
    assert!(!cookie(&sessions, 123_456).contains("123456"));
    assert!(!format!("{sessions:?}").contains("key: Key"));
}

#[test]
fn what_is_not_for_one_client_sets_no_cookie() {
    let forward = CacheStatus::forward;
    let cases = [
        ("no cache", None, None, true),
        ("passed", Some(forward(ForwardReason::Bypass)), None, true),
        (
            "not stored",
            Some(forward(ForwardReason::UriMiss)),
            None,
            true,
        ),
        (
            "stored",
            Some(forward(ForwardReason::UriMiss).stored()),
            None,
            false,
        ),
        (
            "with others",
            Some(forward(ForwardReason::UriMiss).collapsed()),
            None,
            false,
        ),
        (
            "a hit",
            Some(CacheStatus::hit(Duration::from_secs(1))),
            None,
            false,
        ),
        ("public", None, Some("max-age=60, Public"), false),
        ("for shared caches", None, Some("s-maxage=60"), false),
        ("private", None, Some("private, max-age=60"), true),
        ("for nobody", None, Some("no-store"), true),
    ];
    for (name, status, cache_control, expected) in cases {
        let mut headers = HeaderMap::new();
        if let Some(value) = cache_control {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
        }
        assert_eq!(
            future::is_for_one(&headers, status.as_ref()),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_client_is_told_when_it_has_moved_and_not_otherwise() {
    let sessions = StickySessions::new().unwrap();
    let here = cookie(&sessions, 1);
    let there = cookie(&sessions, 2);
    let cases = [
        ("a new client", None, Some(1), true),
        ("one who stays", Some(&here), Some(1), false),
        ("one who has moved", Some(&there), Some(1), true),
        ("answered by no process", Some(&there), None, false),
    ];
    for (name, cookie, served, expected) in cases {
        let pool = service_fn(async |request: Request<()>| {
            let preferred = request.extensions().get::<PreferredProcess>();
            assert_eq!(preferred.is_some(), cookie.is_some(), "{name}");
            let mut response = Response::new(());
            if let Some(pid) = served {
                response.extensions_mut().insert(ServedBy { pid });
            }
            Ok::<_, Infallible>(response)
        });
        let mut request = Request::new(());
        if let Some(cookie) = cookie {
            let cookie = HeaderValue::from_str(cookie).unwrap();
            request.headers_mut().insert(COOKIE, cookie);
        }
        let response = sessions.layer(pool).oneshot(request).await.unwrap();
        assert_eq!(
            response.headers().contains_key(SET_COOKIE),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_cookie_is_secure_where_a_trusted_proxy_says_so() {
    let trusted = TrustedProxies::from_iter(["10.0.0.0/8".parse().unwrap()]);
    let sessions = StickySessions::new()
        .unwrap()
        .cookie_name("route")
        .unwrap()
        .cookie_path("/blog")
        .trusted_proxies(trusted);
    let cases = [
        ("trusted", [10, 0, 0, 1], Some("https"), true),
        ("trusted, without TLS", [10, 0, 0, 1], Some("http"), false),
        ("trusted, and silent", [10, 0, 0, 1], None, false),
        ("not trusted", [192, 0, 2, 1], Some("https"), false),
    ];
    for (name, peer, scheme, expected) in cases {
        let pool = service_fn(async |_: Request<()>| {
            let mut response = Response::new(());
            response.extensions_mut().insert(ServedBy { pid: 1 });
            Ok::<_, Infallible>(response)
        });
        let mut request = Request::new(());
        let peer = PeerAddr((peer, 4000).into());
        request.extensions_mut().insert(peer);
        if let Some(scheme) = scheme {
            let scheme = HeaderValue::from_static(scheme);
            request.headers_mut().insert("x-forwarded-proto", scheme);
        }
        let response = sessions.layer(pool).oneshot(request).await.unwrap();
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert_eq!(set.contains("; Secure"), expected, "{name}: {set}");
        assert!(set.starts_with("route="), "{set}");
        assert!(set.contains("; Path=/blog"), "{set}");
    }
}

#[test]
fn a_cookie_has_a_name() {
    for name in ["", "a b", "a;b", "a=b"] {
        let sessions = StickySessions::new().unwrap();
        assert!(sessions.cookie_name(name).is_err(), "{name}");
    }
}

//! Whoever tries to have a page stored that others are then given, or to have one
//! stored that is his victim's, does not.

use http::{Method, StatusCode};
use integration_tests::Server;

use crate::members::{ask, is_for, log_in, page, read_twice, start, start_with, visit};

#[tokio::test]
async fn a_page_that_looks_like_a_file_is_still_its_owner_s() {
    let server = start().await;
    let victim = log_in(&server, "victim").await;
    let paths = [
        "/account/x.css",
        "/account;x.css",
        "/account%3Bx.css",
        "/account%00x.css",
        "/account%2Fx.css",
        "/account/..%2Fstatic/x.css",
        "/static/../account",
        "/static/%2e%2e/account",
        "//account/x.js",
        "/account?x.css",
        "/account%23x.css",
    ];
    for path in paths {
        is_for(&read_twice(&server, path, &victim).await, "victim");
        for cookies in ["_ga=1", "session=made-up"] {
            is_for(&page(&server, path, cookies).await, "");
        }
    }
}

#[tokio::test]
async fn two_spellings_of_a_path_are_two_pages() {
    let server = start().await;
    let spellings = [
        "/a/b",
        "/a%2Fb",
        "/a/./b",
        "/a/c/../b",
        "/a//b",
        "/A/b",
        "/a/b?",
        "/%61/b",
    ];
    for spelling in spellings {
        let answer = visit(&server, spelling).await;
        assert!(
            answer.body.contains(&format!("GET {spelling},")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_in_the_key_reaches_no_stored_page() {
    let attacks: [&[(&'static str, &str)]; 8] = [
        &[("x-forwarded-host", "evil.example")],
        &[("forwarded", "host=evil.example")],
        &[("x-original-url", "/evil.example")],
        &[("x-rewrite-url", "/evil.example")],
        &[("x-http-method-override", "evil.example")],
        &[("x-method-override", "evil.example")],
        &[
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-host", "b"),
        ],
        &[("!~rendered-for", "evil.example")],
    ];
    for options in [&[][..], &["--turbocache-without-cookie", "session"]] {
        let server = start_with(options).await;
        for (number, lines) in attacks.iter().enumerate() {
            let path = format!("/page{number}");
            server.send(ask(Method::GET, &path, lines)).await;
            for _ in 0..2 {
                let clean = server.send(ask(Method::GET, &path, &[])).await;
                assert!(!clean.body.contains("evil"), "{lines:?}: {clean:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_page_is_chosen_by_cannot_be_taken_away_or_doubled_on_the_way() {
    let server = start().await;
    let attacks: [(&[(&'static str, &str)], &str); 3] = [
        // The application does not get it, and answers as for nobody.
        (
            &[("connection", "close, x-tenant"), ("x-tenant", "blue")],
            "blue",
        ),
        // It gets it, and takes it for the one with hyphens.
        (&[("x_tenant", "evil")], ""),
        (&[("x-tenant", "green"), ("x_tenant", "evil")], "green"),
    ];
    for (lines, victim) in attacks {
        server.send(ask(Method::GET, "/tenant", lines)).await;
        let honest = [("x-tenant", victim)];
        let honest = &honest[..usize::from(!victim.is_empty())];
        for _ in 0..2 {
            let page = server.send(ask(Method::GET, "/tenant", honest)).await;
            let tenants = page.body.lines().filter(|line| line.contains("tenant:"));
            let expected = honest.iter().map(|(_, name)| format!("x-tenant: {name}"));
            assert!(tenants.eq(expected), "{lines:?}: {page:?}");
        }
    }
}

#[tokio::test]
async fn nobody_can_hide_his_address_from_the_application() {
    let server = start().await;
    let lines = [("connection", "close, x-forwarded-for, x-forwarded-host")];
    let answer = server.send(ask(Method::GET, "/page", &lines)).await;
    for line in [
        "x-forwarded-for: 127.0.0.1\n",
        "x-forwarded-host: forum.example\n",
    ] {
        assert!(answer.body.contains(line), "{answer:?}");
    }
}

#[tokio::test]
async fn a_host_and_a_path_are_not_taken_for_one_another() {
    let server = start().await;
    let cases = [
        ("a.example", "/b.example/c"),
        ("a.example", "//b.example/c"),
        ("b.example", "/c"),
        ("a.example", "/c"),
        ("a.example:81", "/c"),
    ];
    for (host, path) in cases {
        let answer = server.send(ask(Method::GET, path, &[("host", host)])).await;
        assert!(answer.body.contains(&format!("GET {path},")), "{answer:?}");
        assert!(
            answer.body.contains(&format!("host: {host}\n")),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_host_that_contradicts_the_target_stores_nothing() {
    let server = start().await;
    let answer = server
        .exchange(
            b"GET http://a.example/page HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(!answer.contains("stored"), "{answer}");
    for host in ["a.example", "evil.example"] {
        let page = server
            .send(ask(Method::GET, "/page", &[("host", host)]))
            .await;
        assert!(page.body.contains(&format!("host: {host}\n")), "{page:?}");
    }
}

#[tokio::test]
async fn a_get_with_a_body_stores_nothing_for_those_without() {
    let server = start().await;
    let with_body = ask(Method::GET, "/page", &[]).map(|_| "page=evil".into());
    let answer = server.send(with_body).await;
    assert!(answer.body.contains("body 9 bytes"), "{answer:?}");
    for _ in 0..2 {
        let page = visit(&server, "/page").await;
        assert!(page.body.contains("body 0 bytes"), "{page:?}");
    }
}

#[tokio::test]
async fn an_error_that_one_client_provokes_is_given_to_nobody_else() {
    let long = "x".repeat(3000);
    let cookie = format!("a={long}");
    let attacks: [&[(&'static str, &str)]; 3] = [
        &[("x-padding", &long)],
        &[("cookie", &cookie)],
        &[("accept-language", &long)],
    ];
    for options in [&[][..], &["--vary-turbocache-by-session", "session"]] {
        let server = start_with(options).await;
        for (number, lines) in attacks.iter().enumerate() {
            let path = format!("/page{number}");
            let provoked = server.send(ask(Method::GET, &path, lines)).await;
            assert_eq!(provoked.status, StatusCode::BAD_REQUEST, "{provoked:?}");
            let page = visit(&server, &path).await;
            assert_eq!(page.status, StatusCode::OK, "{lines:?}: {page:?}");
        }
        refused_by_the_server(&server).await;
    }
}

/// What is refused before it reaches the application.
async fn refused_by_the_server(server: &Server) {
    for lines in ["X-A : b", "X-\0: b", "Cookie: a\r\n b", "X-A: \x01"] {
        let request = format!("GET /refused HTTP/1.1\r\nHost: forum.example\r\n{lines}\r\n\r\n");
        let answer = server.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let page = visit(server, "/refused").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
}

#[tokio::test]
async fn cookies_beyond_all_bounds_pass() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    read_twice(&server, "/page", &staff).await;
    // Small ones, so that the application takes them.
    let mut cookies = staff.clone();
    while cookies.len() <= 1900 {
        cookies.push_str("; padding=xxxxxxxxxxxxxxxxxxxx");
    }
    assert!(page(&server, "/page", &cookies).await.is_hit());
    let lines: Vec<_> = (0..5)
        .map(|_| ("cookie", &cookies[staff.len() + 2..]))
        .collect();
    let answer = server.send(ask(Method::GET, "/page", &lines)).await;
    assert!(
        answer.header("cache-status").contains("cookies-too-long"),
        "{answer:?}"
    );
    is_for(&answer, "");
}

//! What the application learns about the client, and from whom.

use http::{HeaderMap, HeaderValue, Method, header::HOST};
use integration_tests::{Server, client::request};

use crate::unruly;

#[tokio::test]
async fn the_application_learns_who_asked_for_what() {
    let server = unruly::start(&[]).await;
    let head = head_seen_by_the_app(&server, &[("host", "forum.example:8080")]).await;

    assert_eq!(field(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(field(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(field(&head, "x-forwarded-host"), ["forum.example:8080"]);
    assert_eq!(field(&head, "host"), ["forum.example:8080"]);
}

#[tokio::test]
async fn what_a_stranger_claims_about_the_client_does_not_count() {
    let server = unruly::start(&["--trusted-proxy", "192.0.2.0/24"]).await;
    let spoofed = [
        ("host", "forum.example"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for", "7.7.7.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        // CGI, and with it Rack and WSGI, knows `_` and `-` as the same.
        ("x_forwarded_for", "6.6.6.6"),
        ("x_forwarded_proto", "https"),
        ("x_forwarded_host", "evil.example"),
    ];
    let head = head_seen_by_the_app(&server, &spoofed).await;

    assert_eq!(field(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(field(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(field(&head, "x-forwarded-host"), ["forum.example"]);
    assert!(!head.contains("x_forwarded"), "{head}");
}

#[tokio::test]
async fn what_a_trusted_proxy_says_about_the_client_counts() {
    let server = unruly::start(&["--trusted-proxy", "127.0.0.1/32"]).await;
    let told = [
        ("host", "internal"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "forum.example"),
    ];
    let head = head_seen_by_the_app(&server, &told).await;

    assert_eq!(field(&head, "x-forwarded-for"), ["203.0.113.9, 127.0.0.1"]);
    assert_eq!(field(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(field(&head, "x-forwarded-host"), ["forum.example"]);
}

#[tokio::test]
async fn sites_behind_one_trusted_proxy_do_not_share_pages() {
    let server = unruly::start(&["--trusted-proxy", "127.0.0.1/32"]).await;
    let mut bodies = Vec::new();
    for (scheme, site) in [("http", "one"), ("http", "two"), ("https", "one")] {
        let mut request = request(Method::GET, "/answer/Cache-Control=public,max-age=60");
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("internal"));
        headers.insert("x-forwarded-proto", scheme.parse().unwrap());
        headers.insert(
            "x-forwarded-host",
            format!("{site}.example").parse().unwrap(),
        );
        bodies.push(server.send(request).await.body);
    }
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
}

#[tokio::test]
async fn a_stranger_cannot_choose_another_site_s_pages() {
    let server = unruly::start(&[]).await;
    let path = "/answer/Cache-Control=public,max-age=60";
    let mut spoofed = request(Method::GET, path);
    spoofed
        .headers_mut()
        .insert("x-forwarded-host", "evil.example".parse().unwrap());

    let first = server.get(path).await;
    let second = server.send(spoofed).await;
    assert_eq!(
        first.body, second.body,
        "one page, whatever a stranger claims"
    );
}

#[tokio::test]
async fn what_is_meant_for_one_connection_goes_no_further() {
    let server = unruly::start(&[]).await;
    let sent = [
        ("connection", "close, X-Secret"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic eDp5"),
        ("te", "trailers"),
        ("x-kept", "1"),
    ];
    let head = head_seen_by_the_app(&server, &sent).await;

    for (name, _) in &sent[1..sent.len() - 1] {
        assert_eq!(field(&head, name), [""; 0], "{name}: {head}");
    }
    assert!(!head.contains("x-secret"), "{head}");
    assert_eq!(field(&head, "x-kept"), ["1"]);
}

/// In lower case, as names count no case.
async fn head_seen_by_the_app(server: &Server, fields: &[(&'static str, &str)]) -> String {
    let mut request = request(Method::GET, "/head");
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    *request.headers_mut() = headers;
    server.send(request).await.body.to_ascii_lowercase()
}

/// The values of each line of a field.
fn field<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(n, _)| *n == name)
        .map(|(_, value)| value)
        .collect()
}

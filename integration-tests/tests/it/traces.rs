//! Which trace the application is told that a request belongs to.

use bytes::Bytes;
use http::{Method, Request};
use integration_tests::{Server, client::request};

use crate::unruly;

const CAME: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the application gets of a request that brings a trace.
async fn told(server: &Server, number: u32) -> String {
    let mut request: Request<Bytes> = request(Method::GET, &format!("/head?{number}"));
    let headers = request.headers_mut();
    headers.insert("traceparent", CAME.parse().unwrap());
    headers.insert("tracestate", "vendor=1".parse().unwrap());
    server.send(request).await.body.to_ascii_lowercase()
}

#[tokio::test]
async fn a_trace_goes_on_untouched_unless_it_is_asked_for() {
    let server = unruly::start(&[]).await;
    let head = told(&server, 1).await;
    assert!(head.contains(&format!("traceparent: {CAME}\r\n")), "{head}");
    assert!(head.contains("tracestate: vendor=1\r\n"), "{head}");
    let head = server.get("/head?2").await.body.to_ascii_lowercase();
    assert!(!head.contains("traceparent"), "{head}");
}

#[tokio::test]
async fn a_trusted_proxy_s_trace_goes_on_and_a_client_s_does_not() {
    let options = ["--trace-requests", "1", "--trusted-proxy", "127.0.0.1"];
    let trusting = unruly::start(&options).await;
    let head = told(&trusting, 1).await;
    assert!(head.contains(&format!("traceparent: {CAME}\r\n")), "{head}");
    assert!(head.contains("tracestate: vendor=1\r\n"), "{head}");

    let server = unruly::start(&options[..2]).await;
    let head = told(&server, 1).await;
    assert!(!head.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{head}");
    assert!(!head.contains("tracestate"), "{head}");
    let (_, begun) = head.split_once("traceparent: 00-").expect("a trace begins");
    let begun = begun.lines().next().unwrap();
    // Random, and sampled.
    assert!(begun.ends_with("-03"), "{begun}");
}

#[tokio::test]
async fn a_span_that_is_logged_is_the_parent_that_the_application_is_told() {
    let options = ["--trace-requests", "1", "--log-level", "debug"];
    let server = unruly::start(&options).await;
    let head = told(&server, 1).await;
    let (_, begun) = head.split_once("traceparent: 00-").expect("a trace begins");
    let ids: Vec<_> = begun.split('-').take(2).map(str::to_owned).collect();
    server.logs(&format!("trace_id={}", ids[0])).await;
    server.logs(&format!("span_id={}", ids[1])).await;
}

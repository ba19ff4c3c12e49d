use std::{convert::Infallible, net::SocketAddr};

use http::{Request, Response};
use tower::{ServiceExt, service_fn};

use super::*;

const CAME: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the application gets of a request from `peer` that brings these fields.
async fn told(layer: &TraceContextLayer, peer: &str, fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut request = Request::new(());
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(PeerAddr(peer));
    for (name, value) in fields {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let service = layer.layer(service_fn(|request: Request<()>| async move {
        Ok::<_, Infallible>(Response::new(request.headers().clone()))
    }));
    service.oneshot(request).await.unwrap().into_body()
}

/// Somebody who listens from this level on, on this thread. Not even to be without
/// one would keep the listeners of other tests from making this one's spans.
///
/// And another one, whom nobody hears: where there is but one, tracing asks the thread
/// that is the first to make a span whether anybody listens, for all threads.
fn listener(level: tracing::Level) -> (tracing::subscriber::DefaultGuard, tracing::Dispatch) {
    let another = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::sink)
        .finish();
    (tracing::subscriber::set_default(subscriber), another)
}

fn layer(share: f64) -> TraceContextLayer {
    TraceContextLayer::new(share).trusted_proxies(["10.0.0.0/8".parse().unwrap()])
}

#[tokio::test]
async fn a_trusted_proxy_s_trace_goes_on_as_it_came() {
    let _guard = listener(tracing::Level::INFO);
    // Not sampled here: that was decided already.
    let fields = [
        ("traceparent", CAME),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
    ];
    let headers = told(&layer(0.0), "10.0.0.1:1", &fields).await;
    assert_eq!(headers[TRACEPARENT], CAME);
    assert_eq!(headers.get_all(TRACESTATE).iter().count(), 2);
}

#[tokio::test]
async fn whoever_is_not_to_be_believed_begins_no_trace() {
    let two = [
        ("traceparent", CAME),
        ("traceparent", CAME),
        ("tracestate", "a=1"),
    ];
    let cases = [
        ("a client", "192.0.2.7:1", &two[1..]),
        ("a proxy that says two things", "10.0.0.1:1", &two[..]),
        ("a proxy that says nothing", "10.0.0.1:1", &two[2..]),
    ];
    for (name, peer, fields) in cases {
        for (share, sampled) in [(0.0, false), (1.0, true)] {
            let headers = told(&layer(share), peer, fields).await;
            let begun = TraceParent::of(&headers).expect(name);
            assert_eq!(begun.is_sampled(), sampled, "{name}");
            assert!(!begun.to_string().contains("4bf92f3577b34da6"), "{name}");
            assert!(!headers.contains_key(TRACESTATE), "{name}");
        }
    }
}

#[tokio::test]
async fn no_two_requests_are_of_one_trace() {
    let mut traces = Vec::new();
    for _ in 0..10 {
        let headers = told(&layer(1.0), "192.0.2.7:1", &[]).await;
        traces.push(TraceParent::of(&headers).unwrap().trace_id().to_string());
    }
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), 10);
}

#[tokio::test]
async fn while_it_is_off_nothing_is_touched() {
    let fields = [("traceparent", "whatever"), ("tracestate", "a=1")];
    let headers = told(&TraceContextLayer::off(), "192.0.2.7:1", &fields).await;
    assert_eq!(headers[TRACEPARENT], "whatever");
    assert_eq!(headers[TRACESTATE], "a=1");
    assert!(
        told(&TraceContextLayer::off(), "192.0.2.7:1", &[])
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_span_that_somebody_listens_to_is_the_parent_of_what_follows() {
    let guard = listener(tracing::Level::DEBUG);
    let fields = [("traceparent", CAME), ("tracestate", "a=1")];
    let headers = told(&layer(0.0), "10.0.0.1:1", &fields).await;
    drop(guard);
    let told = TraceParent::of(&headers).unwrap();
    let came = TraceParent::parse(CAME.as_bytes()).unwrap();
    assert_eq!(told.trace_id().to_string(), came.trace_id().to_string());
    assert_ne!(told.parent_id().to_string(), came.parent_id().to_string());
    assert!(told.is_sampled());
    assert_eq!(headers[TRACESTATE], "a=1");
}

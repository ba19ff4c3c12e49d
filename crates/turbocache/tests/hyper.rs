//! The service as hyper takes it, without an adapter.

use bytes::Bytes;
use http::{
    Request, Response,
    header::{CACHE_CONTROL, CACHE_STATUS},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use peregrine_core::CacheStatus;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower::{Layer, service_fn};
use turbocache::TurboCache;

#[tokio::test]
async fn a_connection_takes_the_service_as_it_is() {
    let handler = service_fn(async |request: Request<Incoming>| {
        let path = request.uri().path().to_owned();
        Response::builder()
            .header(CACHE_CONTROL, "max-age=60")
            .body(Full::<Bytes>::from(path))
    });
    let service = TurboCache::conservative().layer(handler);
    let (mut client, server) = duplex(64 * 1024);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);

    let ask = async {
        let get = "GET /page HTTP/1.1\r\nhost: a\r\n\r\n";
        let last = "GET /page HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let post = "POST /page HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
        let requests = [get, get, post, last].concat();
        client.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        answers
    };
    let (ended, answers) = tokio::join!(connection, ask);
    ended.unwrap();
    let said: Vec<_> = answers
        .lines()
        .filter_map(|line| line.strip_prefix("cache-status: turbocache; "))
        .map(|said| said.split(';').next().unwrap())
        .collect();
    assert_eq!(said, ["fwd=uri-miss", "hit", "fwd=method", "fwd=uri-miss"]);
    assert_eq!(answers.matches("/page").count(), 4, "{answers}");
}

#[tokio::test]
async fn only_the_outermost_is_spared_the_typed_value_of_what_passes() {
    let handler = service_fn(async |_: Request<Full<Bytes>>| {
        Response::builder()
            .header(CACHE_CONTROL, "max-age=60")
            .body(Full::<Bytes>::default())
    });
    let named = |name| TurboCache::conservative().name(name);
    for layer in [TurboCache::conservative(), named("cdn")] {
        let service = layer.layer(handler);
        let outermost = service.clone().outermost();
        let request = |method| {
            let request = Request::builder().method(method).uri("http://a/");
            request.body(Full::default()).unwrap()
        };
        for (method, is_spared) in [("POST", true), ("GET", false), ("GET", false)] {
            let within = service.call(request(method)).await.unwrap();
            let without = outermost.call(request(method)).await.unwrap();
            for (response, is_typed) in [(&within, true), (&without, !is_spared)] {
                assert!(response.headers().contains_key(CACHE_STATUS), "{method}");
                let typed = response.extensions().get::<CacheStatus>();
                assert_eq!(typed.is_some(), is_typed, "{method}");
            }
        }
    }
}

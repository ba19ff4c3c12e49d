//! What a fuzzer does, for a bounded time and on stable. And the same to hyper's client,
//! beside ours.

#[path = "../../../../fuzz/alike.rs"]
mod alike;

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;

use self::alike::{corpus, many};
use super::{script::End, *};
use crate::MAX_HEAD;

/// Something like a file of the corpus.
fn alike(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let telling = b"\r\n :;,=0123456789abcfF\t\0xCcTt-\xff";
    alike::alike(corpus(target), telling, 0..4)
}

#[test]
fn the_corpora_break_no_promise() {
    for (name, target) in TARGETS {
        for data in corpus(name) {
            target(&data);
        }
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn nothing_that_is_like_an_answer_breaks_a_promise(data in alike("answer")) {
        answer(&data);
    }

    #[test]
    fn nothing_that_is_like_a_chunked_body_breaks_a_promise(data in alike("chunked")) {
        chunked(&data);
    }

    #[test]
    fn whatever_is_understood_hyper_understands_in_the_same_way(data in alike("answer")) {
        compare(&data);
    }
}

#[test]
fn the_corpus_is_understood_as_hyper_understands_it() {
    for data in corpus("answer") {
        compare(&data);
    }
}

fn compare(data: &[u8]) {
    for method in [Method::GET, Method::HEAD] {
        let ours = transcript(&method, data, data.len());
        if ours.end != End::Over {
            continue;
        }
        let (status, version, mut headers) = ours.head.unwrap();
        let hypers = hypers(&method, data)
            .unwrap_or_else(|error| panic!("{:?}: {error:?}", data.escape_ascii().to_string()));
        let (head, body, trailers) = hypers;
        assert_eq!((head.status, head.version), (status, version));
        let mut expected = head.headers;
        // Ours says once what was said twice, and nothing where it is of no meaning.
        for headers in [&mut headers, &mut expected] {
            headers.remove("content-length");
        }
        assert_eq!(headers, expected);
        assert_eq!(ours.body, body);
        assert_eq!(ours.trailers, trailers);
    }
}

type Understood = (http::response::Parts, Bytes, Option<http::HeaderMap>);

fn hypers(method: &Method, data: &[u8]) -> hyper::Result<Understood> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let script = Script::new([Bytes::copy_from_slice(data)]);
        let mut client = http1::Builder::new();
        let client = client.max_header_size(MAX_HEAD);
        let (mut sender, driver) = client.handshake(TokioIo::new(script)).await?;
        let driver = tokio::spawn(driver);
        let mut request = http::Request::new(Empty::<Bytes>::new());
        *request.method_mut() = method.clone();
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        driver.abort();
        let trailers = body.trailers().cloned();
        Ok((head, body.to_bytes(), trailers))
    })
}

//! What a fuzzer does, for a bounded time and on stable: the corpus as it is, and
//! with pieces of it cut, copied and changed. And the same to hyper's client, beside ours.

use std::{fs, path::PathBuf};

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{script::End, *};
use crate::connection::h1::MAX_HEAD;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect()
}

/// One thing that is done to bytes.
#[derive(Clone, Debug)]
enum Change {
    Delete(Index, Index),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    /// A piece of another file of the corpus.
    Splice(Index, Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(&b"\r\n :;,=0123456789abcfF\t\0xCcTt-\xff"[..]);
    let index = any::<Index>;
    prop_oneof![
        (index(), index()).prop_map(|(from, to)| Change::Delete(from, to)),
        (index(), telling.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (index(), vec(telling, 1..6)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), vec(any::<u8>(), 1..3)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), index(), index(), index())
            .prop_map(|(at, file, from, to)| Change::Splice(at, file, from, to)),
    ]
}

impl Change {
    fn apply(&self, corpus: &[Vec<u8>], data: &mut Vec<u8>) {
        // There is always a place after the last byte.
        let place = |index: &Index, data: &[u8]| index.index(data.len() + 1);
        match self {
            Self::Delete(from, to) => {
                // What is left is worth a look only if it is not too little.
                let from = place(from, data);
                let to = (from + to.index(8)).min(data.len());
                data.drain(from..to);
            }
            Self::Replace(at, byte) => {
                let at = place(at, data);
                if let Some(old) = data.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(at, bytes) => {
                let at = place(at, data);
                data.splice(at..at, bytes.iter().copied());
            }
            Self::Splice(at, file, from, to) => {
                let file = &corpus[file.index(corpus.len())];
                let (one, other) = (place(from, file), place(to, file));
                let piece = &file[one.min(other)..one.max(other)];
                let at = place(at, data);
                data.splice(at..at, piece.iter().copied());
            }
        }
    }
}

/// Something like a file of the corpus.
fn alike(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let file = any::<Index>();
    (file, vec(change(), 0..4)).prop_map(move |(file, changes)| {
        let mut data = corpus[file.index(corpus.len())].clone();
        for change in changes {
            change.apply(&corpus, &mut data);
        }
        data
    })
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
    #![proptest_config(ProptestConfig {
        cases: 4 * ProptestConfig::default().cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_that_is_like_an_answer_breaks_a_promise(data in alike(corpus("answer"))) {
        answer(&data);
    }

    #[test]
    fn nothing_that_is_like_a_chunked_body_breaks_a_promise(data in alike(corpus("chunked"))) {
        chunked(&data);
    }

    #[test]
    fn whatever_is_understood_hyper_understands_in_the_same_way(data in alike(corpus("answer"))) {
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

//! What a fuzzer does, for a bounded time and on stable. And the same to hyper's client and
//! server, beside ours.

#[path = "../../../../fuzz/alike.rs"]
mod alike;

use std::{convert::Infallible, fs};

use http_body_util::{BodyExt, Empty};
use hyper::{client::conn::http1, server::conn::http1 as server, service::service_fn};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;

use self::alike::{corpus, many};
use super::{
    requests::{Notes, Understood},
    *,
};
use crate::{MAX_HEAD, Malformed};

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
    fn nothing_that_is_like_requests_breaks_a_promise(data in alike("request")) {
        request(&data);
    }

    #[test]
    fn whatever_is_understood_hyper_understands_in_the_same_way(data in alike("answer")) {
        compare(&data);
    }

    #[test]
    fn whatever_is_asked_hyper_understands_in_the_same_way(data in alike("request")) {
        compare_requests(&data);
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

type Answer = (http::response::Parts, Bytes, Option<http::HeaderMap>);

fn hypers(method: &Method, data: &[u8]) -> hyper::Result<Answer> {
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

#[test]
fn the_corpus_of_requests_is_understood_as_hyper_understands_it() {
    for data in corpus("request") {
        compare_requests(&data);
    }
}

/// What we understand, hyper understands in the same way. It understands more, but only
/// where we are stricter on purpose.
fn compare_requests(data: &[u8]) {
    let ours = requests(data, data.len());
    let hypers = hypers_requests(data);
    for (number, ours) in ours.all.iter().enumerate() {
        if ours.end == End::Over {
            assert_eq!(hypers.get(number), Some(ours), "{}", data.escape_ascii());
        }
    }
    assert!(
        hypers.len() <= ours.all.len() || is_stricter(&ours),
        "{}\n{ours:?}\n{hypers:?}",
        data.escape_ascii()
    );
}

/// Whether there is a reason to understand no more than this that hyper does not have.
fn is_stricter(ours: &Requests) -> bool {
    let last = ours.all.last();
    match &ours.end {
        // A length beside chunks; chunks of something coded; the same length twice; a target
        // that does not go with the method.
        End::Malformed(
            Malformed::TransferEncoding
            | Malformed::UnknownCoding
            | Malformed::ContentLength
            | Malformed::Target,
        ) => true,
        End::Malformed(_) | End::CutOff => false,
        // A trailer section with line feeds alone; `close` and then `keep-alive`.
        End::Over => last.is_some_and(|last| {
            let options = last.head.3.get_all("connection").iter();
            let mut options = options.map(|line| line.as_bytes().to_ascii_lowercase());
            last.end == End::Malformed(Malformed::Trailers)
                || options.any(|line| line.windows(5).any(|option| option == b"close"))
        }),
    }
}

fn hypers_requests(data: &[u8]) -> Vec<Understood> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let notes = Notes::default();
        let service = service_fn(|request| {
            let answer = notes.clone().answer(request, |_| End::CutOff);
            async { Ok::<_, Infallible>(answer.await) }
        });
        let client = Client::new([Bytes::copy_from_slice(data)]);
        let connection = server::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(client), service);
        // What it could not read is not of interest.
        let _ = connection.await;
        notes.take()
    })
}

/// The files of the corpus: the targets that are understood, how the last body has ended
/// if it is not whole, and how the connection has. None of them asks for `/hidden`.
const UNDERSTOOD: &str = "
    absolute                  | http://a.example:80/b?c /next | Over
    asterisk                  | * /next                    | Over
    authority                 |                            | Malformed(Target)
    bare_return               |                            | Malformed(Head(HeaderValue))
    chunk_extension_line_feed | /                          | Malformed(ChunkSize), Over
    chunk_extensions          | / /next                    | Over
    chunk_line_feed           | /                          | Malformed(ChunkSize), Over
    chunk_size_wraps          | /                          | Malformed(ChunkSize), Over
    chunk_too_long            | /                          | Malformed(ChunkEnd), Over
    chunked                   | /a /next                   | Over
    chunks_and_length         |                            | Malformed(TransferEncoding)
    close                     | /                          | Over
    coding_alike              |                            | Malformed(TransferEncoding)
    coding_and_space          |                            | Malformed(Head(HeaderName))
    coding_comma              |                            | Malformed(TransferEncoding)
    coding_folded             |                            | Malformed(Head(HeaderName))
    coding_gzip               |                            | Malformed(UnknownCoding)
    coding_tab                | / /next                    | Over
    cut_off                   | /                          | CutOff, Over
    empty_lines               | /a /next                   | Over
    expect                    | / /next                    | Over
    get                       | /a?b=c                     | Over
    http10                    | /                          | Over
    http10_chunked            |                            | Malformed(TransferEncoding)
    http10_kept               | / /next                    | Over
    http2                     |                            | Malformed(Version)
    length                    | /a /next                   | Over
    length_and_chunks         |                            | Malformed(TransferEncoding)
    length_list               |                            | Malformed(ContentLength)
    length_of_get             | / /next                    | Over
    length_signed             |                            | Malformed(ContentLength)
    length_too_short          | / /next                    | Over
    line_feeds                | /a /next                   | Over
    many_fields               |                            | Malformed(TooManyFields)
    pipelined                 | /1 /2 /3 /4                | Over
    same_length_twice         |                            | Malformed(ContentLength)
    trailers                  | / /next                    | Over
    trailers_line_feed        | /                          | Malformed(Trailers), Over
    tunnel                    | a.example:80               | Over
    two_codings               |                            | Malformed(TransferEncoding)
    two_lengths               |                            | Malformed(ContentLength)
    upgrade                   | /                          | Malformed(Head(Token))
    zero_byte                 |                            | Malformed(Head(HeaderValue))
";

#[test]
fn of_the_classics_nothing_is_understood_that_was_hidden() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/request");
    let rows: Vec<_> = UNDERSTOOD.trim().lines().collect();
    let files = fs::read_dir(folder).unwrap();
    assert_eq!(files.count(), rows.len(), "each has a row");
    for row in rows {
        let columns: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, targets, ends] = columns[..] else {
            panic!("{row}");
        };
        let data = fs::read(format!("{folder}/{name}")).unwrap();
        let Requests { all, end, .. } = requests(&data, data.len());
        let understood = all.iter().map(|request| request.head.1.to_string());
        let broken = all.iter().map(|request| &request.end);
        let broken = broken.filter(|end| **end != End::Over);
        let ended = broken.chain([&end]).map(|end| format!("{end:?}"));
        let understood: Vec<_> = understood.collect();
        let ended: Vec<_> = ended.collect();
        assert_eq!(understood.join(" "), targets, "{name}");
        assert_eq!(ended.join(", "), ends, "{name}");
    }
}

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, header};
use http_body::{Body, Frame};
use http_body_util::{Empty, StreamBody};
use proptest::{collection::vec, option, prelude::*};
use tokio::io::AsyncWriteExt;

use super::*;
use crate::{BoxError, Failure, client::Conn, outgoing::Outgoing};

/// To a request that may be followed by another one.
fn asked(method: Method, version: Version) -> Asked {
    Asked {
        version,
        method,
        persists: true,
        takes_trailers: false,
        is_whole: true,
    }
}

fn to_get() -> Asked {
    asked(Method::Other, Version::HTTP_11)
}

fn size(exact: Option<u64>) -> SizeHint {
    exact.map_or_else(SizeHint::default, SizeHint::with_exact)
}

fn answer(status: u16, fields: &[(&'static str, &'static str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

fn head_of(parts: &Parts, exact: Option<u64>, asked: Asked) -> Result<(String, Said), Unfit> {
    let mut out = Vec::new();
    let said = head(parts, &size(exact), asked, &mut out)?;
    Ok((String::from_utf8(out).unwrap(), said))
}

/// The fields of an answer to GET, but for its date.
fn fields_of(parts: &Parts, exact: Option<u64>, asked: Asked) -> String {
    let (head, _) = head_of(parts, exact, asked).unwrap();
    let lines = head.strip_suffix("\r\n").unwrap();
    let (_, lines) = lines.split_once("\r\n").unwrap();
    let lines = lines.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("date: ")).collect()
}

/// What asks, what it is answered with, the lengths that are declared, that of the body if
/// it is known, and what is written: the fields, whether a body follows, and whether
/// another answer may.
const ENDINGS: &str = "
    §6.3 rule 6: known              | GET 1.1     | 200 | -    | 4 | FOUR, body, persists
    §6.3 rule 6: declared           | GET 1.1     | 200 | 4    | - | FOUR, body, persists
    §6.3 rule 6: both               | GET 1.1     | 200 | 4    | 4 | FOUR, body, persists
    §6.3 rule 6: declared twice     | GET 1.1     | 200 | 4;4  | 4 | FOUR, body, persists
    §6.3 rule 6: nothing            | GET 1.1     | 200 | -    | 0 | ZERO, body, persists
    §6.3 rule 6: an error, too      | GET 1.1     | 500 | -    | 4 | FOUR, body, persists
    §6.3 rule 6: HTTP/1.0           | GET 1.0     | 200 | -    | 4 | FOUR, KEPT, body, persists
    §6.3 rule 6: a refused tunnel   | CONNECT 1.1 | 405 | -    | 4 | FOUR, body, persists
    §6.3 rule 4: nobody knows       | GET 1.1     | 200 | -    | - | CHUNKED, body, persists
    §6.3 rule 4: an error, too      | GET 1.1     | 404 | -    | - | CHUNKED, body, persists
    §6.3 rule 8: HTTP/1.0           | GET 1.0     | 200 | -    | - | body
    §6.3 rule 1: 204                | GET 1.1     | 204 | -    | 0 | persists
    §6.3 rule 1: 204 with a body    | GET 1.1     | 204 | -    | 4 | persists
    §6.3 rule 1: 204, nobody knows  | GET 1.1     | 204 | -    | - | persists
    §6.3 rule 1: 304                | GET 1.1     | 304 | -    | 0 | persists
    §6.3 rule 1: 304 with a body    | GET 1.1     | 304 | -    | 4 | persists
    §6.3 rule 1: 304, nobody knows  | GET 1.1     | 304 | -    | - | persists
    §6.3 rule 1: 101                | GET 1.1     | 101 | 4    | 0 | persists
    §6.3 rule 1: HEAD, as GET       | HEAD 1.1    | 200 | -    | 4 | FOUR, persists
    §6.3 rule 1: HEAD, nobody knows | HEAD 1.1    | 200 | -    | - | persists
    §6.3 rule 1: HEAD in HTTP/1.0   | HEAD 1.0    | 200 | -    | - | KEPT, persists
    §6.3 rule 1: HEAD of a 204      | HEAD 1.1    | 204 | 4    | 0 | persists
    §6.3 rule 2: a tunnel           | CONNECT 1.1 | 200 | -    | 4 | CLOSE
    §6.3 rule 2: with a length      | CONNECT 1.1 | 299 | 4    | - | CLOSE
    §6.3 rule 2: in HTTP/1.0        | CONNECT 1.0 | 200 | -    | - |
    9110 §8.6: 204 with a length    | GET 1.1     | 204 | 4    | 0 | persists
    9110 §8.6: 304 with a length    | GET 1.1     | 304 | 4    | 0 | FOUR, persists
    9110 §8.6: HEAD without it      | HEAD 1.1    | 200 | 4    | 0 | FOUR, persists
    9110 §8.6: HEAD, of what?       | HEAD 1.1    | 200 | -    | 0 | persists
    9110 §8.6: HEAD of nothing      | HEAD 1.1    | 200 | 0    | 0 | ZERO, persists
    9110 §15.3.6: 205 is empty      | GET 1.1     | 205 | -    | 0 | ZERO, body, persists
    9110 §8.6: declared too short   | GET 1.1     | 200 | 3    | 4 | MISMATCH
    9110 §8.6: declared too long    | GET 1.1     | 200 | 5    | 4 | MISMATCH
    9110 §8.6: a length of nothing  | GET 1.1     | 200 | 4    | 0 | MISMATCH
    9110 §8.6: two lengths          | GET 1.1     | 200 | 4;5  | - | MISMATCH
    9110 §8.6: a list               | GET 1.1     | 200 | 4, 4 | 4 | MISMATCH
    9110 §8.6: not a length         | GET 1.1     | 200 | four | 4 | MISMATCH
    9110 §8.6: signed               | GET 1.1     | 200 | +4   | 4 | MISMATCH
    9110 §8.6: not one, for nothing | GET 1.1     | 204 | x    | 0 | persists
    9110 §8.6: two, for a 304       | GET 1.1     | 304 | 4;5  | 0 | persists
    9110 §8.6: not one, for HEAD    | HEAD 1.1    | 200 | x    | 4 | persists
    9110 §15.2: 100 is no answer    | GET 1.1     | 100 | -    | 0 | INTERIM
    9110 §15.2: 103 is no answer    | GET 1.1     | 103 | -    | 0 | INTERIM
    9110 §15.2: nor to HEAD         | HEAD 1.1    | 102 | -    | 0 | INTERIM
    9110 §15.2: nor 101 in HTTP/1.0 | GET 1.0     | 101 | -    | 0 | INTERIM
";

#[test]
fn how_an_answer_ends_is_said_by_rfc_9112_section_6_3_and_rfc_9110_section_8_6() {
    for row in ENDINGS.trim().lines() {
        let columns: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, asks, status, lengths, exact, expected] = columns[..] else {
            panic!("{row}");
        };
        let asked = match asks.split_once(' ').unwrap() {
            (method, "1.0") => asked(Method::from(&method.parse().unwrap()), Version::HTTP_10),
            (method, _) => asked(Method::from(&method.parse().unwrap()), Version::HTTP_11),
        };
        let mut parts = answer(status.parse().unwrap(), &[]);
        for length in lengths.split(';').filter(|length| *length != "-") {
            let length = HeaderValue::from_static(length);
            parts.headers.append(CONTENT_LENGTH, length);
        }
        let exact = exact.parse().ok();
        let written = match head_of(&parts, exact, asked) {
            Err(Unfit::Length(Mismatch)) => "MISMATCH".into(),
            Err(Unfit::Interim) => "INTERIM".into(),
            Ok((_, said)) => {
                let fields = fields_of(&parts, exact, asked);
                let fields = fields.split_terminator("\r\n").map(|line| match line {
                    "content-length: 4" => "FOUR",
                    "content-length: 0" => "ZERO",
                    "transfer-encoding: chunked" => "CHUNKED",
                    "connection: keep-alive" => "KEPT",
                    "connection: close" => "CLOSE",
                    other => panic!("{name}: {other}"),
                });
                let body = said.encoder.is_some().then_some("body");
                let persists = said.persists.then_some("persists");
                let all: Vec<_> = fields.chain(body).chain(persists).collect();
                all.join(", ")
            }
        };
        assert_eq!(written, expected, "{name}");
    }
}

/// RFC 9110 §7.8: what is left of the request would be the first thing that is said in
/// the other protocol.
#[test]
fn nothing_is_switched_to_in_the_midst_of_a_request() {
    let half = Asked {
        is_whole: false,
        ..to_get()
    };
    let switching = answer(101, &[("connection", "upgrade"), ("upgrade", "x")]);
    assert_eq!(
        head_of(&switching, Some(0), half).err(),
        Some(Unfit::Interim)
    );
    assert_eq!(
        head_of(&switching, Some(0), to_get()).unwrap().0,
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n{}\r\n\r\n",
            date()
        ),
    );
    assert!(head_of(&answer(200, &[]), Some(0), half).is_ok());
}

/// The line that is written now, and for a second more or less.
fn date() -> String {
    let mut date = String::from("date: ");
    date::now(|now| date += std::str::from_utf8(now).unwrap());
    date
}

#[test]
fn what_frames_a_body_is_said_by_whoever_sends_it() {
    let parts = answer(
        200,
        &[
            ("x-a", "1"),
            ("transfer-encoding", "gzip, chunked"),
            ("content-length", "4"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ],
    );
    assert_eq!(
        fields_of(&parts, Some(4), to_get()),
        "x-a: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 4\r\n"
    );
}

#[test]
fn what_becomes_of_the_connection_is_said_where_it_does_not_go_without_saying() {
    const OLD: Version = Version::HTTP_10;
    const NEW: Version = Version::HTTP_11;
    let cases: [(&str, Version, bool, &[&str], &[&str], bool); 14] = [
        ("§9.3: it persists", NEW, true, &[], &[], true),
        ("§9.6: it does not", NEW, false, &[], &["close"], false),
        (
            "§9.3: HTTP/1.0, it does",
            OLD,
            true,
            &[],
            &["keep-alive"],
            true,
        ),
        ("§9.3: HTTP/1.0, it does not", OLD, false, &[], &[], false),
        (
            "the service ends it",
            NEW,
            true,
            &["close"],
            &["close"],
            false,
        ),
        ("and it ended", NEW, false, &["close"], &["close"], false),
        (
            "in whatever letters",
            NEW,
            true,
            &["Close"],
            &["Close"],
            false,
        ),
        (
            "among other options",
            NEW,
            true,
            &["x-a, close"],
            &["x-a, close"],
            false,
        ),
        (
            "in one of two lines",
            NEW,
            true,
            &["x-a", "close"],
            &["x-a", "close"],
            false,
        ),
        ("another option", NEW, true, &["x-a"], &["x-a"], true),
        (
            "the service keeps it",
            OLD,
            true,
            &["keep-alive"],
            &["keep-alive"],
            true,
        ),
        (
            "it says so itself",
            OLD,
            true,
            &["close"],
            &["close"],
            false,
        ),
        // §9.3: "close" comes first, whatever else is said.
        (
            "the service cannot",
            NEW,
            false,
            &["keep-alive"],
            &["keep-alive", "close"],
            false,
        ),
        (
            "nor in HTTP/1.0",
            OLD,
            false,
            &["keep-alive"],
            &["keep-alive", "close"],
            false,
        ),
    ];
    for (name, version, persists, lines, expected, still) in cases {
        let mut parts = answer(200, &[]);
        for line in lines {
            let line = HeaderValue::from_static(line);
            parts.headers.append(CONNECTION, line);
        }
        let asked = Asked {
            persists,
            ..asked(Method::Other, version)
        };
        let (_, said) = head_of(&parts, Some(0), asked).unwrap();
        assert_eq!(said.persists, still, "{name}");
        let fields = fields_of(&parts, Some(0), asked);
        let fields = fields.split_terminator("\r\n");
        let options: Vec<_> = fields
            .filter_map(|line| line.strip_prefix("connection: "))
            .collect();
        assert_eq!(options, expected, "{name}");
    }
}

/// RFC 9112 §9.3: whoever keeps a connection that says so waits for what never comes.
#[test]
fn an_answer_that_ends_with_the_connection_does_not_say_that_it_persists() {
    let parts = answer(200, &[("connection", "keep-alive")]);
    let asked = asked(Method::Other, Version::HTTP_10);
    assert_eq!(
        fields_of(&parts, None, asked),
        "connection: keep-alive\r\nconnection: close\r\n"
    );
}

#[test]
fn an_answer_has_one_date() {
    let dates = |parts: &Parts| {
        let (head, _) = head_of(parts, Some(0), to_get()).unwrap();
        let lines = head.split("\r\n").filter(|line| line.starts_with("date: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = date();
    let written = dates(&answer(200, &[]));
    let after = date();
    assert!(
        written == [before] || written == [after],
        "it is the time of day: {written:?}"
    );
    // RFC 9110 §6.6.1: "An origin server with a clock MUST generate a Date header field",
    // and who has got one passes it on.
    let theirs = "Sun, 06 Nov 1994 08:49:37 GMT";
    let written = dates(&answer(200, &[("date", theirs)]));
    assert_eq!(written, [format!("date: {theirs}")]);
}

#[test]
fn the_first_line_is_in_the_words_of_whoever_asked() {
    const OLD: Version = Version::HTTP_10;
    const NEW: Version = Version::HTTP_11;
    let cases = [
        (NEW, 200, None, "HTTP/1.1 200 OK"),
        (OLD, 200, None, "HTTP/1.0 200 OK"),
        (NEW, 404, None, "HTTP/1.1 404 Not Found"),
        (NEW, 200, Some("Fine, thanks"), "HTTP/1.1 200 Fine, thanks"),
        (NEW, 503, Some("Busy"), "HTTP/1.1 503 Busy"),
        // RFC 9112 §4: "A server MUST send the space that separates the status-code from
        // the reason-phrase even when the reason-phrase is absent".
        (NEW, 200, Some(""), "HTTP/1.1 200 "),
        (NEW, 299, None, "HTTP/1.1 299 "),
    ];
    for (version, status, reason, expected) in cases {
        let mut parts = answer(status, &[]);
        if let Some(reason) = reason {
            let reason = ReasonPhrase::try_from(reason.as_bytes()).unwrap();
            parts.extensions.insert(reason);
        }
        let asked = asked(Method::Other, version);
        let (head, _) = head_of(&parts, Some(0), asked).unwrap();
        assert_eq!(head.split("\r\n").next(), Some(expected));
    }
}

#[test]
fn what_is_not_a_request_is_told_so_and_nothing_else_is_heard() {
    use httparse::Error as Head;
    let cases = [
        (Malformed::Head(Head::Token), "400 Bad Request"),
        (Malformed::Head(Head::HeaderName), "400 Bad Request"),
        (Malformed::Head(Head::Version), "400 Bad Request"),
        (Malformed::Version, "505 HTTP Version Not Supported"),
        (Malformed::Target, "400 Bad Request"),
        (Malformed::TargetTooLong, "414 URI Too Long"),
        (
            Malformed::HeadTooLarge,
            "431 Request Header Fields Too Large",
        ),
        (
            Malformed::TooManyFields,
            "431 Request Header Fields Too Large",
        ),
        (Malformed::TransferEncoding, "400 Bad Request"),
        (Malformed::ContentLength, "400 Bad Request"),
        (Malformed::UnknownCoding, "501 Not Implemented"),
    ];
    for (malformed, status) in cases {
        let mut out = Vec::new();
        refusal(malformed, &mut out);
        let written = String::from_utf8(out).unwrap();
        let expected =
            format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\ndate: ");
        let rest = written.strip_prefix(&expected).unwrap();
        assert!(rest.ends_with(" GMT\r\n\r\n"), "{written}");
        assert_eq!(rest.matches("\r\n").count(), 2, "{written}");
    }
}

type Content = Vec<Result<Frame<Bytes>, BoxError>>;

/// All that is written of an answer, its date included.
fn written(parts: &Parts, content: Content, asked: Asked) -> Vec<u8> {
    let mut out = Outgoing::default();
    let size = SizeHint::default();
    let said = head(parts, &size, asked, out.head()).unwrap();
    let mut body = pin!(StreamBody::new(stream::iter(content)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut written = Vec::new();
    let mut encoder = said.encoder;
    while let Some(encoder) = encoder.as_mut().filter(|encoder| !encoder.is_over()) {
        let filled = encoder.poll_fill(body.as_mut(), &mut out, &mut cx);
        assert!(matches!(filled, Poll::Ready(Ok(()))), "{filled:?}");
        assert!(out.poll_write(Pin::new(&mut written), &mut cx).is_ready());
    }
    assert!(out.poll_write(Pin::new(&mut written), &mut cx).is_ready());
    written
}

fn trailers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    fields.collect()
}

#[test]
fn trailer_fields_are_sent_where_they_are_announced_and_wanted() {
    const NEW: Version = Version::HTTP_11;
    const ALL: &[&str] = &["x-a, x-b", "X-C"];
    let cases: [(&str, Version, bool, &[&str], &str, &str); 7] = [
        (
            "RFC 9110 §6.5.1: announced and wanted",
            NEW,
            true,
            ALL,
            "transfer-encoding: chunked\r\ntrailer: x-a, x-b\r\ntrailer: X-C\r\n",
            "4\r\npage\r\n0\r\nx-a: 1\r\nx-c: 3\r\n\r\n",
        ),
        (
            "announced, and not wanted",
            NEW,
            false,
            ALL,
            "transfer-encoding: chunked\r\ntrailer: x-a, x-b\r\ntrailer: X-C\r\n",
            "4\r\npage\r\n0\r\n\r\n",
        ),
        (
            "wanted, and not announced",
            NEW,
            true,
            &[],
            "transfer-encoding: chunked\r\n",
            "4\r\npage\r\n0\r\n\r\n",
        ),
        (
            "one of them announced",
            NEW,
            true,
            &["x-c"],
            "transfer-encoding: chunked\r\ntrailer: x-c\r\n",
            "4\r\npage\r\n0\r\nx-c: 3\r\n\r\n",
        ),
        (
            "§6.5.1: nothing that frames, routes or says what it is",
            NEW,
            true,
            &["content-length, set-cookie, host, transfer-encoding, x-a"],
            "transfer-encoding: chunked\r\ntrailer: content-length, set-cookie, host, transfer-encoding, x-a\r\n",
            "4\r\npage\r\n0\r\nx-a: 1\r\n\r\n",
        ),
        (
            "not names",
            NEW,
            true,
            &["x a, , x-c"],
            "transfer-encoding: chunked\r\ntrailer: x a, , x-c\r\n",
            "4\r\npage\r\n0\r\nx-c: 3\r\n\r\n",
        ),
        (
            "HTTP/1.0 has no place for them",
            Version::HTTP_10,
            true,
            ALL,
            "",
            "page",
        ),
    ];
    for (name, version, takes_trailers, announced, fields, content) in cases {
        let mut parts = answer(200, &[]);
        for line in announced {
            let line = HeaderValue::from_static(line);
            parts.headers.append(TRAILER, line);
        }
        let asked = Asked {
            takes_trailers,
            ..asked(Method::Other, version)
        };
        assert_eq!(fields_of(&parts, None, asked), fields, "{name}");
        let sent = trailers(&[
            ("x-a", "1"),
            ("x-c", "3"),
            ("content-length", "7"),
            ("set-cookie", "a=b"),
            ("host", "b.example"),
            ("transfer-encoding", "gzip"),
        ]);
        let page = vec![Ok(Frame::data("page".into())), Ok(Frame::trailers(sent))];
        let written = String::from_utf8(written(&parts, page, asked)).unwrap();
        let (_, body) = written.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, content, "{name}");
    }
    let parts = answer(200, &[("trailer", "x-a")]);
    assert_eq!(
        fields_of(&parts, Some(4), to_get()),
        "content-length: 4\r\n",
        "none can follow a body of a known length"
    );
}

/// What our own client understands of `bytes`, which are all that comes.
fn read_back(bytes: &[u8], method: &http::Method) -> (Response<()>, Vec<u8>, Option<HeaderMap>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let (near, mut far) = tokio::io::duplex(bytes.len() + 1024);
        let mut conn = Conn::new(near);
        let mut request = http::Request::new(Empty::<Bytes>::new());
        *request.method_mut() = method.clone();
        conn.begin(&mut request).unwrap();
        far.write_all(bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let response = poll_fn(|cx| conn.poll_head(&mut request, |_| true, cx)).await;
        let (mut body, mut trailers) = (Vec::new(), None);
        while let Some(frame) = poll_fn(|cx| conn.poll_frame(cx)).await {
            match frame.unwrap().into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        assert!(conn.into_parts().1.is_empty(), "nothing is behind it");
        (response.unwrap(), body, trailers)
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_as_what_was_meant(
        status in prop_oneof![Just(200), Just(204), Just(206), Just(304), 200_u16..600],
        is_head: bool,
        is_old: bool,
        persists: bool,
        fields in vec(("[a-z][a-z0-9-]{0,10}", "[ -~\t\u{80}-\u{ff}]{0,20}"), 0..10),
        pieces in vec(vec(any::<u8>(), 0..3000), 0..12),
        is_declared: bool,
        trailer in option::of("[!-~]{1,10}"),
    ) {
        let mut parts = answer(status, &[("trailer", "x-trailer")]);
        for (name, value) in &fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let is_ours = matches!(
                name,
                CONNECTION | CONTENT_LENGTH | DATE | TRAILER | TRANSFER_ENCODING
            );
            if !is_ours {
                let value = HeaderValue::from_bytes(value.trim().as_bytes()).unwrap();
                parts.headers.append(name, value);
            }
        }
        let meant: Vec<u8> = pieces.concat();
        if is_declared {
            parts.headers.insert(CONTENT_LENGTH, meant.len().into());
        }
        let version = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
        let (method, ours) = if is_head {
            (http::Method::HEAD, Method::Head)
        } else {
            (http::Method::GET, Method::Other)
        };
        let asked = Asked { persists, takes_trailers: true, ..asked(ours, version) };
        let mut content: Content = pieces
            .into_iter()
            .map(|piece| Ok(Frame::data(piece.into())))
            .collect();
        if let Some(trailer) = &trailer {
            let value = HeaderValue::from_str(trailer).unwrap();
            let trailers = HeaderMap::from_iter([(HeaderName::from_static("x-trailer"), value)]);
            content.push(Ok(Frame::trailers(trailers)));
        }
        let written = written(&parts, content, asked);

        let mut lines = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut lines);
        prop_assert!(matches!(head.parse(&written), Ok(httparse::Status::Complete(_))));
        prop_assert_eq!(head.code, Some(status));
        prop_assert_eq!(head.version, Some(u8::from(!is_old)));

        let (read, body, trailers) = read_back(&written, &method);
        prop_assert_eq!(read.status(), status);
        prop_assert_eq!(read.version(), version);
        let mut theirs = read.headers().clone();
        let mut expected = parts.headers.clone();
        prop_assert_eq!(theirs.get_all(header::DATE).iter().count(), 1);
        for name in [CONNECTION, CONTENT_LENGTH, header::TRANSFER_ENCODING, DATE, TRAILER] {
            theirs.remove(&name);
            expected.remove(&name);
        }
        prop_assert_eq!(theirs, expected);
        let has_body = !is_head && status != 204 && status != 304;
        prop_assert_eq!(body, if has_body { meant } else { Vec::new() });
        let has_trailers = has_body && !is_old && !is_declared;
        let trailer = trailer.filter(|_| has_trailers);
        let read = trailers.and_then(|trailers| {
            trailers.get("x-trailer").map(|value| value.to_str().unwrap().to_owned())
        });
        prop_assert_eq!(read, trailer);
    }
}

#[test]
fn a_body_is_no_longer_and_no_shorter_than_its_head_says() {
    for (declared, pieces) in [(3, vec!["pa", "ge"]), (5, vec!["page"]), (1, vec![])] {
        let mut out = Outgoing::default();
        let size = SizeHint::default();
        let mut parts = answer(200, &[]);
        parts.headers.insert(CONTENT_LENGTH, declared.into());
        let said = head(&parts, &size, to_get(), out.head()).unwrap();
        let pieces = pieces
            .into_iter()
            .map(|piece| Ok::<_, BoxError>(Frame::data(piece.into())));
        let mut body = pin!(StreamBody::new(stream::iter(pieces)));
        let mut cx = Context::from_waker(Waker::noop());
        let filled = said
            .encoder
            .unwrap()
            .poll_fill(body.as_mut(), &mut out, &mut cx);
        assert!(
            matches!(filled, Poll::Ready(Err(Failure::Body(_)))),
            "{filled:?}"
        );
        assert!(body.size_hint().exact().is_none());
    }
}

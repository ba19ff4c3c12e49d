use std::{pin::pin, task::Waker};

use futures_util::{Stream, stream};
use http::HeaderValue;
use http_body::Frame;
use http_body_util::{Full, StreamBody};

use super::*;

type Piece = Result<Frame<Bytes>, BoxError>;

#[expect(clippy::unnecessary_wraps, reason = "beside others that fail")]
fn piece(bytes: &'static str) -> Piece {
    Ok(Frame::data(bytes.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "beside others that fail")]
fn trailers(names: &[&'static str]) -> Piece {
    let value = HeaderValue::from_static("1");
    let fields = names
        .iter()
        .map(|name| (HeaderName::from_static(name), value.clone()));
    Ok(Frame::trailers(fields.collect()))
}

/// How filling ends, and what has been written then.
fn filled<B>(encoder: &mut Encoder, body: B) -> (Poll<Result<(), Failure>>, String)
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let mut out = Outgoing::default();
    let mut cx = Context::from_waker(Waker::noop());
    let filled = encoder.poll_fill(body.as_mut(), &mut out, &mut cx);
    let mut written = Vec::new();
    assert!(out.poll_write(Pin::new(&mut written), &mut cx).is_ready());
    (filled, String::from_utf8(written).unwrap())
}

fn stream(pieces: Vec<Piece>) -> StreamBody<impl Stream<Item = Piece>> {
    StreamBody::new(stream::iter(pieces))
}

const LENGTH: Framing = Framing::Length(4);

#[test]
fn a_body_is_marked_off_as_its_head_says() {
    type Case = (&'static str, Framing, Vec<&'static str>, &'static str);
    use Framing::{Chunked, Close, Length};
    let long = "xxxxxxxxxxxxxxxxxxxxxxxxxx";
    let cases: [Case; 9] = [
        ("9112 §6.2: a length", LENGTH, vec!["pa", "ge"], "page"),
        ("9112 §6.2: nothing", Length(0), vec![], ""),
        ("9112 §6.2: and nothing else", Length(0), vec!["", ""], ""),
        (
            "9112 §7.1: chunks",
            Chunked,
            vec!["pa", "ge"],
            "2\r\npa\r\n2\r\nge\r\n0\r\n\r\n",
        ),
        ("9112 §7.1: none", Chunked, vec![], "0\r\n\r\n"),
        (
            "9112 §7.1: an empty one would be the last",
            Chunked,
            vec!["", "page", ""],
            "4\r\npage\r\n0\r\n\r\n",
        ),
        (
            "9112 §7.1: hexadecimal",
            Chunked,
            vec![long],
            "1a\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n",
        ),
        ("9112 §6.3 rule 8: the end", Close, vec!["pa", "ge"], "page"),
        ("9112 §6.3 rule 8: nothing", Close, vec![], ""),
    ];
    for (name, framing, pieces, expected) in cases {
        let mut encoder = Encoder::new(framing);
        let pieces = pieces.into_iter().map(piece).collect();
        let (filled, written) = filled(&mut encoder, stream(pieces));
        assert!(matches!(filled, Poll::Ready(Ok(()))), "{name}: {filled:?}");
        assert!(encoder.is_over(), "{name}");
        assert_eq!(written, expected, "{name}");
    }
}

#[test]
fn a_body_that_is_not_what_was_said_has_no_end() {
    let gone = || Err("gone".into());
    let cases: [(&str, Framing, Vec<Piece>, &str); 8] = [
        ("too short", LENGTH, vec![piece("pag")], "pag"),
        ("nothing", LENGTH, vec![], ""),
        (
            "too short, with trailers",
            LENGTH,
            vec![piece("p"), trailers(&["x-a"])],
            "p",
        ),
        ("too long", LENGTH, vec![piece("pages")], ""),
        ("longer", LENGTH, vec![piece("page"), piece("s")], "page"),
        ("it fails", LENGTH, vec![piece("pa"), gone()], "pa"),
        (
            "a chunk fails",
            Framing::Chunked,
            vec![piece("pa"), gone()],
            "2\r\npa\r\n",
        ),
        (
            "the end fails",
            Framing::Close,
            vec![piece("pa"), gone()],
            "pa",
        ),
    ];
    for (name, framing, pieces, expected) in cases {
        let mut encoder = Encoder::new(framing);
        let (filled, written) = filled(&mut encoder, stream(pieces));
        assert!(
            matches!(filled, Poll::Ready(Err(Failure::Body(_)))),
            "{name}: {filled:?}"
        );
        assert_eq!(written, expected, "{name}: what came before it");
    }
}

#[test]
fn trailer_fields_follow_chunks_if_they_are_announced() {
    let announced = || {
        vec![
            HeaderName::from_static("x-a"),
            HeaderName::from_static("x-b"),
        ]
    };
    let cases = [
        (
            "announced",
            Framing::Chunked,
            announced(),
            "4\r\npage\r\n0\r\nx-a: 1\r\n\r\n",
        ),
        (
            "not announced",
            Framing::Chunked,
            Vec::new(),
            "4\r\npage\r\n0\r\n\r\n",
        ),
        ("a length", LENGTH, announced(), "page"),
        ("the end", Framing::Close, announced(), "page"),
    ];
    for (name, framing, names, expected) in cases {
        let mut encoder = Encoder::new(framing);
        encoder.announce(names);
        let behind = vec![piece("page"), trailers(&["x-a", "x-c"]), piece("more")];
        let (filled, written) = filled(&mut encoder, stream(behind));
        assert!(matches!(filled, Poll::Ready(Ok(()))), "{name}: {filled:?}");
        assert!(encoder.is_over(), "{name}");
        assert_eq!(written, expected, "{name}");
    }
}

#[test]
fn who_says_that_this_is_all_is_not_asked_again() {
    /// One piece, after which it is over.
    struct Once(Option<Bytes>);

    impl Body for Once {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let piece = self.0.take();
            Poll::Ready(Some(Ok(Frame::data(piece.expect("it is over")))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_none()
        }
    }

    for (framing, expected) in [
        (LENGTH, "page"),
        (Framing::Chunked, "4\r\npage\r\n0\r\n\r\n"),
        (Framing::Close, "page"),
    ] {
        let mut encoder = Encoder::new(framing);
        let (_, written) = filled(&mut encoder, Once(Some("page".into())));
        assert!(encoder.is_over(), "{framing:?}");
        assert_eq!(written, expected, "{framing:?}");
    }
}

#[test]
fn what_is_there_is_taken_and_the_rest_is_waited_for() {
    let mut is_first = true;
    let body = StreamBody::new(stream::poll_fn(move |_| {
        if std::mem::take(&mut is_first) {
            return Poll::Ready(Some(piece("pa")));
        }
        Poll::Pending
    }));
    let mut encoder = Encoder::new(Framing::Chunked);
    let (filled, written) = filled(&mut encoder, body);
    assert!(filled.is_pending());
    assert!(!encoder.is_over());
    assert_eq!(written, "2\r\npa\r\n");
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    for (name, size) in [("small", 10), ("large", 10_000), ("huge", 1 << 20)] {
        let mut taken = 0;
        let body = stream::poll_fn(|_| {
            taken += size;
            let piece = Bytes::from(vec![b'x'; size]);
            Poll::Ready(Some(Ok::<_, BoxError>(Frame::data(piece))))
        });
        let mut body = pin!(StreamBody::new(body));
        let mut out = Outgoing::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut encoder = Encoder::new(Framing::Chunked);
        for _ in 0..3 {
            let filled = encoder.poll_fill(body.as_mut(), &mut out, &mut cx);
            assert!(matches!(filled, Poll::Ready(Ok(()))), "{name}");
        }
        assert!(!encoder.is_over() && !out.has_room(), "{name}");
        assert!(taken <= 64 * 1024 + size, "{name}: {taken}");
    }
}

#[test]
fn one_piece_of_a_known_length_is_not_copied() {
    let page = Bytes::from(vec![b'x'; 100_000]);
    let mut body = pin!(Full::new(page.clone()));
    let mut out = Outgoing::default();
    let mut cx = Context::from_waker(Waker::noop());
    let mut encoder = Encoder::new(Framing::Length(100_000));
    let filled = encoder.poll_fill(body.as_mut(), &mut out, &mut cx);
    assert!(matches!(filled, Poll::Ready(Ok(()))));
    assert!(encoder.is_over());
    assert!(!page.is_unique(), "it is the same memory");
}

#[test]
fn a_mismatch_says_what_it_is() {
    let failure = Failure::from(Mismatch);
    assert_eq!(
        failure.source().map(ToString::to_string).as_deref(),
        Some("its Content-Length is not the length of the body")
    );
}

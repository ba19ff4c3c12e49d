use std::{collections::VecDeque, io, pin::Pin, task::Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::io::ReadBuf;

use super::*;
use crate::Malformed;

/// What comes, a piece at a time. Nothing more does if it is `open` then.
struct Stream {
    pieces: VecDeque<&'static str>,
    open: bool,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.pieces.pop_front() {
            Some(piece) => buf.put_slice(piece.as_bytes()),
            None if self.open => return Poll::Pending,
            None => {}
        }
        Poll::Ready(Ok(()))
    }
}

fn stream(pieces: &[&'static str], open: bool) -> Stream {
    Stream {
        pieces: pieces.iter().copied().collect(),
        open,
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

type Polled = Poll<Option<Result<Frame<Bytes>, Failure>>>;

fn poll(body: &mut Incoming) -> Polled {
    Pin::new(body).poll_frame(&mut cx())
}

/// Reads the body to its end, with whoever gives it.
fn read(
    upload: &mut Upload,
    body: &mut Incoming,
    read: &mut Buffer,
    stream: &mut Stream,
) -> (Vec<u8>, Poll<Result<(), Failure>>) {
    let mut content = Vec::new();
    loop {
        match poll(body) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    assert!(!data.is_empty());
                    content.extend_from_slice(&data);
                }
            }
            Poll::Ready(Some(Err(failure))) => return (content, Poll::Ready(Err(failure))),
            Poll::Ready(None) => return (content, Poll::Ready(Ok(()))),
            Poll::Pending => {
                assert_eq!(upload.wish(&cx()), Wish::More);
                if upload.poll_pass(read, stream, &mut cx()).is_pending() {
                    return (content, Poll::Pending);
                }
            }
        }
    }
}

const CHUNKED: Framing = Framing::Chunked;
const LENGTH: Framing = Framing::Length(4);

#[test]
fn a_body_is_passed_on_up_to_its_end() {
    let cases: [(&str, Framing, &[&str], &str); 6] = [
        ("at once", LENGTH, &["pageGET"], "GET"),
        ("in pieces", LENGTH, &["p", "ag", "eGET"], "GET"),
        ("chunks", CHUNKED, &["4\r\npage\r\n0\r\n\r\nGET"], "GET"),
        (
            "pieces of chunks",
            CHUNKED,
            &["2", "\r", "\np", "a\r\n2\r\nge", "\r\n0\r\n", "\r\nG"],
            "G",
        ),
        (
            "with trailers",
            CHUNKED,
            &["4\r\npage\r\n0\r\nx-a: 1\r\n", "\r\n"],
            "",
        ),
        (
            "no chunk behind the last",
            CHUNKED,
            &["4\r\npage\r\n0\r\n\r\n0\r\n\r\n"],
            "0\r\n\r\n",
        ),
    ];
    for (name, framing, pieces, behind) in cases {
        let (mut upload, mut body) = Upload::new(framing);
        let mut buffer = Buffer::new();
        let mut stream = stream(pieces, true);
        let (content, end) = read(&mut upload, &mut body, &mut buffer, &mut stream);
        assert_eq!(content, b"page", "{name}");
        assert!(matches!(end, Poll::Ready(Ok(()))), "{name}: {end:?}");
        assert!(upload.is_over(), "{name}");
        assert_eq!(&buffer[..], behind.as_bytes(), "{name}");
        // Whoever drops it then tells nobody that it was cut off.
        drop(upload);
        assert!(matches!(poll(&mut body), Poll::Ready(None)), "{name}");
    }
}

#[test]
fn whoever_has_all_of_it_knows_that_at_once() {
    for (framing, piece) in [(LENGTH, "page"), (CHUNKED, "4\r\npage\r\n0\r\n\r\n")] {
        let (mut upload, mut body) = Upload::new(framing);
        let mut stream = stream(&[piece], true);
        assert!(poll(&mut body).is_pending());
        let passed = upload.poll_pass(&mut Buffer::new(), &mut stream, &mut cx());
        assert!(matches!(passed, Poll::Ready(Ok(()))));
        assert!(upload.is_over());
        assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(body.is_end_stream(), "{framing:?}");
    }
}

#[test]
fn what_is_missing_is_waited_for_and_what_is_broken_is_not() {
    type Expected = Poll<Option<Malformed>>;
    const CUT_OFF: Expected = Poll::Ready(None);
    let cases: [(&str, Framing, &[&str], bool, Expected); 8] = [
        ("a part", LENGTH, &["pag"], true, Poll::Pending),
        ("nothing", LENGTH, &[], true, Poll::Pending),
        ("§8: cut off", LENGTH, &["pag"], false, CUT_OFF),
        ("§8: without a word", LENGTH, &[], false, CUT_OFF),
        ("§8: in a chunk", CHUNKED, &["4\r\npag"], false, CUT_OFF),
        (
            "§8: before the last",
            CHUNKED,
            &["3\r\npag\r\n"],
            false,
            CUT_OFF,
        ),
        (
            "§7.1: no size",
            CHUNKED,
            &["3\r\npag\r\nx\r\n"],
            true,
            Poll::Ready(Some(Malformed::ChunkSize)),
        ),
        (
            "§7.1: no end",
            CHUNKED,
            &["3\r\npage\r\n"],
            true,
            Poll::Ready(Some(Malformed::ChunkEnd)),
        ),
    ];
    for (name, framing, pieces, open, expected) in cases {
        let (mut upload, mut body) = Upload::new(framing);
        let mut buffer = Buffer::new();
        let mut stream = stream(pieces, open);
        let (content, end) = read(&mut upload, &mut body, &mut buffer, &mut stream);
        assert!(b"pag".starts_with(&content[..]), "{name}");
        let end = end.map(|end| match end.unwrap_err() {
            Failure::Malformed(why) => Some(why),
            Failure::Closed(_) => None,
            Failure::Body(why) => panic!("{name}: {why}"),
        });
        assert_eq!(end, expected, "{name}");
        assert_eq!(upload.is_over(), expected.is_ready(), "{name}");
        drop(upload);
        // It was said once; or else now, that there will be no more.
        let last = poll(&mut body);
        if expected.is_ready() {
            assert!(matches!(last, Poll::Ready(None)), "{name}: {last:?}");
        } else {
            assert!(
                matches!(last, Poll::Ready(Some(Err(_)))),
                "{name}: {last:?}"
            );
        }
    }
}

#[test]
fn a_rest_is_skipped_only_if_it_is_here() {
    let cases = [
        ("all of a length", LENGTH, "pageGET", Some("GET")),
        (
            "all chunks",
            CHUNKED,
            "2\r\npa\r\n2\r\nge\r\n0\r\n\r\nGET",
            Some("GET"),
        ),
        ("trailers", CHUNKED, "0\r\nx-a: 1\r\n\r\nGET", Some("GET")),
        ("a part", LENGTH, "pag", None),
        ("nothing", LENGTH, "", None),
        ("no last chunk", CHUNKED, "4\r\npage\r\n", None),
        (
            "no end of the last chunk",
            CHUNKED,
            "4\r\npage\r\n0\r\n",
            None,
        ),
        ("no chunks", CHUNKED, "page", None),
        ("a broken one", CHUNKED, "4\r\npages\r\n0\r\n\r\n", None),
    ];
    for (name, framing, here, behind) in cases {
        let (mut upload, body) = Upload::new(framing);
        drop(body);
        assert_eq!(upload.wish(&cx()), Wish::Peace, "{name}");
        let mut buffer = Buffer::new();
        buffer.extend_from_slice(here.as_bytes());
        assert_eq!(upload.skip(&mut buffer), behind.is_some(), "{name}");
        if let Some(behind) = behind {
            assert_eq!(&buffer[..], behind.as_bytes(), "{name}");
        }
        // Asked again, it says the same.
        assert_eq!(upload.skip(&mut buffer), behind.is_some(), "{name}");
    }
}

//! Requests and their answers, one after the other.

use std::{future::pending, sync::atomic::AtomicU64};

use http_body::SizeHint;
use tokio::task::yield_now;

use super::*;

#[tokio::test]
async fn one_exchange_follows_the_other() {
    let (mut client, mut server) = pair(1024, path);
    assert!(server.is_waiting());
    assert_eq!(server.requests(), 0);
    for requests in 1..4 {
        assert!(poll(&mut server).is_pending());
        assert!(server.is_waiting() && !server.has_heard());
        let asked = format!("GET /a{requests} HTTP/1.1\r\n\r\n");
        client.write_all(asked.as_bytes()).await.unwrap();
        assert!(poll(&mut server).is_pending());
        assert_eq!(server.requests(), requests);
        let expected = format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n/a{requests}");
        assert_eq!(
            read_to(&mut client, &format!("/a{requests}")).await,
            expected
        );
    }
    drop(client);
    assert!(matches!(poll(&mut server), Poll::Ready(Ok(End::Over))));
    assert!(!server.has_left_unread());
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_turn() {
    let mut running = 0;
    let started = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&started);
    let service = move |request: Request<Incoming>| {
        running += 1;
        assert_eq!(count.fetch_add(1, Relaxed) + 1, running);
        let path = request.uri().path().to_owned();
        async move {
            // The first ones take longest.
            for _ in 0..10_usize.saturating_sub(running) {
                yield_now().await;
            }
            page(path)
        }
    };
    let (mut said, mut expected) = (String::new(), String::new());
    for number in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] {
        said.extend([
            "\r\nGET /",
            number,
            " HTTP/1.1\r\nx-a: ",
            number,
            "\r\n\r\n",
        ]);
        let len = if number == "10" { "3" } else { "2" };
        expected.extend([
            "HTTP/1.1 200 OK\r\ncontent-length: ",
            len,
            "\r\n\r\n/",
            number,
        ]);
    }
    let (end, heard) = all_of(said.as_bytes(), service).await;
    assert_eq!(started.load(Relaxed), 10);
    assert_eq!(heard, expected);
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
}

#[tokio::test]
async fn no_request_is_taken_before_the_one_in_front_of_it_is_answered() {
    let (mut client, mut server) = pair(1024, |_| pending());
    client.write_all(&[GET, GET].concat()).await.unwrap();
    assert!(poll(&mut server).is_pending());
    assert_eq!(server.requests(), 1);
    assert!(!server.is_waiting());
    assert!(server.has_heard());
}

#[tokio::test]
async fn bytes_may_come_and_go_one_at_a_time() {
    // The stream has a place for one byte.
    let (client, mut server) = pair(1, echo);
    let client = async {
        let (mut from, mut to) = tokio::io::split(client);
        let say = async {
            for body in [
                "content-length: 4\r\n\r\npage",
                "transfer-encoding: chunked\r\n\r\n2\r\npa\r\n2\r\nge\r\n0\r\n\r\n",
            ] {
                let said = format!("POST / HTTP/1.1\r\nhost: a\r\n{body}");
                to.write_all(said.as_bytes()).await.unwrap();
            }
            to.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
        };
        let mut heard = String::new();
        let ((), heard) = tokio::join!(say, async {
            from.read_to_string(&mut heard).await.unwrap();
            heard
        });
        without_dates(&heard)
    };
    let (end, heard) = tokio::join!(
        async {
            let end = run(&mut server).await;
            drop(server);
            end
        },
        client
    );
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage";
    let last = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(heard, [page, page, last].concat());
}

#[tokio::test]
async fn an_answer_ends_as_its_request_and_status_say() {
    let cases: [(&str, &str, fn() -> Response<Content>, &str); 9] = [
        (
            "a length",
            "GET / HTTP/1.1",
            || page("page"),
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage",
        ),
        (
            "nothing",
            "GET / HTTP/1.1",
            || page(""),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "to HEAD",
            "HEAD / HTTP/1.1",
            || page("page"),
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n",
        ),
        (
            "204",
            "GET / HTTP/1.1",
            || status(204),
            "HTTP/1.1 204 No Content\r\n\r\n",
        ),
        (
            "304",
            "GET / HTTP/1.1",
            || status(304),
            "HTTP/1.1 304 Not Modified\r\n\r\n",
        ),
        (
            "chunks",
            "GET / HTTP/1.1",
            || Response::new(pieces(vec![piece("pa"), piece(""), piece("ge, and more")])),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\npa\r\nc\r\nge, and more\r\n0\r\n\r\n",
        ),
        (
            "no chunks",
            "GET / HTTP/1.1",
            || Response::new(pieces(vec![])),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks to HEAD",
            "HEAD / HTTP/1.1",
            || Response::new(pieces(vec![piece("page")])),
            "HTTP/1.1 200 OK\r\n\r\n",
        ),
        (
            "HTTP/1.0 that says so",
            "GET / HTTP/1.0\r\nconnection: keep-alive",
            || page("page"),
            "HTTP/1.0 200 OK\r\ncontent-length: 4\r\nconnection: keep-alive\r\n\r\npage",
        ),
    ];
    for (name, asked, answer, expected) in cases {
        let said = format!("{asked}\r\n\r\n").repeat(2);
        let (end, heard) = all_of(said.as_bytes(), |_| ready(answer())).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert_eq!(heard, expected.repeat(2), "{name}");
    }
}

#[tokio::test]
async fn trailer_fields_follow_where_they_are_wanted() {
    let service = |_| {
        let trailers = HeaderMap::from_iter([("x-a".parse().unwrap(), "1".parse().unwrap())]);
        let body = pieces(vec![piece("page"), Ok(Frame::trailers(trailers))]);
        ready(
            Response::builder()
                .header("trailer", "x-a")
                .body(body)
                .unwrap(),
        )
    };
    let asks = b"GET / HTTP/1.1\r\nte: trailers\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    let heard = all_of(asks, service).await.1;
    let begin =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-a\r\n\r\n4\r\npage\r\n0\r\n";
    assert_eq!(heard, format!("{begin}x-a: 1\r\n\r\n{begin}\r\n"));
}

/// Nothing of one comes into the other, though they share memory.
#[tokio::test]
async fn a_request_has_no_fields_of_another_exchange() {
    let service = |request: Request<Incoming>| {
        let names: Vec<_> = request
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        let mut response = page(names.join(" "));
        for name in ["x-of-the-answer", "set-cookie"] {
            response.headers_mut().append(name, "1".parse().unwrap());
        }
        ready(response)
    };
    let said = b"GET / HTTP/1.1\r\nx-a: 1\r\ncookie: 1\r\n\r\nGET / HTTP/1.1\r\nx-b: 1\r\n\r\n";
    for _ in 0..2 {
        let heard = all_of(said, service).await.1;
        let begin = |len| {
            format!(
                "HTTP/1.1 200 OK\r\nx-of-the-answer: 1\r\nset-cookie: 1\r\ncontent-length: {len}\r\n\r\n"
            )
        };
        assert_eq!(heard, format!("{}x-a cookie{}x-b", begin(10), begin(3)));
    }
}

#[tokio::test]
async fn what_is_kept_of_an_answer_is_memory_alone() {
    #[derive(Clone)]
    struct Secret;
    let answer = |request: Request<Incoming>| {
        assert!(request.extensions().get::<Secret>().is_none());
        let response = Response::builder()
            .header("set-cookie", "1")
            .extension(Secret);
        ready(response.body(Content::default()).unwrap())
    };
    for _ in 0..2 {
        let (_, heard) = all_of(GET, answer).await;
        assert!(heard.contains("set-cookie: 1"));
    }
    let kept = spare::headers();
    assert!(kept.is_empty() && kept.capacity() > 0);
    assert!(spare::extensions().is_empty());
}

#[tokio::test]
async fn a_connection_that_has_had_much_to_read_gives_up_the_memory() {
    let (mut client, mut server) = pair(1 << 20, echo);
    let large = "POST / HTTP/1.1\r\ncontent-length: 500000\r\n\r\n";
    client.write_all(large.as_bytes()).await.unwrap();
    client.write_all(&vec![b'x'; 500_000]).await.unwrap();
    assert!(poll(&mut server).is_pending());
    let read = server.read.capacity();
    for _ in 0..6 {
        client.write_all(GET).await.unwrap();
        assert!(poll(&mut server).is_pending());
    }
    assert!(server.read.capacity() < 20_000, "of {read}");
}

#[tokio::test]
async fn a_large_answer_passes_through_a_narrow_stream() {
    let sent: Bytes = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for size in [sent.len(), 100_000, 1000] {
        let frames: Vec<_> = sent
            .chunks(size)
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        let mut frames = Some(frames);
        let (mut client, mut server) = pair(5000, |_| {
            let body = pieces(frames.take().unwrap_or_default());
            let response = Response::builder().header("content-length", sent.len());
            ready(response.body(body).unwrap())
        });
        client.write_all(GET).await.unwrap();
        let client = async {
            read_to(&mut client, "\r\n\r\n").await;
            let mut heard = vec![0; sent.len()];
            client.read_exact(&mut heard).await.unwrap();
            drop(client);
            heard
        };
        let (end, heard) = tokio::join!(run(&mut server), client);
        assert!(heard == sent, "in pieces of {size}");
        assert!(matches!(end, Ok(End::Over)), "{end:?}");
    }
}

/// A body of so many pieces, each of 4 KiB, that counts those that are taken.
struct Counted {
    left: u64,
    taken: Arc<AtomicU64>,
}

const PIECE: u64 = 4096;

impl Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.left = left;
        self.taken.fetch_add(PIECE, Relaxed);
        Poll::Ready(Some(Ok(Frame::data(vec![b'x'; 4096].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test]
async fn of_a_body_no_more_is_taken_than_the_client_reads() {
    let taken = Arc::<AtomicU64>::default();
    let count = Arc::clone(&taken);
    let (mut client, mut server) = pair(1024, move |_| {
        let taken = Arc::clone(&count);
        ready(Response::new(boxed(Counted { left: 2560, taken })))
    });
    client.write_all(GET).await.unwrap();
    let mut heard = 0;
    let mut part = [0; 1024];
    for _ in 0..100 {
        for _ in 0..3 {
            assert!(poll(&mut server).is_pending());
        }
        let waiting = taken.load(Relaxed).saturating_sub(heard);
        assert!(waiting <= 128 * 1024, "{waiting} bytes wait");
        heard += client.read(&mut part).await.unwrap() as u64;
    }
    assert!(taken.load(Relaxed) < 1 << 20);
}

/// A client that asks for as much as there is must not keep others waiting.
#[tokio::test]
async fn a_connection_pauses_however_much_there_is_to_do() {
    // Nothing is ever in the way.
    let (mut client, mut server) = pair(1 << 20, path);
    client.write_all(&GET.repeat(1000)).await.unwrap();
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        assert!(server.as_mut().poll(cx).is_pending());
        if server.requests() < 1000 {
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
    assert!(polls > 3, "{polls}");
}

#[tokio::test]
async fn a_client_that_leaves_has_its_request_dropped() {
    let mut held = Some(Arc::<()>::default());
    let weak = Arc::downgrade(held.as_ref().unwrap());
    let (mut client, mut server) = pair(1024, |_| {
        let held = held.take();
        async {
            pending::<()>().await;
            drop(held);
            page("")
        }
    });
    client.write_all(GET).await.unwrap();
    let (task, waker) = Task::new();
    let mut cx = Context::from_waker(&waker);
    assert!(server.as_mut().poll(&mut cx).is_pending());
    drop(client);
    assert_eq!(task.woken(), 1);
    let end = server.as_mut().poll(&mut cx);
    assert!(
        matches!(end, Poll::Ready(Err(Failure::Closed(_)))),
        "{end:?}"
    );
    drop(server);
    assert!(weak.upgrade().is_none());
}

//! Clients that wait to be told to send their bodies (RFC 9110 §10.1.1).

use tokio::task::yield_now;

use super::*;

const WAITS: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const ECHOED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage";

/// RFC 9110 §10.1.1.
#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on_when_somebody_reads() {
    let (mut client, mut server) = pair(1024, echo);
    let client = async {
        for _ in 0..2 {
            client.write_all(WAITS).await.unwrap();
            assert_eq!(read_to(&mut client, "\r\n\r\n").await, CONTINUE);
            client.write_all(b"pa").await.unwrap();
            yield_now().await;
            client.write_all(b"ge").await.unwrap();
            assert_eq!(read_to(&mut client, "page").await, ECHOED);
        }
        drop(client);
    };
    let (end, ()) = tokio::join!(run(&mut server), client);
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
}

#[tokio::test]
async fn nobody_is_told_to_go_on_who_does_so_or_does_not_ask_or_has_nothing() {
    let cases = [
        (
            "it goes on",
            "1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\npage",
        ),
        ("it does not ask", "1.1\r\ncontent-length: 4\r\n\r\npage"),
        (
            "it expects something else",
            "1.1\r\nexpect: page\r\ncontent-length: 4\r\n\r\npage",
        ),
        (
            "it has nothing",
            "1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "HTTP/1.0",
            "1.0\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\npage",
        ),
    ];
    for (name, request) in cases {
        let said = format!("POST / HTTP/{request}");
        let (end, heard) = all_of(said.as_bytes(), echo).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert!(!heard.contains("100 Continue"), "{name}: {heard}");
        assert!(heard.contains(" 200 OK\r\n"), "{name}: {heard}");
    }
    // Its version alone is what makes the difference to one that is told.
    let (mut client, mut server) = pair(1024, echo);
    let old = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    client.write_all(old).await.unwrap();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"page").await.unwrap();
    assert!(poll(&mut server).is_ready());
    assert!(rest(&mut client).await.starts_with("HTTP/1.0 200 OK\r\n"));
}

#[tokio::test]
async fn nobody_is_told_to_go_on_in_the_midst_of_an_answer() {
    let (mut client, mut server) = pair(1024, |request: Request<Incoming>| {
        ready(Response::new(boxed(request.into_body())))
    });
    client.write_all(WAITS).await.unwrap();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"page").await.unwrap();
    let end = poll(&mut server);
    assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
    assert_eq!(
        rest(&mut client).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npage"
    );
}

/// It may send its body or not, so what comes next could be either.
#[tokio::test]
async fn who_was_not_told_to_go_on_is_not_understood_after_the_answer() {
    let bodies = Bodies::default();
    for keeps in [false, true] {
        let mut early = bodies.early();
        let (mut client, mut server) = pair(1024, |request: Request<Incoming>| {
            if keeps {
                early(request)
            } else {
                ready(page("early"))
            }
        });
        client.write_all(WAITS).await.unwrap();
        let end = poll(&mut server);
        assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
        assert!(server.has_left_unread());
        assert_eq!(rest(&mut client).await, EARLY_AND_LAST);
        if keeps {
            assert!(
                read(bodies.take()).await.is_err(),
                "nobody may take it for a whole one"
            );
        }
    }
}

//! Answers that end before they are over: a client can tell, and has what came before.

use super::{End, Reply, Wire};

/// Of a content, this much comes.
const HALF: usize = 1 << 20;

#[tokio::test]
async fn a_client_can_tell_and_has_all_that_came_before() {
    let half = "x".repeat(HALF);
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{half}",
        2 * HALF
    );
    let chunks =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{HALF:x}\r\n{half}\r\n");
    let within = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}",
        2 * HALF
    );
    let replies = vec![
        ("/length", Reply::Last(length.into())),
        ("/chunks", Reply::Last(chunks.into())),
        ("/within-a-chunk", Reply::Last(within.into())),
    ];
    let wire = Wire::start(&[], replies).await;
    for path in ["/length", "/chunks", "/within-a-chunk"] {
        for _ in 0..3 {
            let mut client = wire
                .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(answer.end, End::BrokenOff, "{path}");
            assert_eq!(answer.content.len(), HALF, "{path}");
            assert!(answer.content == half.as_bytes(), "{path}");
        }
    }
}

#[tokio::test]
async fn one_that_only_the_close_would_end_is_reset() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let replies = vec![
        (
            "/broken",
            Reply::Last(format!("{head}4\r\npage\r\n").into()),
        ),
        (
            "/whole",
            Reply::Last(format!("{head}4\r\npage\r\n0\r\n\r\n").into()),
        ),
    ];
    let wire = Wire::start(&[], replies).await;
    for (path, is_reset) in [("/broken", true), ("/whole", false)] {
        let mut client = wire.send(format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert_eq!(client.is_reset().await, is_reset, "{path}");
    }
}

#[tokio::test]
async fn what_comes_behind_an_answer_is_no_answer() {
    let replies = vec![
        // More than was promised, and what looks like another answer.
        (
            "/more",
            Reply::last(
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage\
                 HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            ),
        ),
        (
            "/behind-chunks",
            Reply::last(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            ),
        ),
    ];
    let wire = Wire::start(&[], replies).await;
    for path in ["/more", "/behind-chunks"] {
        let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut client = wire
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n{next}"))
            .await;
        assert_eq!(client.answer().await.content, b"page", "{path}");
        assert_eq!(
            client.answer().await.content,
            b"GET /next HTTP/1.1",
            "{path}"
        );
    }
}

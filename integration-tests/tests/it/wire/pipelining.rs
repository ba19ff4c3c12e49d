//! Requests that come before the one in front of them is answered (RFC 9112 §9.3.2): "A
//! server MAY process a sequence of pipelined requests in parallel if they all have safe
//! methods, but it MUST send the corresponding responses in the same order".

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::{Reply, Wire};

#[tokio::test]
async fn several_in_one_packet_are_answered_in_their_order() {
    let wire = Wire::start(&[], Vec::new()).await;
    let requests: Vec<_> = (0..3).map(|n| format!("GET /{n} HTTP/1.1")).collect();
    let bytes = requests.join("\r\nHost: a\r\n\r\n") + "\r\nHost: a\r\n\r\n";
    let mut client = wire.send(bytes).await;
    for request in requests {
        let answer = client.answer().await;
        assert_eq!(answer.content, request.as_bytes());
    }
}

#[tokio::test]
async fn one_behind_a_body_is_not_part_of_it() {
    let wire = Wire::start(&[], Vec::new()).await;
    let get = "GET /get HTTP/1.1\r\nHost: a\r\n\r\n";
    let bodies = [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-T: 1\r\n\r\n",
    ];
    for body in bodies {
        let post = format!("POST /post HTTP/1.1\r\nHost: a\r\n{body}");
        let mut client = wire.send([&post, get, &post, get].concat()).await;
        for _ in 0..2 {
            assert_eq!(
                client.answer().await.content,
                b"POST /post HTTP/1.1",
                "{body}"
            );
            assert_eq!(
                client.answer().await.content,
                b"GET /get HTTP/1.1",
                "{body}"
            );
        }
        let requests = wire.origin.take();
        let contents: Vec<_> = requests
            .iter()
            .map(|request| &request.content[..])
            .collect();
        assert_eq!(contents, [&b"body"[..], b"", b"body", b""], "{body}");
    }
}

#[tokio::test]
async fn one_behind_a_body_that_nobody_reads_is_not_found_in_it() {
    // Too large to be taken, and full of what looks like requests.
    let wire = Wire::start(&["--max-request-body-size", "1"], Vec::new()).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let body = hidden.repeat((2 << 20) / hidden.len() + 1);
    let length = body.len();
    let get = "GET /get HTTP/1.1\r\nHost: a\r\n\r\n";
    let bodies = [
        format!("Content-Length: {length}\r\n\r\n{body}"),
        format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"),
    ];
    for body in bodies {
        let post = format!("POST /post HTTP/1.1\r\nHost: a\r\n{body}{get}");
        let mut client = wire.connect().await;
        let answers = client.send_while_hearing(&post, 2).await;
        assert_eq!(answers[0].status(), 413, "{answers:?}");
        // The connection is closed behind it, or goes on behind the body.
        let rest: Vec<_> = answers[1..]
            .iter()
            .map(|answer| &answer.content[..])
            .collect();
        assert!(
            rest.is_empty() || rest == [b"GET /get HTTP/1.1"],
            "{answers:?}"
        );
        let requests = wire.origin.take();
        assert!(
            requests.iter().all(|request| request.path() == "/get"),
            "{requests:?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_sends_a_hundred_and_reads_later_gets_all_of_them() {
    // More than the kernel holds on its way.
    let content = "x".repeat(256 * 1024);
    let large = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    );
    let wire = Wire::start(&[], vec![("/large", Reply::Whole(Bytes::from(large)))]).await;
    let paths = (0..50).flat_map(|n| [format!("/{n}"), "/large".into()]);
    let requests: Vec<_> = paths
        .map(|path| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    let requests = requests.concat();
    let mut client = wire.send(requests).await;
    // The server is to have run into the end of what the kernel takes; if it has not on a
    // slow machine, it does a little later.
    sleep(Duration::from_millis(300)).await;
    for number in 0..50 {
        let answer = client.answer().await;
        assert_eq!(answer.content, format!("GET /{number} HTTP/1.1").as_bytes());
        let answer = client.answer().await;
        assert!(
            answer.content == content.as_bytes(),
            "{number}: {:?}",
            answer.fields
        );
    }
}

#[tokio::test]
async fn a_bad_one_behind_a_good_one_is_refused_behind_its_answer() {
    let wire = Wire::start(&[], Vec::new()).await;
    let mut client = wire
        .send("GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET  /y HTTP/1.1\r\nHost: a\r\n\r\nGET /z HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.content, b"GET /x HTTP/1.1");
    assert_eq!(client.answer().await.status(), 400);
    assert_eq!(client.closed().await, b"");
    let requests = wire.origin.take();
    assert_eq!(requests.len(), 1, "{requests:?}");
}

//! Requests that no buffer holds.

use integration_tests::wait;

use super::{
    Reply, Wire,
    large::{content, in_chunks, memory, memory_when_full},
};

const STREAMED: [&str; 2] = ["--stream-requests-below", "/"];

/// The line that says where a body ends, and the body.
fn bodies(content: &[u8]) -> [(String, Vec<u8>); 2] {
    let length = format!("Content-Length: {}", content.len());
    let chunked = "Transfer-Encoding: chunked".to_owned();
    [(length, content.to_vec()), (chunked, in_chunks(content))]
}

#[tokio::test]
async fn they_reach_the_application_byte_for_byte() {
    let content = content(20 << 20);
    let bodies = bodies(&content);
    for options in [&[][..], &STREAMED] {
        let wire = Wire::start(options, Vec::new()).await;
        let mut client = wire.connect().await;
        for (lines, body) in &bodies {
            let head = format!("POST /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
            client.send([head.as_bytes(), body].concat()).await;
            let answer = client.answer().await;
            assert_eq!(answer.content, b"POST /x HTTP/1.1", "{lines}: {answer:?}");
            let requests = wire.origin.take();
            assert_eq!(requests.len(), 1, "{lines}");
            assert!(requests[0].content == content, "{lines}: {:?}", requests[0]);
        }
    }
}

#[tokio::test]
async fn they_wait_for_an_application_that_does_not_read_without_filling_the_memory() {
    const CLIENTS: usize = 8;
    let content = content(20 << 20);
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nheard";
    let wire = Wire::start(&STREAMED, vec![("/deaf", Reply::Deaf(reply.into()))]).await;
    let before = memory(&wire.server);
    let mut uploads = Vec::new();
    for (lines, body) in bodies(&content).into_iter().cycle().take(CLIENTS) {
        let head = format!("POST /deaf HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let request = [head.as_bytes(), &body].concat();
        let mut client = wire.connect().await;
        uploads.push(tokio::spawn(async move {
            client.send(request).await;
            client.answer().await
        }));
    }
    wire.origin.has_begun(CLIENTS).await;
    // Of 160 MiB.
    let full = memory_when_full(&wire.server).await;
    assert!(full < before + (64 << 20), "{before} and then {full}");

    for _ in 0..CLIENTS {
        wire.origin.release();
    }
    for upload in uploads {
        assert_eq!(upload.await.unwrap().content, b"heard");
    }
    let requests = wire.origin.take();
    assert_eq!(requests.len(), CLIENTS);
    for request in requests {
        assert!(request.content == content, "{request:?}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_the_end_of_one_reaches_a_client_that_still_sends() {
    let refusal = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n\
                   Content-Length: 9\r\n\r\ntoo large";
    let reply = Reply::AtOnce(refusal.into());
    let wire = Wire::start(&STREAMED, vec![("/upload", reply)]).await;
    for (lines, body) in bodies(&content(10 << 20)) {
        let mut client = wire
            .send(format!(
                "POST /upload HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"
            ))
            .await;
        // A client of the usual kind: it reads when it has sent all.
        wait::bounded("all to be sent", client.send(body)).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 413, "{lines}: {answer:?}");
        assert_eq!(answer.content, b"too large", "{lines}");
    }
}

#[tokio::test]
async fn one_that_goes_on_behind_its_answer_is_not_taken_for_the_next_request() {
    // The application says nothing of the connection, and has not read anything.
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
    let wire = Wire::start(&STREAMED, vec![("/early", Reply::AtOnce(reply.into()))]).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = hidden.len();
    let bodies = [
        (format!("Content-Length: {}", 2 * length), hidden.repeat(2)),
        (
            "Transfer-Encoding: chunked".to_owned(),
            format!("{length:x}\r\n{hidden}\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
        ),
    ];
    for (lines, body) in bodies {
        let (begin, rest) = body.split_at(body.len() / 2);
        let head = format!("POST /early HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let mut client = wire.send(format!("{head}{begin}")).await;
        assert_eq!(client.answer().await.content, b"early", "{lines}");
        let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.send(format!("{rest}{last}")).await;
        // The connection goes on behind the body, or not at all.
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.content, b"GET /last HTTP/1.1", "{lines}");
        }
        assert_eq!(client.closed().await, b"", "{lines}");
        let requests = wire.origin.take();
        let is_hidden = requests.iter().any(|request| request.path() == "/hidden");
        assert!(!is_hidden, "{lines}: {requests:?}");
    }
}

//! Answers that no buffer holds.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use integration_tests::wait;
use procfs::process::Process;
use tokio::time::sleep;

use super::{Client, End, Reply, Wire};

/// Bytes of which no piece is like another one.
fn content(length: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(length + 8);
    let mut number: u64 = 1;
    while bytes.len() < length {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        bytes.put_u64(number);
    }
    bytes.truncate(length);
    bytes.freeze()
}

fn with_length(content: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    Reply::Whole([head.as_bytes(), content].concat().into())
}

/// In chunks whose sizes are of no use to anybody.
fn with_chunks(content: &[u8]) -> Reply {
    let mut reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in content.chunks(77_777) {
        reply.extend(format!("{:x}\r\n", chunk.len()).bytes());
        reply.extend(chunk);
        reply.extend(b"\r\n");
    }
    reply.extend(b"0\r\n\r\n");
    Reply::Whole(reply.into())
}

async fn is_whole(client: &mut Client, content: &[u8]) {
    let answer = client.answer().await;
    assert!(
        [End::Length, End::Chunks].contains(&answer.end),
        "{:?}",
        answer.fields
    );
    assert_eq!(answer.content.len(), content.len());
    assert!(answer.content == content, "{:?}", answer.fields);
}

#[tokio::test]
async fn they_come_byte_for_byte() {
    let (small, large) = (content(1 << 20), content(50 << 20));
    let replies = vec![
        ("/length/1", with_length(&small)),
        ("/chunks/1", with_chunks(&small)),
        ("/length/50", with_length(&large)),
        ("/chunks/50", with_chunks(&large)),
    ];
    let wire = Wire::start(&[], replies).await;
    let mut client = wire.connect().await;
    for (size, content) in [(1, &small), (50, &large)] {
        for path in ["length", "chunks"] {
            client
                .send(format!("GET /{path}/{size} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .await;
            is_whole(&mut client, content).await;
        }
    }
}

/// In bytes.
fn memory(pid: i32) -> u64 {
    let status = Process::new(pid).unwrap().status().unwrap();
    status.vmrss.expect("it runs") * 1024
}

#[tokio::test]
async fn they_wait_for_a_client_that_does_not_read_without_filling_the_memory() {
    const CLIENTS: usize = 8;
    let content = content(20 << 20);
    // Nothing is written to files before this, and none of it is kept in memory.
    let options = ["--response-buffer-high-watermark", "1"];
    let wire = Wire::start(&options, vec![("/page", with_length(&content))]).await;
    let before = memory(wire.server.pid());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(wire.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await);
    }
    wire.origin.has_begun(CLIENTS).await;
    // Until nobody can write any more. Whoever kept all that the application has would
    // have taken 160 MiB by then, as fast as it comes.
    let full = wait::bounded("the server to be full", async {
        let mut last = 0;
        loop {
            // Who is slow here is not full yet, and has taken less.
            sleep(Duration::from_millis(300)).await;
            let now = memory(wire.server.pid());
            if now == last {
                break now;
            }
            last = now;
        }
    })
    .await;
    assert!(full < before + (64 << 20), "{before} and then {full}");
    for client in &mut clients {
        is_whole(client, &content).await;
    }
}

#[tokio::test]
async fn one_that_comes_before_its_request_has_ended_reaches_a_client_that_still_sends() {
    let refusal =
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large";
    let reply = Reply::AtOnce(refusal.into());
    let options = ["--stream-requests-below", "/"];
    let wire = Wire::start(&options, vec![("/upload", reply)]).await;
    let body = vec![b'x'; 10 << 20];
    let chunked = [
        format!("{:x}\r\n", body.len()).as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let bodies = [
        (format!("Content-Length: {}", body.len()), &body),
        ("Transfer-Encoding: chunked".into(), &chunked),
    ];
    for (lines, body) in bodies {
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

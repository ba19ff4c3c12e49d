//! Answers that no buffer holds.

use super::{
    Client, End, Reply, Wire,
    large::{content, in_chunks, memory, memory_when_full},
};

fn with_length(content: &[u8]) -> Reply {
    let length = content.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    Reply::Whole([head.as_bytes(), content].concat().into())
}

fn with_chunks(content: &[u8]) -> Reply {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    Reply::Whole([&head[..], &in_chunks(content)].concat().into())
}

async fn is_whole(client: &mut Client, content: &[u8]) {
    let answer = client.answer().await;
    assert!(
        [End::Length, End::Chunks].contains(&answer.end),
        "{answer:?}"
    );
    assert_eq!(answer.content.len(), content.len(), "{answer:?}");
    assert!(answer.content == content, "{answer:?}");
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

#[tokio::test]
async fn they_wait_for_a_client_that_does_not_read_without_filling_the_memory() {
    const CLIENTS: usize = 8;
    let content = content(20 << 20);
    // A megabyte of each may wait with the server, in memory.
    let options = ["--response-buffer-high-watermark", "1"];
    let wire = Wire::start(&options, vec![("/page", with_length(&content))]).await;
    let before = memory(&wire.server);
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        // One page for all of them would be fetched once.
        let request = format!("GET /page?{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        clients.push(wire.send(request).await);
    }
    wire.origin.has_begun(CLIENTS).await;
    // Of 160 MiB.
    let full = memory_when_full(&wire.server).await;
    assert!(full < before + (64 << 20), "{before} and then {full}");
    for client in &mut clients {
        is_whole(client, &content).await;
    }
}

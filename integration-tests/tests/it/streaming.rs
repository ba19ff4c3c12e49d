//! Where they are told to, bodies stream both ways at once.

use integration_tests::{Server, client, run, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::unruly;

#[tokio::test]
async fn an_answer_may_begin_before_the_request_has_ended() {
    let server = unruly::start_with_one_slot(&["--stream-requests-below", "/early"]).await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let head =
        b"POST /early HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n";
    client.write_all(head).await.unwrap();
    client.write_all(b"0").await.unwrap();

    // The application answers to the first byte: no more of them have left us.
    let mut begin = String::new();
    wait::bounded("the beginning of the answer", async {
        while !begin.contains("it begins, ") {
            let mut bytes = [0; 1024];
            let count = client.read(&mut bytes).await.unwrap();
            assert!(count > 0, "the answer broke off: {begin}");
            begin.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    })
    .await;
    assert!(begin.starts_with("HTTP/1.1 200 "), "{begin}");

    client.write_all(&[b'0'; 999]).await.unwrap();
    let end = client::read_to_end(&mut client).await;
    assert!(end.contains("and 999 bytes later it ends\n"), "{end}");
}

/// A stream of events that has begun.
async fn events(server: &Server) -> TcpStream {
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let head = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write_all(head).await.unwrap();
    let mut begin = Vec::new();
    wait::bounded("the first event", async {
        while !begin.ends_with(b"data: first\n\n\r\n") {
            assert!(client.read_buf(&mut begin).await.unwrap() > 0);
        }
    })
    .await;
    client
}

// RFC 9112 §8: "A message body that uses the chunked transfer coding is incomplete if
// the zero-sized chunk that terminates the encoding has not been received."

#[tokio::test]
async fn a_stream_that_outlasts_its_process_is_seen_to_be_cut_off() {
    let server = unruly::start(&["--shutdown-timeout", "1"]).await;
    let mut client = events(&server).await;
    let socket = server.admin_socket();
    let restarted = run(&["restart-app", "--admin-socket", &socket]).await;
    assert!(restarted.status.success(), "{restarted:?}");
    assert_eq!(client::read_to_end(&mut client).await, "");
}

#[tokio::test]
async fn a_stream_that_outlasts_the_server_is_seen_to_be_cut_off() {
    let server = unruly::start(&["--shutdown-timeout", "1"]).await;
    let mut client = events(&server).await;
    server.terminate();
    assert_eq!(client::read_to_end(&mut client).await, "");
    assert!(server.ended().await.status.success());
}

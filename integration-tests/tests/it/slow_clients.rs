//! A process that does one thing at a time is held by no client that takes its
//! time.

use std::fs;

use http::{
    Method, StatusCode,
    header::{CONTENT_LENGTH, RETRY_AFTER},
};
use http_body_util::BodyExt;
use integration_tests::{
    Server,
    client::{self, request},
    wait,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::unruly;

/// As many as are enough to hold any process many times over.
const CROWD: usize = 50;

/// More than all buffers of the kernel and of the server's HTTP together: a
/// client that reads nothing would hold whoever sends that.
const LARGE: usize = 16 << 20;

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

async fn begin_upload(server: &Server, head: &str) -> TcpStream {
    let mut client = connect(server).await;
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

/// How many requests the application has seen, this one included.
async fn request_number(server: &Server) -> u32 {
    let page = server.get("/answer/Cache-Control=no-store").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let number = page.body.split(' ').nth(1).unwrap();
    number.parse().unwrap()
}

#[tokio::test]
async fn uploads_that_take_their_time_hold_no_process() {
    let server = unruly::start_with_one_slot(&[]).await;
    let head = "POST /head HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n1";
    let mut uploads = Vec::new();
    for _ in 0..CROWD {
        uploads.push(begin_upload(&server, head).await);
    }
    server.in_flight(CROWD).await;

    let before = request_number(&server).await;
    assert_eq!(request_number(&server).await, before + 1);

    // Each is served once it is there.
    for mut upload in uploads {
        upload.write_all(b"23").await.unwrap();
        let answer = client::read_to_end(&mut upload).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn an_upload_in_chunks_reaches_the_application_with_its_length() {
    let server = unruly::start_with_one_slot(&[]).await;
    let answer = server
        .exchange(
            b"POST /head HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
              Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n",
        )
        .await
        .to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200 "), "{answer}");
    let (_, head) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 9\r\n"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn a_large_upload_goes_through_a_file_and_leaves_none() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let server = unruly::start_with_one_slot(&["--data-buffer-dir", dir]).await;
    let upload = request(Method::POST, "/early").map(|_| vec![b'0'; LARGE].into());
    let page = server.send(upload).await;
    let expected = format!("it begins, and {} bytes later it ends\n", LARGE - 1);
    assert_eq!(page.body, expected);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_application_does_not_hear_of_it() {
    let cases = [
        (
            "--max-request-body-size",
            StatusCode::PAYLOAD_TOO_LARGE,
            false,
        ),
        ("--data-buffer-size", StatusCode::SERVICE_UNAVAILABLE, true),
    ];
    for (option, status, again) in cases {
        let server = unruly::start_with_one_slot(&[option, "1"]).await;
        let before = request_number(&server).await;

        // Chunked, so that nobody can know beforehand.
        let head = "POST /head HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut upload = begin_upload(&server, head).await;
        let (mut reading, mut writing) = upload.split();
        let chunk = [b"10000\r\n", &vec![b'0'; 65536][..], b"\r\n"].concat();
        let mut answer = [0; 12];
        let send = async {
            // It may be refused, and the connection closed, at any time.
            while writing.write_all(&chunk).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            read = wait::bounded("the refusal", reading.read_exact(&mut answer)) => read.unwrap(),
            () = send => unreachable!("it has no end"),
        };
        let expected = format!("HTTP/1.1 {}", status.as_u16());
        assert_eq!(String::from_utf8_lossy(&answer), expected, "{option}");

        // If the length is told, it is.
        let upload = request(Method::POST, "/head").map(|_| vec![b'0'; 2 << 20].into());
        let page = server.send(upload).await;
        assert_eq!(page.status, status, "{option}");
        assert_eq!(page.headers.contains_key(RETRY_AFTER), again, "{option}");

        assert_eq!(request_number(&server).await, before + 1, "{option}");
    }
}

#[tokio::test]
async fn what_waits_is_shown_in_memory_or_in_files() {
    const COME: usize = 10_000;
    let cases = [
        ("64", "memory_bytes", "file_bytes"),
        ("0", "file_bytes", "memory_bytes"),
    ];
    for (megabytes, there, elsewhere) in cases {
        let server = unruly::start_with_one_slot(&["--data-buffer-memory", megabytes]).await;
        let waiting = async |bytes: usize| {
            wait::until(&format!("{bytes} in {there}"), async || {
                let status = server.status().await;
                let buffers = &status["applications"][0]["buffers"];
                assert_eq!(buffers[elsewhere], 0, "{buffers}");
                (buffers[there] == bytes).then_some(())
            })
            .await;
        };
        waiting(0).await;
        let head = "POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n";
        let mut upload = begin_upload(&server, head).await;
        upload.write_all(&[b'0'; COME]).await.unwrap();
        waiting(COME).await;
        drop(upload);
        waiting(0).await;
    }
}

#[tokio::test]
async fn an_application_never_hears_of_a_client_that_left_in_the_middle() {
    let server = unruly::start_with_one_slot(&[]).await;
    let before = request_number(&server).await;
    let head = "POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut upload = begin_upload(&server, head).await;
    upload.write_all(&vec![b'0'; 500_000]).await.unwrap();
    server.in_flight(1).await;
    drop(upload);
    server.in_flight(0).await;
    assert_eq!(request_number(&server).await, before + 1);
}

#[tokio::test]
async fn an_upload_that_an_application_drops_is_sent_again_if_it_may_be() {
    // `/nothing` closes the connection, whatever was sent.
    for (method, times) in [(Method::PUT, 2), (Method::POST, 1)] {
        let server = unruly::start_with_one_slot(&[]).await;
        let before = request_number(&server).await;
        let upload = request(method.clone(), "/nothing").map(|_| vec![b'0'; 300_000].into());
        let page = server.send(upload).await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{page:?}");
        let after = request_number(&server).await;
        assert_eq!(after - before - 1, times, "{method}");
    }
}

#[tokio::test]
async fn clients_that_do_not_read_hold_no_process() {
    let server = unruly::start_with_one_slot(&[]).await;
    let before = request_number(&server).await;
    let path = format!("/bytes/{LARGE}");
    let mut readers = Vec::new();
    for _ in 0..5 {
        let answer = client::open(server.address(), request(Method::GET, &path)).await;
        readers.push(answer.unwrap());
    }
    assert_eq!(request_number(&server).await, before + 6);

    for reader in readers {
        assert_eq!(reader.headers()[CONTENT_LENGTH], LARGE.to_string());
        let body = wait::bounded("all of it", reader.into_body().collect()).await;
        let body = body.unwrap().to_bytes();
        assert!(body.len() == LARGE && body.iter().all(|byte| *byte == b'x'));
    }
}

#[tokio::test]
async fn beyond_the_watermark_the_application_waits_for_its_client() {
    let options = [
        "--response-buffer-high-watermark",
        "1",
        "--max-request-time",
        "1",
    ];
    let server = unruly::start_with_one_slot(&options).await;
    // More than the kernel has room for.
    let path = format!("/bytes/{}", 64 << 20);
    let reader = client::open(server.address(), request(Method::GET, &path)).await;
    let queued = server.get("/answer?queued");
    tokio::pin!(queued);
    tokio::select! {
        page = &mut queued => panic!("the only process is taken: {page:?}"),
        // As good as never, beside the time that such a request takes.
        () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {}
    }
    let body = reader.unwrap().into_body();
    let (body, page) = tokio::join!(wait::bounded("all of it", body.collect()), queued);
    assert_eq!(body.unwrap().to_bytes().len(), 64 << 20);
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_answered_frees_the_process() {
    let server = unruly::start_with_one_slot(&["--response-buffer-high-watermark", "1"]).await;
    let before = request_number(&server).await;
    let path = format!("/bytes/{}", 64 << 20);
    let reader = client::open(server.address(), request(Method::GET, &path)).await;
    drop(reader.unwrap());
    assert_eq!(request_number(&server).await, before + 2);
}

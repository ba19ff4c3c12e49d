//! What HTTP/1 has beyond a head and a body, from one end to the other.

use integration_tests::{Server, client, tools, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::unruly;

async fn start(options: &[&str]) -> Server {
    tools::require("node");
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/http-1");
    let command = ["--", "node", "app.js", "{socket}"];
    Server::start(&[&["start", dir], options, &command].concat()).await
}

async fn connect(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads until `end` is all that was read last.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !read.ends_with(end.as_bytes()) {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ends");
        }
    };
    wait::bounded("an answer", reading).await;
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn who_waits_for_it_is_told_to_continue() {
    let server = start(&[]).await;
    let head = b"POST /received HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                 Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut stream = connect(&server, head).await;
    let interim = read_until(&mut stream, "\r\n\r\n").await;
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");

    stream.write_all(b"body").await.unwrap();
    let answer = client::read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""length":4"#), "{answer}");
    // It has continued already; the application has nobody to tell.
    assert!(!answer.to_lowercase().contains("expect"), "{answer}");
}

#[tokio::test]
async fn who_is_refused_is_not_told_to_continue() {
    let server = start(&["--max-request-body-size", "1"]).await;
    let cases = [
        ("Host: a\r\nContent-Length: 2097152", "413"),
        ("Host: a\r\nHost: b\r\nContent-Length: 4", "400"),
    ];
    for (fields, status) in cases {
        let head = format!("POST /received HTTP/1.1\r\n{fields}\r\nExpect: 100-continue\r\n\r\n");
        let answer = server.exchange(head.as_bytes()).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{fields}: {answer}");
    }
}

#[tokio::test]
async fn who_would_wait_in_vain_is_not_told_to_continue() {
    let server = unruly::start_with_one_slot(&["--max-request-queue-size", "1"]).await;
    let _running = connect(&server, b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.sessions(1).await;
    let _queued = connect(&server, b"GET /never?2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wait::until("a request that queues", async || {
        let status = server.status().await;
        (status["applications"][0]["pool"]["queue"]["length"] == 1).then_some(())
    })
    .await;
    let head = b"POST /answer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                 Content-Length: 4\r\n\r\n";
    let answer = server.exchange(head).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn trailer_fields_of_an_answer_reach_who_wants_them() {
    let server = start(&[]).await;
    let ask = |fields: &str| {
        format!("GET /trailers HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\n{fields}\r\n")
    };
    let wanted = server.exchange(ask("TE: trailers\r\n").as_bytes()).await;
    let (_, body) = wanted.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.to_lowercase(), "6\r\na body\r\n0\r\nx-sum: 17\r\n\r\n");
    assert!(
        wanted.to_lowercase().contains("trailer: x-sum\r\n"),
        "{wanted}"
    );

    let not_wanted = server.exchange(ask("").as_bytes()).await;
    assert!(
        not_wanted.ends_with("6\r\na body\r\n0\r\n\r\n"),
        "{not_wanted}"
    );
}

#[tokio::test]
async fn trailer_fields_of_a_request_end_here() {
    let server = start(&[]).await;
    let answer = server
        .exchange(
            b"POST /received HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
              Trailer: X-Forwarded-For\r\nTransfer-Encoding: chunked\r\n\r\n\
              4\r\nbody\r\n0\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.contains("198.51.100.1"), "{answer}");
    assert!(answer.contains(r#""trailers":{}"#), "{answer}");
}

#[tokio::test]
async fn an_old_client_gets_no_chunks_and_may_keep_its_connection() {
    let server = start(&[]).await;
    // The end of the connection is the end of the answer.
    let answer = server.exchange(b"GET /received HTTP/1.0\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(
        !head.to_lowercase().contains("transfer-encoding"),
        "{answer}"
    );
    assert!(body.starts_with('{') && body.ends_with('}'), "{answer}");

    let ask = b"GET /trailers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let answer = server.exchange(ask).await;
    assert!(answer.ends_with("\r\n\r\na body"), "{answer}");
    assert!(!answer.to_lowercase().contains("x-sum"), "{answer}");
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let server = start(&[]).await;
    let post = |number: usize| {
        let body = "x".repeat(number);
        format!("POST /received HTTP/1.1\r\nHost: a\r\nContent-Length: {number}\r\n\r\n{body}")
    };
    let mut requests: String = (1..20).map(post).collect();
    requests += "GET /received HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = server.exchange(requests.as_bytes()).await;
    let lengths: Vec<usize> = answers
        .split("\"length\":")
        .skip(1)
        .map(|rest| rest.split(',').next().unwrap().parse().unwrap())
        .collect();
    let expected: Vec<usize> = (1..20).chain([0]).collect();
    assert_eq!(lengths, expected);
}

#[tokio::test]
async fn the_client_of_an_application_in_http_1_0_may_keep_its_connection() {
    let server = unruly::start(&[]).await;
    let ask = "GET /http-1.0 HTTP/1.1\r\nHost: a\r\n";
    let twice = format!("{ask}\r\n{ask}Connection: close\r\n\r\n");
    let answers = server.exchange(twice.as_bytes()).await;
    for part in ["HTTP/1.1 200 OK\r\n", "old, but well"] {
        assert_eq!(answers.matches(part).count(), 2, "{part}: {answers}");
    }

    let answer = server.exchange(b"GET /http-1.0 HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nold, but well"), "{answer}");
}

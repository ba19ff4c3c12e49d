//! What an application does wrong is the server's to explain, and costs no
//! slot.

use http::{Method, StatusCode};
use integration_tests::{
    Server,
    client::{self, request},
    processes, wait,
};
use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::unruly;

#[tokio::test]
async fn an_application_that_breaks_http_is_a_bad_gateway() {
    let server = unruly::start_with_one_slot(&[]).await;
    for path in ["/garbage", "/nothing", "/half-a-head"] {
        for method in [Method::GET, Method::POST] {
            let page = server.send(request(method.clone(), path)).await;
            assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{method} {path}");
        }
        let page = server.get("/answer").await;
        assert_eq!(page.status, StatusCode::OK, "after {path}");
    }
}

#[tokio::test]
async fn an_application_that_never_answers_is_a_gateway_timeout() {
    let server = unruly::start_with_one_slot(&["--max-request-time", "1"]).await;
    let page = server.get("/never").await;
    assert_eq!(page.status, StatusCode::GATEWAY_TIMEOUT);

    // On a slow machine, a second may be too short for any answer.
    wait::until("an answer in time", async || {
        let page = server.get("/answer").await;
        (page.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too_and_is_not_stored() {
    let server = unruly::start_with_one_slot(&[]).await;
    for path in ["/half-a-body", "/half-a-chunk"] {
        for attempt in ["first", "second"] {
            let answer = client::try_fetch(server.address(), request(Method::GET, path)).await;
            assert!(answer.is_err(), "{attempt} {path}: {answer:?}");
        }
        let page = server.get("/answer").await;
        assert_eq!(page.status, StatusCode::OK, "after {path}");
    }
}

#[tokio::test]
async fn a_client_is_told_as_much_as_there_is_of_an_answer_that_breaks_off() {
    let server = unruly::start_with_one_slot(&[]).await;
    for path in ["/half-a-body", "/half-a-chunk"] {
        // All of it and its end may arrive together, or not.
        for attempt in 0..20 {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
            let answer = server.exchange(request.as_bytes()).await;
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("1234567890"),
                "attempt {attempt} at {path}: {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_only_the_end_of_the_connection_ends_is_whole_unless_that_broke() {
    let server = unruly::start_with_one_slot(&[]).await;
    // What the public suite for caches wants.
    let whole = server.get("/by-close/whole").await;
    assert_eq!(whole.body, "one half and the other");
    assert!(server.get("/by-close/whole").await.is_hit());

    for attempt in ["first", "second"] {
        let path = "/by-close/reset";
        let answer = client::try_fetch(server.address(), request(Method::GET, path)).await;
        assert!(answer.is_err(), "{attempt}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_only_the_end_of_the_connection_ends_is_not_whole_if_its_process_dies() {
    let server = unruly::start_with_one_slot(&[]).await;
    let mut killed = None;
    for attempt in ["first", "second"] {
        let process = wait::until("a process", async || {
            let ready = server.ready_processes().await;
            ready.into_iter().find(|pid| Some(*pid) != killed)
        })
        .await;
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let ask = b"GET /by-close/never HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(ask).await.unwrap();
        let mut answer = Vec::new();
        wait::bounded("half an answer", async {
            while !answer.ends_with(b"one half\r\n") {
                answer.push(client.read_u8().await.unwrap());
            }
        })
        .await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("fwd=uri-miss"), "{attempt}: {answer}");

        processes::signal(process, Signal::KILL);
        killed = Some(process);
        let rest = client::read_to_end(&mut client).await;
        // RFC 9112 §8: incomplete, since there is no last chunk.
        assert_eq!(rest, "", "{attempt}");
    }
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    let server = unruly::start_with_one_slot(&[]).await;
    let before = requests_that_reached_it(&server).await;

    for path in ["/nothing", "/half-a-head"] {
        let page = server.post(path, "buy one").await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    }
    // The two, and the one that asks.
    assert_eq!(requests_that_reached_it(&server).await, before + 3);
}

/// This one included.
pub(crate) async fn requests_that_reached_it(server: &Server) -> u32 {
    let page = server.get("/answer").await;
    let number = page
        .body
        .strip_prefix("request ")
        .and_then(|rest| rest.split_once(' '));
    number
        .unwrap_or_else(|| panic!("no number: {page:?}"))
        .0
        .parse()
        .unwrap()
}

//! `Expect: 100-continue` (RFC 9110 §10.1.1).

use super::{Message, Wire};

const EXPECTING: &str = "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";

fn is_interim(answer: &Message) {
    assert_eq!(answer.status(), 100, "{answer:?}");
    assert_eq!(answer.fields, [], "{answer:?}");
}

#[tokio::test]
async fn who_waits_is_told_to_go_on_once_and_before_anything_is_sent() {
    for options in [&[][..], &["--stream-requests-below", "/"]] {
        let wire = Wire::start(options, Vec::new()).await;
        let bodies = [
            ("Content-Length: 5", "hello"),
            ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ];
        let mut client = wire.connect().await;
        for (lines, body) in bodies {
            for expect in ["100-continue", "100-Continue"] {
                let head = "POST /x HTTP/1.1\r\nHost: a";
                client
                    .send(format!("{head}\r\nExpect: {expect}\r\n{lines}\r\n\r\n"))
                    .await;
                is_interim(&client.answer().await);
                client.send(body).await;
                let answer = client.answer().await;
                assert_eq!(answer.content, b"POST /x HTTP/1.1", "{lines}: {answer:?}");
                let requests = wire.origin.take();
                assert_eq!(requests.len(), 1, "{requests:?}");
                assert_eq!(requests[0].content, b"hello", "{requests:?}");
                // The server has waited for the body itself.
                assert_eq!(requests[0].lines("expect"), [""; 0], "{requests:?}");
            }
        }
    }
}

#[tokio::test]
async fn who_does_not_wait_for_it_is_understood_all_the_same() {
    // §10.1.1: "A server MAY omit sending a 100 (Continue) response if it has already
    // received some or all of the content for the corresponding request".
    let wire = Wire::start(&[], Vec::new()).await;
    let mut client = wire.connect().await;
    for _ in 0..3 {
        client
            .send(format!(
                "{EXPECTING}Content-Length: 5\r\n\r\nhelloGET /y HTTP/1.1\r\nHost: a\r\n\r\n"
            ))
            .await;
        let mut answer = client.answer().await;
        if answer.status() == 100 {
            is_interim(&answer);
            answer = client.answer().await;
        }
        assert_eq!(answer.content, b"POST /x HTTP/1.1", "{answer:?}");
        let answer = client.answer().await;
        assert_eq!(answer.content, b"GET /y HTTP/1.1", "{answer:?}");
    }
}

#[tokio::test]
async fn who_sends_nothing_is_told_nothing() {
    // §10.1.1: "A client MUST NOT generate a 100-continue expectation in a request that
    // does not include content." There is nothing to go on with.
    let wire = Wire::start(&[], Vec::new()).await;
    for lines in ["", "Content-Length: 0\r\n"] {
        for method in ["GET", "POST"] {
            let head =
                format!("{method} /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{lines}\r\n");
            let answer = wire.send(head).await.answer().await;
            assert_eq!(answer.status(), 200, "{method} {lines}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn who_speaks_http_1_0_expects_nothing() {
    // §10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0 request
    // MUST ignore that expectation."
    let wire = Wire::start(&[], Vec::new()).await;
    let head = "POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello";
    let mut client = wire.send(head).await;
    let answer = client.answer().await;
    assert_eq!(answer.content, b"POST /x HTTP/1.1", "{answer:?}");
    assert_eq!(client.closed().await, b"");
}

#[tokio::test]
async fn an_unknown_expectation_is_no_reason_to_wait() {
    let wire = Wire::start(&[], Vec::new()).await;
    for expect in ["x", "200-ok", ""] {
        let head = format!(
            "POST /x HTTP/1.1\r\nHost: a\r\nExpect: {expect}\r\nContent-Length: 5\r\n\r\nhello"
        );
        let answer = wire.send(head).await.answer().await;
        // §10.1.1: a server "MAY respond with a 417 (Expectation Failed)".
        assert!(
            [200, 417].contains(&answer.status()),
            "{expect}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_refused_is_not_asked_for_and_never_taken_for_a_request() {
    let wire = Wire::start(&["--max-request-body-size", "1"], Vec::new()).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = format!("{EXPECTING}Content-Length: {}\r\n\r\n", 2 << 20);
    // Who does not wait, and who does not give up.
    for at_once in [true, false] {
        let mut client = wire.connect().await;
        if at_once {
            client.send(format!("{head}{hidden}")).await;
        } else {
            client.send(&head).await;
        }
        assert_eq!(client.answer().await.status(), 413);
        if !at_once {
            client.send(hidden).await;
        }
        // As somebody who thinks that he has sent enough.
        client.hang_up().await;
        assert_eq!(client.closed().await, b"", "{at_once}");
        assert_eq!(wire.origin.take(), [], "{at_once}");
    }
}

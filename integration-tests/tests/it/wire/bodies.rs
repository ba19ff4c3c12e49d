//! Requests with content whose method has no use for it, and without where it has.

use super::{
    Message, Wire,
    lengths::heard,
    verdict::{Case, Verdict::Taken, judge},
};

const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_request_of_any_method_may_have_content() {
    // RFC 9112 §6: "Request message framing is independent of method semantics."
    let wire = Wire::start(&[], Vec::new()).await;
    let bodies = [
        ("Content-Length: 5\r\n\r\nhello", Taken("hello")),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            Taken("hello"),
        ),
        // §6.3, 7: "If this is a request message and none of the above are true, then the
        // message body length is zero".
        ("X-A: b\r\n\r\n", Taken("")),
        ("Content-Length: 0\r\n\r\n", Taken("")),
    ];
    let methods = [
        "GET", "DELETE", "OPTIONS", "PUT", "POST", "PATCH", "PROPFIND", "BREW",
    ];
    let cases = methods.into_iter().flat_map(|method| {
        bodies.map(|(body, verdict)| Case {
            name: method,
            bytes: format!("{method} /x HTTP/1.1\r\nHost: a\r\n{body}").into(),
            verdict,
        })
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn so_may_a_head() {
    let wire = Wire::start(&[], Vec::new()).await;
    let body = "Content-Length: 5\r\n\r\nhello";
    let mut client = wire
        .send(format!("HEAD /x HTTP/1.1\r\nHost: a\r\n{body}{BEHIND}"))
        .await;
    let answer = client.next("HEAD").await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer = client.answer().await;
    assert_eq!(answer.content, b"GET /behind HTTP/1.1");
    let requests = wire.origin.take();
    let contents: Vec<_> = requests.iter().map(heard).collect();
    assert_eq!(contents, ["hello", ""]);
}

#[tokio::test]
async fn a_content_without_a_length_has_one_for_the_application() {
    // Or chunks, but never both, and never neither.
    let wire = Wire::start(&[], Vec::new()).await;
    for method in ["GET", "POST"] {
        for chunks in ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"] {
            let head =
                format!("{method} /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
            let mut client = wire.send(format!("{head}{chunks}")).await;
            client.answer().await;
            let requests = wire.origin.take();
            let [request] = &requests[..] else {
                panic!("{requests:?}");
            };
            assert!(is_framed(request), "{request:?}");
        }
    }
}

fn is_framed(request: &Message) -> bool {
    let lines = |name| request.lines(name).len();
    let framing = lines("content-length") + lines("transfer-encoding");
    framing == 1 || framing == 0 && request.content.is_empty()
}

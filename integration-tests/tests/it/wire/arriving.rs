//! However the bytes of a request are divided on the way, it is the same request.

use std::time::Duration;

use tokio::time::sleep;

use super::{Client, Wire};

/// Has an end of every kind in it: of lines, of a head, of chunks, of trailers.
const CHUNKED: &str = "POST /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5;x=y\r\nfirst\r\n00a\r\n, and last\r\n0\r\nX-T: 1\r\n\r\n";
const LENGTH: &str = "POST /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 15\r\n\r\n\
                      first, and last";

/// What is heard of each of them.
async fn is_whole(wire: &Wire, client: &mut Client, what: &str) {
    let answer = client.answer().await;
    assert_eq!(answer.status(), 200, "{what}: {answer:?}");
    let requests = wire.origin.take();
    assert_eq!(requests.len(), 1, "{what}: {requests:?}");
    let request = &requests[0];
    assert_eq!(request.start, "POST /x HTTP/1.1", "{what}");
    assert_eq!(request.lines("x-a"), ["b"], "{what}");
    let content = str::from_utf8(&request.content);
    assert_eq!(content, Ok("first, and last"), "{what}");
}

#[tokio::test]
async fn a_request_may_come_in_two_pieces_wherever_it_is_divided() {
    for options in [&[][..], &["--stream-requests-below", "/"]] {
        let wire = Wire::start(options, Vec::new()).await;
        is_whole_wherever_it_is_divided(&wire).await;
    }
}

async fn is_whole_wherever_it_is_divided(wire: &Wire) {
    for whole in [CHUNKED, LENGTH] {
        // All on one connection: what is read too far would be missed by the next one.
        let mut client = wire.connect().await;
        for at in 1..whole.len() {
            let (begin, rest) = whole.split_at(at);
            client.send(begin).await;
            // So that the server mostly finds nothing else yet. If it does, that is fine.
            sleep(Duration::from_millis(1)).await;
            client.send(rest).await;
            is_whole(wire, &mut client, &format!("divided at {at}")).await;
        }
    }
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let wire = Wire::start(&[], Vec::new()).await;
    for whole in [CHUNKED, LENGTH] {
        let mut client = wire.connect().await;
        for byte in whole.as_bytes() {
            client.send([*byte]).await;
            // As above.
            sleep(Duration::from_millis(1)).await;
        }
        is_whole(&wire, &mut client, "byte by byte").await;
    }
}

#[tokio::test]
async fn a_request_may_come_together_with_half_of_the_next() {
    let wire = Wire::start(&[], Vec::new()).await;
    for whole in [CHUNKED, LENGTH] {
        let twice = [whole, whole].concat();
        for at in (whole.len()..twice.len()).step_by(7) {
            let (begin, rest) = twice.split_at(at);
            let mut client = wire.send(begin).await;
            is_whole(&wire, &mut client, &format!("one and up to {at}")).await;
            client.send(rest).await;
            is_whole(&wire, &mut client, &format!("from {at}")).await;
        }
    }
}

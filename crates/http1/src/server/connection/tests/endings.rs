//! When a connection is not for another request.

use super::*;

/// RFC 9110 §15.2: the client would go on waiting, and take the next answer for this one.
#[tokio::test]
async fn an_interim_answer_is_not_followed_by_the_answer_to_another_request() {
    for interim in [100, 102, 103, 199] {
        let mut answers = vec![page("of somebody else"), status(interim)];
        let twice = [GET, GET].concat();
        let (end, heard) = all_of(&twice, |_| ready(answers.pop().unwrap())).await;
        assert!(matches!(end, Err(Failure::Body(_))), "{interim}: {end:?}");
        assert_eq!(heard, "", "{interim}");
        assert_eq!(answers.len(), 1, "{interim}");
    }
}

/// RFC 9112 §6.3, rule 2.
#[tokio::test]
async fn what_is_sent_into_a_tunnel_is_not_taken_for_requests() {
    let said = b"CONNECT a.example:80 HTTP/1.1\r\n\r\nGET /secret HTTP/1.1\r\n\r\n";
    let (mut client, mut server) = pair(1024, |_| ready(status(200)));
    client.write_all(said).await.unwrap();
    assert!(matches!(run(&mut server).await, Ok(End::Over)));
    assert_eq!(server.requests(), 1);
    assert!(server.has_left_unread());
    assert_eq!(
        rest(&mut client).await,
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    );
}

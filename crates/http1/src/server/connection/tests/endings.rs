//! When a connection is not for another request.

use tokio::task::yield_now;

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

#[tokio::test]
async fn who_says_that_this_is_all_is_not_heard_after_it() {
    let cases: [(&str, &str, fn() -> Response<Content>, &str); 4] = [
        (
            "§9.6: the client",
            "GET / HTTP/1.1\r\nconnection: close",
            || page("/"),
            LAST,
        ),
        (
            "§9.6: the service",
            "GET / HTTP/1.1",
            || {
                let mut page = page("/");
                page.headers_mut()
                    .insert("connection", "close".parse().unwrap());
                page
            },
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n/",
        ),
        (
            "§9.3: HTTP/1.0",
            "GET / HTTP/1.0",
            || page("/"),
            "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n/",
        ),
        (
            "§6.3 rule 8: HTTP/1.0, and nobody knows how long it is",
            "GET / HTTP/1.0\r\nconnection: keep-alive",
            || Response::new(pieces(vec![piece("/")])),
            "HTTP/1.0 200 OK\r\n\r\n/",
        ),
    ];
    for (name, asked, answer, expected) in cases {
        let asked = format!("{asked}\r\n\r\n");
        for (behind, is_unread) in [("", false), ("GET /secret HTTP/1.1\r\n\r\n", true)] {
            let (mut client, mut server) = pair(1024, |_| ready(answer()));
            client.write_all(asked.as_bytes()).await.unwrap();
            client.write_all(behind.as_bytes()).await.unwrap();
            let end = poll(&mut server);
            assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{name}: {end:?}");
            assert_eq!(server.requests(), 1, "{name}");
            assert_eq!(server.has_left_unread(), is_unread, "{name}");
            assert_eq!(rest(&mut client).await, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_and_nothing_behind_it_is_heard() {
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x-a: 1\r\n".repeat(101));
    let large = format!("GET / HTTP/1.1\r\nx-a: {}", "x".repeat(1 << 16));
    let far = format!("GET /{}", "x".repeat(1 << 16));
    let cases = [
        ("not a head", "hello\r\n\r\n", 400),
        ("not a target", "GET a/b HTTP/1.1\r\n\r\n", 400),
        ("not HTTP/1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (
            "§6.3 rule 5: two lengths",
            "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n/",
            400,
        ),
        (
            "§6.1: a length, and chunks",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "§6.1: chunks in HTTP/1.0",
            "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "§6.3 rule 4: without an end",
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
            400,
        ),
        (
            "§6.1: a coding",
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        ("many fields", &many, 431),
        ("a large head", &large, 431),
        ("a far target", &far, 414),
    ];
    for (name, refused, expected) in cases {
        // Behind another one, whose answer is whole.
        let said = format!("GET / HTTP/1.1\r\n\r\n{refused}GET / HTTP/1.1\r\n\r\n");
        let (mut client, mut server) = pair(1 << 20, path);
        client.write_all(said.as_bytes()).await.unwrap();
        let end = run(&mut server).await;
        let Err(Failure::Malformed(malformed)) = end else {
            panic!("{name}: {end:?}");
        };
        assert_eq!(malformed.status(), expected, "{name}");
        assert_eq!(server.requests(), 1, "{name}");
        assert!(server.has_left_unread(), "{name}");
        let heard = rest(&mut client).await;
        let refusal = heard.strip_prefix(PAGE).unwrap();
        let status = StatusCode::from_u16(expected).unwrap();
        assert_eq!(
            refusal,
            format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            "{name}"
        );
    }
}

/// However they come.
#[tokio::test]
async fn who_leaves_in_the_midst_of_a_head_is_told_what_was_wrong_with_it() {
    let cases = [
        ("", None),
        ("\r\n", None),
        ("GET / HTTP/1.1\r\nx-", Some("")),
        (
            "GET / HTTP/1.1\r\nx y",
            Some("HTTP/1.1 400 Bad Request\r\n"),
        ),
    ];
    for (said, expected) in cases {
        for by_byte in [false, true] {
            let (mut client, mut server) = pair(1024, path);
            for piece in said.as_bytes().chunks(if by_byte { 1 } else { 100 }) {
                client.write_all(piece).await.unwrap();
                if by_byte {
                    assert!(poll(&mut server).is_pending());
                    assert!(server.is_waiting());
                    assert_eq!(server.has_heard(), said != "\r\n");
                }
            }
            client.shutdown().await.unwrap();
            let Poll::Ready(end) = poll(&mut server) else {
                panic!("{said:?}");
            };
            drop(server);
            let heard = rest(&mut client).await;
            match expected {
                None => assert!(matches!(end, Ok(End::Over)), "{said:?}: {end:?}"),
                Some("") => {
                    assert!(matches!(end, Err(Failure::Closed(_))), "{said:?}: {end:?}");
                }
                Some(_) => assert!(
                    matches!(end, Err(Failure::Malformed(_))),
                    "{said:?}: {end:?}"
                ),
            }
            let expected = expected.unwrap_or_default();
            assert!(heard.starts_with(expected), "{said:?}: {heard}");
            assert_eq!(heard.is_empty(), expected.is_empty(), "{said:?}: {heard}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_was_said_never_looks_whole() {
    let cases: [(&str, Option<u64>, fn() -> Content, &str); 6] = [
        (
            "it fails, in chunks",
            None,
            || pieces(vec![piece("pa"), Err("gone".into())]),
            "2\r\npa\r\n",
        ),
        (
            "it fails, with a length",
            Some(4),
            || pieces(vec![piece("pa"), Err("gone".into())]),
            "pa",
        ),
        (
            "it fails at once",
            None,
            || pieces(vec![Err("gone".into())]),
            "",
        ),
        (
            "it is too short",
            Some(5),
            || pieces(vec![piece("page")]),
            "page",
        ),
        (
            "it is too long",
            Some(3),
            || pieces(vec![piece("pa"), piece("ge")]),
            "pa",
        ),
        ("it is none", Some(1), || pieces(vec![]), ""),
    ];
    for (name, length, body, expected) in cases {
        let answer = |_| {
            let mut response = Response::new(body());
            if let Some(length) = length {
                response
                    .headers_mut()
                    .insert("content-length", length.into());
            }
            ready(response)
        };
        let (mut client, mut server) = pair(1024, answer);
        client.write_all(&[GET, GET].concat()).await.unwrap();
        let end = poll(&mut server);
        assert!(
            matches!(end, Poll::Ready(Err(Failure::Body(_)))),
            "{name}: {end:?}"
        );
        // Polled all the same, it takes no other request.
        let _ = poll(&mut server);
        assert_eq!(server.requests(), 1, "{name}");
        drop(server);
        let heard = rest(&mut client).await;
        let (_, body) = heard.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            body, expected,
            "{name}: what there was of it has been written"
        );
    }
}

#[tokio::test]
async fn an_answer_whose_fields_contradict_its_body_is_not_sent() {
    for length in [3, 5] {
        let answer = |_| {
            let mut response = page("page");
            response
                .headers_mut()
                .insert("content-length", length.into());
            ready(response)
        };
        let (end, heard) = all_of(GET, answer).await;
        assert!(matches!(end, Err(Failure::Body(_))), "{end:?}");
        assert_eq!(heard, "");
    }
}

/// Of a client that says that it will not say more, nobody knows whether it listens.
#[tokio::test]
async fn who_has_no_more_to_say_has_left() {
    let (mut client, mut server) = pair(1024, |_| async {
        yield_now().await;
        page("/")
    });
    client.write_all(GET).await.unwrap();
    client.shutdown().await.unwrap();
    let end = poll(&mut server);
    assert!(
        matches!(end, Poll::Ready(Err(Failure::Closed(_)))),
        "{end:?}"
    );
}

#[tokio::test]
async fn what_is_spoken_after_http_is_not_touched() {
    let switching = |_| {
        let response = Response::builder().status(101);
        let response = response
            .header("connection", "upgrade")
            .header("upgrade", "x");
        ready(response.body(Content::default()).unwrap())
    };
    let asked = b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    let whole = [POST, b"page"].concat();
    let ahead: &[u8] = b"GET / HTTP/1.1\r\n\r\n\x00\xff";
    for asked in [&asked[..], &whole] {
        let (mut client, mut server) = pair(1024, switching);
        client.write_all(&[asked, ahead].concat()).await.unwrap();
        let end = poll(&mut server);
        assert!(matches!(end, Poll::Ready(Ok(End::Upgraded))), "{end:?}");
        assert_eq!(server.requests(), 1);
        assert_eq!(server.as_mut().take_ahead(), ahead);
        assert!(!server.has_heard(), "it is taken once");
        let heard = read_to(&mut client, "\r\n\r\n").await;
        assert_eq!(
            heard,
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
        );
    }
    // RFC 9110 §7.8: not "in the middle of a message".
    let half = [POST, b"pa"].concat();
    let (end, heard) = all_of(&half, switching).await;
    assert!(matches!(end, Err(Failure::Body(_))), "{end:?}");
    assert_eq!(heard, "");
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_is_written_to_has_failed() {
    let (mut client, mut server) = pair(64, |_| ready(page(vec![b'x'; 1000])));
    client.write_all(GET).await.unwrap();
    assert!(poll(&mut server).is_pending());
    drop(client);
    let end = poll(&mut server);
    assert!(
        matches!(end, Poll::Ready(Err(Failure::Closed(_)))),
        "{end:?}"
    );
}

#[tokio::test]
async fn it_says_how_far_it_has_come() {
    let (_client, server) = pair(64, path);
    assert_eq!(
        format!("{server:?}"),
        "Connection { state: Head, requests: 0, is_last: false, .. }"
    );
}

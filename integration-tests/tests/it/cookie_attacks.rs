//! Whoever tries to see a page that is meant for somebody else, by way of
//! cookies, does not.

use http::{Method, StatusCode};
use integration_tests::{Server, wait};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::members::{act, ask, in_flight, is_for, log_in, page, read_twice, start, visit};

#[tokio::test]
async fn all_of_one_level_share_pages_and_reach_the_application_once() {
    let server = start().await;
    let (alice, bob) = (
        log_in(&server, "staff").await,
        log_in(&server, "staff").await,
    );
    let first = page(&server, "/page", &alice).await;
    is_for(&first, "staff");
    assert_eq!(first.header("cache-control"), "private, max-age=60");
    // Each session is answered by the application once.
    page(&server, "/other", &bob).await;
    for (session, analytics) in [(&alice, "_ga=1"), (&bob, "_ga=2"), (&bob, "_ga=3")] {
        let cookies = format!("{analytics}; {session}");
        let hit = page(&server, "/page", &cookies).await;
        assert!(hit.is_hit(), "{hit:?}");
        assert_eq!(hit.body, first.body);
        assert_eq!(hit.header("cache-control"), "private, max-age=60");
    }
    let visitor = visit(&server, "/page").await;
    is_for(&visitor, "");
    assert!(
        !visitor.header("cache-control").contains("private"),
        "{visitor:?}"
    );
}

#[tokio::test]
async fn a_forged_session_reaches_the_application() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    let secret = read_twice(&server, "/page", &staff).await;
    assert!(secret.is_hit());
    for forged in [
        "session=staff",
        "session=s999",
        "session=s1x",
        "session=S1",
        "user_id=staff",
    ] {
        is_for(&page(&server, "/page", forged).await, "");
        is_for(&page(&server, "/page", forged).await, "");
    }
}

#[tokio::test]
async fn what_a_client_says_it_was_rendered_for_counts_for_nothing() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    read_twice(&server, "/page", &staff).await;
    for name in ["!~rendered-for", "!~Rendered-For"] {
        let lines = [(name, "staff"), ("cookie", "session=made-up")];
        for _ in 0..2 {
            let answer = server.send(ask(Method::GET, "/page", &lines)).await;
            is_for(&answer, "");
            assert!(!answer.body.contains("rendered-for"), "{answer:?}");
        }
    }
    is_for(&page(&server, "/page", &staff).await, "staff");
}

#[tokio::test]
async fn a_session_of_one_site_reads_nothing_of_another() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    // The same application knows the session on both; another one would not.
    read_twice(&server, "/page", &staff).await;
    let elsewhere = [("host", "other.example"), ("cookie", staff.as_str())];
    let first = server.send(ask(Method::GET, "/page", &elsewhere)).await;
    assert!(!first.is_hit(), "{first:?}");
    let spoofed = [
        ("x-forwarded-host", "other.example"),
        ("cookie", staff.as_str()),
    ];
    let answer = server.send(ask(Method::GET, "/page", &spoofed)).await;
    assert!(!answer.body.contains("other.example"), "{answer:?}");
}

#[tokio::test]
async fn a_second_session_cookie_is_not_smuggled_past_the_first() {
    let server = start().await;
    let (staff, member) = (
        log_in(&server, "staff").await,
        log_in(&server, "member").await,
    );
    for session in [&staff, &member] {
        read_twice(&server, "/page", session).await;
    }
    let encoded = member.replace("session", "%73ession");
    let capitals = member.replace("session", "SESSION");
    let tricks = [
        format!("{staff}; {member}"),
        format!("{member}; {staff}"),
        format!("{staff}; {capitals}"),
        format!("{staff}; {encoded}"),
        format!("{staff}, {member}"),
        format!("{staff}; a=\"b; {member}\""),
        format!("{staff} {member}"),
        capitals.clone(),
        encoded.clone(),
        format!("a=b, {member}"),
        member.replace('=', " ="),
        member.replace("session=", "session=\"") + "\"",
    ];
    for trick in tricks {
        for _ in 0..2 {
            let answer = page(&server, "/page", &trick).await;
            assert!(
                answer.header("cache-status").contains("fwd=bypass"),
                "{trick}: {answer:?}"
            );
        }
    }
    // And nobody's page has been changed by it.
    is_for(&page(&server, "/page", &staff).await, "staff");
    is_for(&page(&server, "/page", &member).await, "member");
    is_for(&visit(&server, "/page").await, "");
}

#[tokio::test]
async fn a_session_in_a_second_line_is_not_taken_for_a_visitor() {
    let server = start().await;
    let member = log_in(&server, "member").await;
    for lines in [
        [("cookie", "a=b"), ("cookie", member.as_str())],
        [("cookie", member.as_str()), ("cookie", "a=b")],
    ] {
        let answer = server.send(ask(Method::GET, "/page", &lines)).await;
        is_for(&answer, "member");
        assert!(
            answer.header("cache-status").contains("fwd=bypass"),
            "{answer:?}"
        );
        is_for(&visit(&server, "/page").await, "");
    }
}

#[tokio::test]
async fn names_and_paths_with_delimiters_are_told_apart() {
    let server = start().await;
    let names = ["a", "a:v", "1:a", "a%00v", "a,b", "a;b", "http", "a b"];
    for name in names {
        let session = log_in(&server, &name.replace(' ', "_")).await;
        for path in ["/page", "/page?v", "/page%00v1:a"] {
            is_for(
                &read_twice(&server, path, &session).await,
                &name.replace(' ', "_"),
            );
        }
    }
    is_for(&visit(&server, "/page").await, "");
    is_for(&visit(&server, "/page%00v1:a").await, "");
}

#[tokio::test]
async fn a_session_that_changes_its_level_sees_the_other_pages_at_once() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    read_twice(&server, "/page", &staff).await;
    for how in ["/become", "/become-silently"] {
        let session = log_in(&server, "staff").await;
        is_for(&read_twice(&server, "/page", &session).await, "staff");
        act(&server, &format!("{how}?as=member"), &session).await;
        is_for(&read_twice(&server, "/page", &session).await, "member");
        act(&server, &format!("{how}?as=staff"), &session).await;
        is_for(&read_twice(&server, "/page", &session).await, "staff");
    }
}

#[tokio::test]
async fn whoever_is_demoted_by_another_sees_no_page_of_the_old_level() {
    let server = start().await;
    let admin = log_in(&server, "admin").await;
    let sessions = [
        log_in(&server, "staff").await,
        log_in(&server, "staff").await,
    ];
    for session in &sessions {
        assert!(read_twice(&server, "/page", session).await.is_hit());
    }
    act(&server, "/demote?from=staff&to=member", &admin).await;
    for session in &sessions {
        is_for(&page(&server, "/page", session).await, "member");
    }
}

#[tokio::test]
async fn a_session_that_is_over_reads_nothing_more() {
    let server = start().await;
    for how in ["/logout", "/leave"] {
        let session = log_in(&server, "staff").await;
        assert!(read_twice(&server, "/page", &session).await.is_hit());
        act(&server, how, &session).await;
        for _ in 0..2 {
            is_for(&page(&server, "/page", &session).await, "");
        }
        // Nor does one who sends it beside another.
        is_for(
            &page(&server, "/page", &format!("session=x; {session}")).await,
            "",
        );
    }
}

#[tokio::test]
async fn a_session_that_is_over_reads_nothing_by_other_words_either() {
    let server = start().await;
    let session = log_in(&server, "staff").await;
    // Whoever has stolen it prepares for the logout.
    let spelled = [("host", "FORUM.example"), ("cookie", session.as_str())];
    let in_capitals = || ask(Method::GET, "/page", &spelled);
    is_for(&server.send(in_capitals()).await, "staff");
    is_for(&server.send(in_capitals()).await, "staff");
    let absolute = format!(
        "GET http://forum.example/page HTTP/1.1\r\nHost: forum.example\r\n\
         Cookie: {session}\r\nConnection: close\r\n\r\n"
    );
    for how in ["/logout", "/leave"] {
        let answer = server.exchange(absolute.as_bytes()).await;
        assert!(answer.contains("for `staff`"), "{answer}");
        act(&server, how, &session).await;
        let answer = server.exchange(absolute.as_bytes()).await;
        assert!(answer.contains("for ``"), "{answer}");
        is_for(&server.send(in_capitals()).await, "");
        act(&server, "/adopt?as=staff", &session).await;
    }
}

#[tokio::test]
async fn a_logout_of_which_nobody_hears_is_one() {
    let server = start().await;
    let session = log_in(&server, "staff").await;
    assert!(read_twice(&server, "/page", &session).await.is_hit());
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let logout = format!(
        "POST /logout-slowly HTTP/1.1\r\nHost: forum.example\r\n\
         Cookie: {session}\r\nContent-Length: 0\r\n\r\n"
    );
    client.write_all(logout.as_bytes()).await.unwrap();
    wait::until("the application to end the session", async || {
        let slow = server.send(ask(Method::GET, "/slow", PAST_THE_CACHE)).await;
        (slow.header("x-slow") == "1").then_some(())
    })
    .await;
    drop(client);
    server.in_flight(0).await;
    is_for(&page(&server, "/page", &session).await, "");
}

#[tokio::test]
async fn a_logout_beside_another_session_ends_the_one_that_it_ends() {
    let server = start().await;
    let (one, other) = (
        log_in(&server, "staff").await,
        log_in(&server, "staff").await,
    );
    for session in [&one, &other] {
        assert!(read_twice(&server, "/page", session).await.is_hit());
    }
    act(&server, "/logout", &format!("{one}; {other}")).await;
    is_for(&page(&server, "/page", &other).await, "");
    is_for(&page(&server, "/page", &one).await, "staff");
}

#[tokio::test]
async fn a_page_from_before_a_logout_does_not_bring_the_session_back() {
    let server = start().await;
    let session = log_in(&server, "staff").await;
    assert!(read_twice(&server, "/page", &session).await.is_hit());
    let slow = in_flight(&server, "/slowly", &session);
    wait::until("the page to be rendered", async || {
        let rendered = server.send(ask(Method::GET, "/slow", PAST_THE_CACHE));
        (rendered.await.header("x-slow") == "1").then_some(())
    })
    .await;
    act(&server, "/logout", &session).await;
    release(&server).await;
    is_for(&slow.await.unwrap(), "staff");
    is_for(&page(&server, "/page", &session).await, "");
}

#[tokio::test]
async fn a_session_that_was_planted_shows_what_the_application_would_show_and_no_more() {
    let server = start().await;
    let planted = "session=planted";
    is_for(&read_twice(&server, "/page", planted).await, "");
    // The victim logs in with it. That is the application's hole; it must not
    // become one of the cache.
    act(&server, "/adopt?as=victim", planted).await;
    is_for(&page(&server, "/page", planted).await, "victim");
    act(&server, "/logout", planted).await;
    is_for(&page(&server, "/page", planted).await, "");
}

#[tokio::test]
async fn a_login_does_not_let_the_cookie_from_before_read_anything() {
    let server = start().await;
    let planted = "session=planted";
    is_for(&read_twice(&server, "/page", planted).await, "");
    let answer = act(&server, "/login?as=victim", planted).await;
    let victim = answer.header("set-cookie");
    let victim = victim.split(';').next().unwrap();
    is_for(&read_twice(&server, "/page", victim).await, "victim");
    is_for(&page(&server, "/page", planted).await, "");
}

#[tokio::test]
async fn users_who_race_on_a_cold_page_get_their_own() {
    let server = start().await;
    let (staff, member) = (
        log_in(&server, "staff").await,
        log_in(&server, "member").await,
    );
    // Known to the layer, and not.
    read_twice(&server, "/warm", &staff).await;
    let racing = ["", &staff, &member, "session=made-up", "", &staff, &member];
    let asked: Vec<_> = racing
        .iter()
        .map(|session| in_flight(&server, "/slowly", session))
        .collect();
    // The visitors share one request to the application; those of staff, too.
    wait::until("all to wait", async || {
        (server.status().await["applications"][0]["requests"]["in_flight"] == racing.len())
            .then_some(())
    })
    .await;
    for _ in 0..racing.len() {
        release(&server).await;
    }
    for (session, page) in racing.iter().zip(asked) {
        let who = match session {
            session if *session == staff => "staff",
            session if *session == member => "member",
            _ => "",
        };
        is_for(&page.await.unwrap(), who);
    }
}

#[tokio::test]
async fn a_session_that_a_page_hands_out_is_handed_to_one() {
    let server = start().await;
    let first = visit(&server, "/gift").await;
    let second = visit(&server, "/gift").await;
    assert_ne!(first.header("set-cookie"), "");
    assert_ne!(first.header("set-cookie"), second.header("set-cookie"));
    assert!(!second.is_hit(), "{second:?}");
}

#[tokio::test]
async fn a_head_and_a_get_are_of_the_variant_that_asks() {
    let server = start().await;
    let staff = log_in(&server, "staff with a long name".replace(' ', "_").as_str()).await;
    is_for(
        &read_twice(&server, "/page", &staff).await,
        "staff_with_a_long_name",
    );
    let length = |page: &integration_tests::client::Page| page.header("content-length");
    let get = visit(&server, "/page").await;
    let head = server.send(ask(Method::HEAD, "/page", &[])).await;
    assert_eq!((head.body.as_str(), length(&head)), ("", length(&get)));
    let of_staff = server
        .send(ask(Method::HEAD, "/page", &[("cookie", &staff)]))
        .await;
    assert_ne!(length(&of_staff), length(&get));

    // One that comes first leaves nothing behind.
    server
        .send(ask(Method::HEAD, "/cold", &[("cookie", &staff)]))
        .await;
    is_for(&visit(&server, "/cold").await, "");
    assert!(!visit(&server, "/cold").await.body.is_empty());
}

#[tokio::test]
async fn a_part_is_of_the_variant_that_asks() {
    let server = start().await;
    let staff = log_in(&server, "staff").await;
    is_for(&read_twice(&server, "/page", &staff).await, "staff");
    let part = |cookies: &'static str| [("range", "bytes=0-10"), ("cookie", cookies)];
    for cookies in ["_ga=1", "session=made-up"] {
        let answer = server.send(ask(Method::GET, "/page", &part(cookies))).await;
        assert!(answer.body.starts_with("for ``"), "{answer:?}");
    }
    let own = [("range", "bytes=0-10"), ("cookie", staff.as_str())];
    let answer = server.send(ask(Method::GET, "/page", &own)).await;
    assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
    assert!(answer.body.starts_with("for `staff`"), "{answer:?}");
}

/// So that the application is asked each time.
const PAST_THE_CACHE: &[(&str, &str)] = &[("authorization", "x")];

/// Lets one more of the slow pages go.
async fn release(server: &Server) {
    let answer = server
        .send(ask(Method::GET, "/release", PAST_THE_CACHE))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

//! The other modes: visitors only, signed, unverified; each by its option.

use cookie::{CookieJar, Key};
use http::StatusCode;
use integration_tests::{Server, run};

use crate::{
    members::{is_for, log_in, page, start_with, visit},
    unruly::{FOLDER, PROGRAM},
};

/// A page that is fresh for everybody, and says which cookies came.
const FRESH: &str = "/answer/Cache-Control=public,max-age=60";

#[tokio::test]
async fn visitors_are_answered_from_memory_and_users_never() {
    let server = start_with(&["--turbocache-without-cookie", "session"]).await;
    let first = page(&server, "/page", "_ga=1").await;
    is_for(&first, "");
    for cookies in ["_ga=2", "_ga=3; theme=dark", "session="] {
        let hit = page(&server, "/page", cookies).await;
        assert!(hit.is_hit(), "{hit:?}");
        assert_eq!(hit.body, first.body);
    }
    let alice = log_in(&server, "alice").await;
    for _ in 0..2 {
        let own = page(&server, "/page", &alice).await;
        is_for(&own, "alice");
        assert!(
            own.header("cache-status").contains("detail=session-cookie"),
            "{own:?}"
        );
        assert_eq!(own.header("cache-control"), "private, max-age=60");
    }
    let visitor = visit(&server, "/page").await;
    assert_eq!(visitor.body, first.body);
}

#[tokio::test]
async fn only_a_signature_of_the_key_reads_what_is_stored_for_a_user() {
    let (new, old) = ([b'n'; 64], [b'o'; 64]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, format!("{}\n{}\n", base64(&new), base64(&old))).unwrap();
    let server = unruly(&[
        "--vary-turbocache-by-signed-cookie",
        "user_id",
        "--cookie-key-kind",
        "signed-jar",
        "--cookie-key-file",
        file.to_str().unwrap(),
    ])
    .await;
    let (one, two) = (signed(&new, "1"), signed(&new, "2"));
    let first = page(&server, FRESH, &one).await;
    assert!(first.body.contains(&one), "{first:?}");
    let hit = page(&server, FRESH, &format!("_ga=1; {one}")).await;
    assert!(hit.is_hit() && hit.body == first.body, "{hit:?}");
    assert!(
        hit.header("cache-control").starts_with("private"),
        "{hit:?}"
    );

    // The same user, by the key of last week.
    assert!(page(&server, FRESH, &signed(&old, "1")).await.is_hit());
    let other = page(&server, FRESH, &two).await;
    assert!(other.body.contains(&two), "{other:?}");

    let mut changed = one.clone();
    changed.pop();
    changed.push('2');
    let truncated = one[..one.len() - 1].to_owned();
    let transplanted = one.replace("user_id", "User_Id");
    for forged in [
        "user_id=1".to_owned(),
        signed(&[b'x'; 64], "1"),
        changed,
        truncated,
        transplanted,
        format!("{one}; {two}"),
    ] {
        for _ in 0..2 {
            let answer = page(&server, FRESH, &forged).await;
            assert!(
                answer.header("cache-status").contains("fwd=bypass"),
                "{answer:?}"
            );
            assert!(answer.body.contains(&forged), "{answer:?}");
        }
    }
    // And none of them has left a page behind.
    assert_eq!(page(&server, FRESH, &one).await.body, first.body);
    let visitor = visit(&server, FRESH).await;
    assert!(visitor.body.contains("cookie ``"), "{visitor:?}");
}

#[tokio::test]
async fn a_cookie_that_rails_has_signed_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "0123456789abcdef".repeat(8)).unwrap();
    let server = unruly(&[
        "--vary-turbocache-by-signed-cookie",
        "user_id",
        "--cookie-key-kind",
        "rails-7",
        "--cookie-key-file",
        file.to_str().unwrap(),
    ])
    .await;
    let alice = "user_id=eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5EST0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19--00816ecd46a42b99afefc42e3c745622483790c6";
    page(&server, FRESH, alice).await;
    assert!(page(&server, FRESH, alice).await.is_hit());
    let forged = page(&server, FRESH, &alice.replace("--0", "--1")).await;
    assert!(
        forged
            .header("cache-status")
            .contains("bad-cookie-signature"),
        "{forged:?}"
    );
}

#[tokio::test]
async fn unverified_is_what_its_name_says() {
    let refused = run(&[
        "start",
        FOLDER,
        "--vary-turbocache-by-cookie",
        "user_id",
        "--",
        PROGRAM,
    ])
    .await;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(refused.stderr.contains("--i-trust-clients"), "{refused:?}");

    let server = unruly(&[
        "--vary-turbocache-by-cookie",
        "user_id",
        "--i-trust-clients",
    ])
    .await;
    let alice = page(&server, FRESH, "user_id=1; secret=alice's").await;
    // The hole, as it is with Passenger: whoever says that he is user 1 is.
    let anyone = page(&server, FRESH, "user_id=1").await;
    assert_eq!(anyone.body, alice.body);
    assert!(anyone.is_hit());
    // But not without saying it, or saying two things.
    for cookies in ["user_id=2", "_ga=1", "user_id=1; user_id=2", "User_Id=1"] {
        let answer = page(&server, FRESH, cookies).await;
        assert!(!answer.body.contains("alice"), "{cookies}: {answer:?}");
    }
}

#[tokio::test]
async fn no_key_is_told_to_anybody() {
    let key = base64(&[b's'; 64]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, &key).unwrap();
    let server = unruly(&[
        "--log-level",
        "trace",
        "--vary-turbocache-by-signed-cookie",
        "user_id",
        "--cookie-key-kind",
        "private-jar",
        "--cookie-key-file",
        file.to_str().unwrap(),
    ])
    .await;
    let answer = page(&server, FRESH, "user_id=hunter2").await;
    assert_eq!(answer.status, StatusCode::OK);
    let log = format!("{}{}", server.stdout(), server.stderr());
    assert!(!log.contains(&key) && !log.contains("hunter2"), "{log}");
    let command_line = std::fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&command_line).contains(&key));
}

/// The application of `src/bin/unruly-app.rs`, with all requests at a time.
async fn unruly(options: &[&str]) -> Server {
    crate::unruly::start(options).await
}

/// `user_id` with this value, signed with this key, as it stands in a request.
fn signed(key: &[u8], value: &'static str) -> String {
    let mut jar = CookieJar::new();
    jar.signed_mut(&Key::from(key)).add(("user_id", value));
    let cookie = jar.get("user_id").expect("it was just added");
    cookie.encoded().to_string()
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

//! A page that says by which cookies it varies is shared by all who have none of
//! them, and nobody reads anything by claiming one. No option says anything about
//! cookies here.

use http::{Method, StatusCode};
use integration_tests::{Server, client::Page};

use crate::{
    members::{ask, page, visit},
    unruly,
};

/// A page that depends on who somebody is, and on his language.
const PAGE: &str = "/answer/Cache-Control=public,max-age=60/Vary=Cookie\
                    /Cookie-Indices=\"user_id\",\"lang\"";

async fn start() -> Server {
    unruly::start(&["--max-pool-size", "1"]).await
}

/// Asserts that the application rendered it, for who had these cookies.
fn is_rendered_for(page: &Page, cookies: &str) {
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(!page.is_hit(), "{page:?}");
    let expected = format!("cookie `{cookies}`");
    assert!(page.body.contains(&expected), "not {expected}: {page:?}");
}

#[tokio::test]
async fn visitors_share_a_page_whatever_else_they_have() {
    let server = start().await;
    let first = page(&server, PAGE, "_ga=GA1.2.3; _gid=1").await;
    is_rendered_for(&first, "_ga=GA1.2.3; _gid=1");
    for cookies in ["_ga=GA1.2.4", "_ga=%7B1%7D; theme=dark", "a=\"b, c\"", ""] {
        let hit = page(&server, PAGE, cookies).await;
        assert!(hit.is_hit(), "{cookies}: {hit:?}");
        assert_eq!(hit.body, first.body);
    }
    let hit = visit(&server, PAGE).await;
    assert!(hit.is_hit(), "{hit:?}");
    // What is said to others stays as the application has said it.
    assert_eq!(hit.header("vary"), "Cookie");
    assert_eq!(hit.header("cookie-indices"), "\"user_id\",\"lang\"");
}

#[tokio::test]
async fn a_claim_reads_nothing_of_whom_it_names() {
    let server = start().await;
    let alice = "session=4f0c; user_id=1; _ga=1";
    is_rendered_for(&page(&server, PAGE, alice).await, alice);
    // She herself may.
    assert!(page(&server, PAGE, alice).await.is_hit());
    for forged in [
        "user_id=1",
        "user_id=1; _ga=1",
        "_ga=1; user_id=1",
        "session=made-up; user_id=1; _ga=1",
        "session=4f0; user_id=1; _ga=1",
        "user_id=1; session=4f0c; _ga=1; user_id=1",
        "User_ID=1",
        "%75ser_id=1",
    ] {
        is_rendered_for(&page(&server, PAGE, forged).await, forged);
    }
    // Nor do those who claim nothing.
    is_rendered_for(&visit(&server, PAGE).await, "");
    assert!(page(&server, PAGE, alice).await.body.contains("4f0c"));
}

#[tokio::test]
async fn a_page_for_a_user_is_not_taken_for_one_for_visitors() {
    let server = start().await;
    // An application may find its cookie in any of these.
    for (number, trick) in [
        "USER_ID=1",
        "%75ser_id=1",
        "a=b, user_id=1",
        "a=b,%75ser_id=1",
        "a=\"b\" user_id=1",
        "user.id=1",
        "user_id =1",
        "user_id",
        "=user_id=1",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{PAGE}?{number}");
        is_rendered_for(&page(&server, &path, trick).await, trick);
        is_rendered_for(&page(&server, &path, "_ga=1").await, "_ga=1");
        let visitors = visit(&server, &path).await;
        assert!(visitors.body.contains("cookie `_ga=1`"), "{visitors:?}");
        // And those who send it are not answered as visitors.
        let again = page(&server, &path, trick).await;
        assert!(again.body.contains(trick), "{again:?}");
    }
}

#[tokio::test]
async fn a_cookie_in_a_second_line_is_not_overlooked() {
    let server = start().await;
    visit(&server, PAGE).await;
    for lines in [
        [("cookie", "a=b"), ("cookie", "user_id=1")],
        [("cookie", "user_id=1"), ("cookie", "a=b")],
    ] {
        let answer = server.send(ask(Method::GET, PAGE, &lines)).await;
        assert!(!answer.is_hit(), "{answer:?}");
    }
}

#[tokio::test]
async fn without_a_word_to_shared_caches_all_cookies_count() {
    let server = start().await;
    let pages = [
        ("max-age=60", "", false),
        ("public,max-age=60", "", true),
        ("s-maxage=60", "", true),
        // RFC 9213: addressed to caches like this one.
        ("no-cache", "/CDN-Cache-Control=max-age=60", true),
        ("no-cache", "/CDN-Cache-Control=private,max-age=60", false),
    ];
    for (said, targeted, shared) in pages {
        let path = format!(
            "/answer/Cache-Control={said}{targeted}/Vary=Cookie/Cookie-Indices=\"session\""
        );
        page(&server, &path, "_ga=1").await;
        let second = page(&server, &path, "_ga=2").await;
        assert_eq!(second.is_hit(), shared, "{said}{targeted}: {second:?}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_lists_nothing() {
    let server = start().await;
    for list in ["session", "\"session", "", "(\"session\")", "\"a\",session"] {
        let path = format!("/answer/Cache-Control=s-maxage=60/Vary=Cookie/Cookie-Indices={list}");
        page(&server, &path, "_ga=1").await;
        is_rendered_for(&page(&server, &path, "_ga=2").await, "_ga=2");
    }
}

#[tokio::test]
async fn a_session_that_is_handed_out_is_handed_to_one() {
    let server = start().await;
    let path = format!("{PAGE}/Set-Cookie=session=4f0c");
    is_rendered_for(&visit(&server, &path).await, "");
    is_rendered_for(&page(&server, &path, "_ga=1").await, "_ga=1");
}

#[tokio::test]
async fn within_a_variant_the_other_cookies_count_by_their_absence() {
    let server = unruly::start(&[
        "--max-pool-size",
        "1",
        "--turbocache-without-cookie",
        "user_id",
    ])
    .await;
    is_rendered_for(&page(&server, PAGE, "_ga=1").await, "_ga=1");
    assert!(page(&server, PAGE, "_ga=2").await.is_hit());
    // Nobody has said what a language is worth.
    is_rendered_for(&page(&server, PAGE, "lang=de").await, "lang=de");
    for _ in 0..2 {
        is_rendered_for(&page(&server, PAGE, "user_id=1").await, "user_id=1");
    }
}

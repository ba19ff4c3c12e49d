//! Nobody ever gets a page that is meant for somebody else.

use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, COOKIE, HeaderName},
};
use integration_tests::{
    Server,
    client::{self, request},
};
use tokio::task::JoinSet;

use crate::unruly;

/// What an application may say about a page that is one user's alone, in the
/// ways that applications really do.
const FOR_ONE_USER: [(&str, &str); 9] = [
    ("private", "/answer/Cache-Control=private,max-age=60"),
    (
        "private in capitals",
        "/answer/Cache-Control=PRIVATE,Max-Age=60",
    ),
    (
        "private on a second line",
        "/answer/Cache-Control=max-age=60/Cache-Control=private",
    ),
    ("no-store", "/answer/Cache-Control=no-store"),
    (
        "no-store beside max-age",
        "/answer/Cache-Control=public,max-age=60,no-store",
    ),
    ("no-cache", "/answer/Cache-Control=no-cache,max-age=60"),
    (
        "a cookie is set",
        "/answer/Cache-Control=public,max-age=60/Set-Cookie=session=1",
    ),
    (
        "it depends on the cookie",
        "/answer/Cache-Control=public,max-age=60/Vary=Cookie",
    ),
    ("nothing at all", "/answer"),
];

#[tokio::test]
async fn two_users_never_get_each_other_s_pages() {
    let server = all_at_once().await;
    for (name, path) in FOR_ONE_USER {
        each_user_gets_their_own(&server, name, path, COOKIE).await;
    }
}

#[tokio::test]
async fn a_page_that_needed_a_password_is_nobody_else_s() {
    let server = all_at_once().await;
    let for_all = [
        ("fresh", "/answer/Cache-Control=max-age=60"),
        ("public", "/answer/Cache-Control=public,max-age=60"),
        (
            "fresh in shared caches",
            "/answer/Cache-Control=s-maxage=60",
        ),
    ];
    for (name, path) in FOR_ONE_USER.into_iter().chain(for_all) {
        each_user_gets_their_own(&server, name, path, AUTHORIZATION).await;

        // And who gives no password gets none of those pages.
        let page = server.get(path).await;
        assert!(
            page.body.ends_with(", authorization ``\n"),
            "{name}: {page:?}"
        );
    }
}

#[tokio::test]
async fn hosts_do_not_share_pages() {
    let server = all_at_once().await;
    let path = "/answer/Cache-Control=public,max-age=60";
    let mut bodies = Vec::new();
    for host in ["one.example", "two.example"] {
        let mut request = request(Method::GET, path);
        request.headers_mut().insert("host", host.parse().unwrap());
        bodies.push(server.send(request).await.body);
    }
    assert_ne!(bodies[0], bodies[1]);
}

async fn all_at_once() -> Server {
    unruly::start(&["--force-max-concurrent-requests-per-process", "0"]).await
}

/// Two users ask for `path` one after the other, and then many times at once.
async fn each_user_gets_their_own(server: &Server, name: &str, path: &str, field: HeaderName) {
    let ask = |user: &str| {
        let mut request = request(Method::GET, path);
        request.headers_mut().insert(&field, user.parse().unwrap());
        let answer = client::try_fetch(server.address(), request);
        let user = user.to_owned();
        async move { (user, answer.await.expect("an answer")) }
    };
    let mut answers = vec![ask("alice").await, ask("bob").await];
    let mut clients = JoinSet::new();
    for _ in 0..5 {
        clients.spawn(ask("alice"));
        clients.spawn(ask("bob"));
    }
    answers.extend(clients.join_all().await);

    for (user, page) in answers {
        assert_eq!(page.status, StatusCode::OK, "{name}: {page:?}");
        assert!(
            page.body.contains(&format!("`{user}`")),
            "{name}, {user}: {page:?}"
        );
    }
}

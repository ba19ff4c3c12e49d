use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::ServiceExt;

use super::{
    session::{Name, SessionKey},
    worker::router,
};
use std::time::Duration;

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn header(response: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_page_says_who_may_keep_it() {
    let forum = router(SessionKey::random());
    let cases = [
        ("/", StatusCode::OK, "public, max-age=5"),
        ("/topics/1", StatusCode::OK, "public, max-age=60"),
        ("/login", StatusCode::OK, "private, no-store"),
        ("/members", StatusCode::SEE_OTHER, "private, no-store"),
        ("/live", StatusCode::OK, "private, no-store"),
        ("/topics/99", StatusCode::NOT_FOUND, "private, no-store"),
        ("/topics/x", StatusCode::NOT_FOUND, "private, no-store"),
        ("/nothing", StatusCode::NOT_FOUND, "private, no-store"),
    ];
    for (path, status, control) in cases {
        let response = ask(&forum, get(path)).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(
            header(&response, header::CACHE_CONTROL),
            Some(control),
            "{path}"
        );
        let policy = header(&response, header::CONTENT_SECURITY_POLICY);
        assert!(policy.unwrap().starts_with("default-src 'none'"), "{path}");
        assert_eq!(header(&response, header::SET_COOKIE), None, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_takes_ten_milliseconds() {
    let forum = router(SessionKey::random());
    let before = Instant::now();
    ask(&forum, get("/topics/1")).await;
    // The paused clock moves by what was slept, rounded up to its tick.
    let took = before.elapsed();
    assert!((10..=11).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn who_logs_in_is_greeted_until_logging_out() {
    let forum = router(SessionKey::random());
    let login = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("name=%3Cb%3EAda"))
        .unwrap();
    let response = ask(&forum, login).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&response, header::LOCATION), Some("/members"));
    let cookie = header(&response, header::SET_COOKIE).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();

    let visit = Request::get("/members")
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap();
    let response = ask(&forum, visit).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        header(&response, header::CACHE_CONTROL),
        Some("private, no-store")
    );
    assert!(
        text(response)
            .await
            .contains("<strong>&lt;b&gt;Ada</strong>")
    );

    let logout = Request::post("/logout").body(Body::empty()).unwrap();
    let response = ask(&forum, logout).await;
    let removal = header(&response, header::SET_COOKIE).unwrap();
    assert!(removal.contains("Max-Age=0"), "{removal}");
}

#[tokio::test]
async fn members_are_let_in_by_a_cookie_of_this_run_alone() {
    let forum = router(SessionKey::random());
    let foreign = SessionKey::random().login(&Name::new("Ada").unwrap());
    let visit = Request::get("/members")
        .header(header::COOKIE, foreign)
        .body(Body::empty())
        .unwrap();
    let response = ask(&forum, visit).await;
    assert_eq!(header(&response, header::LOCATION), Some("/login"));
}

#[tokio::test]
async fn a_login_without_a_name_asks_again() {
    let forum = router(SessionKey::random());
    for body in ["", "name=", "name=%20"] {
        let login = Request::post("/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let response = ask(&forum, login).await;
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}"
        );
        assert_eq!(header(&response, header::SET_COOKIE), None, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn live_lines_come_one_by_one() {
    let forum = router(SessionKey::random());
    let begin = Instant::now();
    let mut body = ask(&forum, get("/live")).await.into_body();
    let mut arrivals = Vec::new();
    while let Some(frame) = body.frame().await {
        let line = frame.unwrap().into_data().unwrap();
        assert_eq!(line.last(), Some(&b'\n'));
        arrivals.push(begin.elapsed());
    }
    assert_eq!(arrivals.len(), 5);
    for (arrival, after) in arrivals.into_iter().zip([0, 300, 600, 900, 1200]) {
        let late = arrival.checked_sub(Duration::from_millis(after));
        assert!(
            late.is_some_and(|late| late.as_millis() < 10),
            "{arrival:?}"
        );
    }
}

#[tokio::test]
async fn an_echo_is_what_was_sent_and_never_a_page() {
    let forum = router(SessionKey::random());
    let request = Request::post("/echo")
        .header(header::CONTENT_TYPE, "text/html")
        .body(Body::from("<b>&"))
        .unwrap();
    let response = ask(&forum, request).await;
    assert_eq!(
        header(&response, header::CONTENT_TYPE),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        header(&response, header::X_CONTENT_TYPE_OPTIONS),
        Some("nosniff")
    );
    assert_eq!(text(response).await, "<b>&");
}

//! The application of `src/bin/members-app.rs`, served, and its users.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{COOKIE, HOST},
};
use integration_tests::{Server, client, client::Page, client::request};

use crate::unruly::FOLDER;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_members-app");

/// Serves it, its pages stored for those that it names.
pub(crate) async fn start() -> Server {
    start_with(&["--vary-turbocache-by-session", "session"]).await
}

/// Serves it by one process, which knows all sessions and takes any number of
/// requests at a time.
pub(crate) async fn start_with(options: &[&str]) -> Server {
    let one = [
        "start",
        FOLDER,
        "--max-pool-size",
        "1",
        "--force-max-concurrent-requests-per-process",
        "0",
    ];
    Server::start(&[&one, options, &["--", PROGRAM]].concat()).await
}

/// A request, with these lines.
pub(crate) fn ask(method: Method, path: &str, lines: &[(&'static str, &str)]) -> Request<Bytes> {
    let mut request = request(method, path);
    let headers = request.headers_mut();
    // The same for all, whatever the port.
    headers.insert(HOST, HeaderValue::from_static("forum.example"));
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        if name == HOST {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    request
}

/// The page at `path` for who sends these cookies.
pub(crate) async fn page(server: &Server, path: &str, cookies: &str) -> Page {
    server
        .send(ask(Method::GET, path, &[("cookie", cookies)]))
        .await
}

/// The page at `path` for a visitor.
pub(crate) async fn visit(server: &Server, path: &str) -> Page {
    server.send(ask(Method::GET, path, &[])).await
}

/// What comes of an action.
pub(crate) async fn act(server: &Server, path: &str, cookies: &str) -> Page {
    server
        .send(ask(Method::POST, path, &[("cookie", cookies)]))
        .await
}

/// A session, in the form of its cookie.
pub(crate) async fn log_in(server: &Server, who: &str) -> String {
    let answer = act(server, &format!("/login?as={who}"), "_ga=1").await;
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().unwrap().to_owned()
}

/// Asserts that this page was rendered for `who`, and does not tell it to caches.
pub(crate) fn is_for(page: &Page, who: &str) {
    let expected = format!("for `{who}`: ");
    assert!(page.body.starts_with(&expected), "not {expected}{page:?}");
    assert!(
        page.headers
            .keys()
            .all(|name| !name.as_str().starts_with("!~")),
        "{page:?}"
    );
    assert!(page.header("vary").contains("Cookie"), "{page:?}");
}

/// The page that a user gets twice, so that the second one may be a hit.
pub(crate) async fn read_twice(server: &Server, path: &str, session: &str) -> Page {
    page(server, path, session).await;
    page(server, path, session).await
}

/// A request that was sent and not answered yet.
pub(crate) fn in_flight(
    server: &Server,
    path: &str,
    cookies: &str,
) -> tokio::task::JoinHandle<Page> {
    let mut request = ask(Method::GET, path, &[]);
    if !cookies.is_empty() {
        request
            .headers_mut()
            .insert(COOKIE, cookies.parse().unwrap());
    }
    let answer = client::try_fetch(server.address(), request);
    tokio::spawn(async move { answer.await.expect("an answer") })
}

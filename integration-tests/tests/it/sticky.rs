//! Clients that stay with one process.

use http::{HeaderValue, Method, header::COOKIE};
use integration_tests::{
    Server,
    client::{Page, request},
    run, wait,
};

use crate::holding_app::HoldingApp;

/// Two processes that take one request at a time.
async fn serve(app: &HoldingApp) -> Server {
    let options = ["--min-instances", "2", "--max-pool-size", "2"];
    let server = app
        .serve(&[&["--sticky-sessions"], &options[..]].concat())
        .await;
    wait::until("both processes", async || {
        (server.ready_processes().await.len() == 2).then_some(())
    })
    .await;
    server
}

async fn get(server: &Server, path: &str, cookie: &str) -> Page {
    let mut request = request(Method::GET, path);
    if !cookie.is_empty() {
        let cookie = HeaderValue::from_str(cookie).unwrap();
        request.headers_mut().insert(COOKIE, cookie);
    }
    server.send(request).await
}

/// The cookie that a page sets, and the process that has set it.
fn route(page: &Page) -> (String, String) {
    let set = page.header("set-cookie");
    assert!(set.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{set}");
    let cookie = set.split(';').next().unwrap();
    assert!(cookie.starts_with("_passenger_route="), "{set}");
    (cookie.to_owned(), page.body.clone())
}

#[tokio::test]
async fn a_client_stays_with_its_process_though_another_one_would_be_taken() {
    let app = HoldingApp::new();
    let server = serve(&app).await;
    // While the oldest is busy, the other one answers.
    let hold = get(&server, "/hold", "");
    let second = async {
        server.sessions(1).await;
        let second = get(&server, "/", "").await;
        app.release();
        second
    };
    let (hold, second) = tokio::join!(hold, second);
    let (oldest, cookie) = (route(&hold).1, route(&second).0);
    let second = second.body;
    assert_ne!(oldest, second);

    for _ in 0..3 {
        assert_eq!(get(&server, "/", "").await.body, oldest);
        let page = get(&server, "/", &cookie).await;
        assert_eq!(page.body, second);
        assert_eq!(page.header("set-cookie"), "");
    }

    // It waits for its process.
    app.hold();
    let hold = get(&server, "/hold", &cookie);
    let waiting = async {
        server.sessions(1).await;
        let waiting = get(&server, "/", &cookie);
        let release = async {
            server.in_flight(2).await;
            app.release();
        };
        tokio::join!(waiting, release).0
    };
    let (_, waiting) = tokio::join!(hold, waiting);
    assert_eq!(waiting.body, second);
}

#[tokio::test]
async fn a_session_moves_when_its_process_leaves() {
    let app = HoldingApp::new();
    let server = serve(&app).await;
    let (cookie, pid) = route(&get(&server, "/", "").await);
    let socket = server.admin_socket();
    let detached = run(&["detach-process", &pid, "--admin-socket", &socket]).await;
    assert!(detached.status.success(), "{detached:?}");

    let moved = get(&server, "/", &cookie).await;
    let (new_cookie, new_pid) = route(&moved);
    assert_ne!(new_pid, pid);
    assert_eq!(get(&server, "/", &new_cookie).await.body, new_pid);
}

#[tokio::test]
async fn a_cookie_that_was_made_up_chooses_nothing_and_no_application_sees_one() {
    let app = HoldingApp::new();
    let server = serve(&app).await;
    let (cookie, _) = route(&get(&server, "/", "").await);
    for made_up in ["_passenger_route=1", "_passenger_route=", &cookie[..30]] {
        let page = get(&server, "/cookies", made_up).await;
        assert_eq!(page.body, "None", "{made_up}");
        assert!(!page.header("set-cookie").is_empty(), "{made_up}");
    }
    let page = get(&server, "/cookies", &format!("a=b; {cookie}; c=d")).await;
    assert_eq!(page.body, "['a=b; c=d']");
}

#[tokio::test]
async fn a_page_for_everybody_sets_no_cookie_and_is_stored() {
    let app = HoldingApp::new();
    let server = serve(&app).await;
    let (cookie, _) = route(&get(&server, "/", "").await);
    for (number, cookie) in ["", &cookie, ""].into_iter().enumerate() {
        let page = get(&server, "/cached", cookie).await;
        assert_eq!(page.header("set-cookie"), "", "{number}");
        assert_eq!(page.is_hit(), number > 0, "{number}");
    }
}

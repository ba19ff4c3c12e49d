//! Clients that stay with one process.

use std::fs;

use http::{HeaderValue, Method, header::COOKIE};
use integration_tests::{
    Server,
    client::{Page, request},
    run, wait,
};

/// Answers with its process id. `/hold` takes as long as there is no file `release`;
/// `/cached` may be kept for a minute; `/cookies` says which it was sent.
const APP: &str = r#"
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        while self.path == "/hold" and not os.path.exists("release"):
            time.sleep(0.01)
        body = str(os.getpid())
        if self.path == "/cookies":
            body = repr(self.headers.get_all("cookie"))
        self.send_response(200)
        if self.path == "/cached":
            self.send_header("cache-control", "max-age=60")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
"#;

struct App(tempfile::TempDir);

impl App {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.py"), APP).unwrap();
        Self(folder)
    }

    /// Two processes that take one request at a time.
    async fn serve(&self) -> Server {
        let folder = self.0.path().to_str().unwrap();
        let options = ["--min-instances", "2", "--max-pool-size", "2"];
        let args = [
            &["start", "--sticky-sessions", folder],
            &options[..],
            &["--", "python3", "app.py"],
        ];
        let server = Server::start(&args.concat()).await;
        wait::until("both processes", async || {
            (server.ready_processes().await.len() == 2).then_some(())
        })
        .await;
        server
    }

    fn release(&self) {
        fs::write(self.0.path().join("release"), "").unwrap();
    }
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
    let app = App::new();
    let server = app.serve().await;
    // While the oldest is busy, the other one answers.
    let hold = get(&server, "/hold", "");
    let second = async {
        server.in_flight(1).await;
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
    fs::remove_file(app.0.path().join("release")).unwrap();
    let hold = get(&server, "/hold", &cookie);
    let waiting = async {
        server.in_flight(1).await;
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
    let app = App::new();
    let server = app.serve().await;
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
    let app = App::new();
    let server = app.serve().await;
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
    let app = App::new();
    let server = app.serve().await;
    let (cookie, _) = route(&get(&server, "/", "").await);
    for (number, cookie) in ["", &cookie, ""].into_iter().enumerate() {
        let page = get(&server, "/cached", cookie).await;
        assert_eq!(page.header("set-cookie"), "", "{number}");
        assert_eq!(page.is_hit(), number > 0, "{number}");
    }
}

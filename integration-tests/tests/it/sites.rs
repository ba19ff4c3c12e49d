//! Several applications in one server, by host and path.

use std::{fmt::Write, fs, path::PathBuf};

use http::{HeaderValue, Method, header::HOST};
use integration_tests::{
    Server,
    client::{Page, request},
    run, wait,
};
use serde_json::Value;

/// Answers every request with what it is and what it was asked for; `/cached` may
/// be kept for a minute.
const APP: &str = r#"
import http.server, json, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        answer = {"name": sys.argv[1], "path": self.path, "pid": os.getpid(),
                  "prefix": os.environ.get("SCRIPT_NAME")}
        body = json.dumps(answer).encode()
        self.send_response(200)
        if self.path.endswith("/cached"):
            self.send_header("cache-control", "public, max-age=60")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
"#;

/// A folder for each application, and the file that names them.
struct Sites(tempfile::TempDir);

impl Sites {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut file = String::from("min-instances = 1\nmax-pool-size = 2\n");
        let sites = [
            ("forum", "host = [\"forum.example\", \"*.forum.example\"]"),
            ("blog", "host = \"forum.example\"\npath = \"/blog\""),
            ("shop", "host = \"shop.example\"\npath = \"/shop\""),
        ];
        for (name, route) in sites {
            fs::create_dir_all(folder.path().join(name).join("tmp")).unwrap();
            let _ = write!(
                file,
                "[[app]]\nname = \"{name}\"\n{route}\ndir = \"{name}\"\n\
                 command = [\"python3\", \"../app.py\", \"{name}\"]\n"
            );
        }
        // Never starts.
        file += "[[app]]\nname = \"broken\"\nhost = \"broken.example\"\ndir = \".\"\n\
                 command = [\"false\"]\n";
        fs::write(folder.path().join("app.py"), APP).unwrap();
        fs::write(folder.path().join("peregrine.toml"), file).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    async fn serve_with(&self, options: &[&str]) -> Server {
        let file = self.path("peregrine.toml");
        let start = ["start", "--config", file.to_str().unwrap()];
        Server::start(&[&start[..], options].concat()).await
    }
}

async fn get(server: &Server, host: &str, path: &str) -> Page {
    let mut request = request(Method::GET, path);
    let host = HeaderValue::from_str(host).unwrap();
    request.headers_mut().insert(HOST, host);
    server.send(request).await
}

async fn application(server: &Server, name: &str) -> Value {
    let status = server.status().await;
    let applications = status["applications"].as_array().unwrap();
    let found = applications.iter().find(|it| it["name"] == name);
    found.cloned().unwrap()
}

#[tokio::test]
async fn host_and_path_choose_the_application() {
    let sites = Sites::new();
    let server = sites.serve().await;
    let cases = [
        ("forum.example", "/", "forum"),
        ("FORUM.example:8080", "/blogs", "forum"),
        ("a.forum.example", "/blog", "forum"),
        ("forum.example", "/blog", "blog"),
        ("forum.example", "/blog/1?a=b", "blog"),
        ("forum.example", "/%62log/%31", "blog"),
        ("forum.example", "/%2562log", "forum"),
        ("shop.example", "/shop/", "shop"),
    ];
    for (host, path, expected) in cases {
        let answer = get(&server, host, path).await.json();
        assert_eq!(answer["name"], expected, "{host}{path}");
        // As it was sent.
        assert_eq!(answer["path"], path, "{host}{path}");
    }
    let answer = get(&server, "forum.example", "/blog").await.json();
    assert_eq!(answer["prefix"], "/blog");

    let absolute = "GET http://shop.example/shop HTTP/1.1\r\nHost: forum.example\r\n\
                    Connection: close\r\n\r\n";
    let answer = server.exchange(absolute.as_bytes()).await;
    assert!(answer.contains("\"name\": \"shop\""), "{answer}");
}

#[tokio::test]
async fn what_nobody_answers_for_is_refused_and_logged() {
    let sites = Sites::new();
    let log = sites.path("access.log");
    let server = sites
        .serve_with(&["--access-log", log.to_str().unwrap()])
        .await;
    let cases = [
        ("a host", "other.example", "/", 421),
        ("an address", "127.0.0.1", "/", 421),
        ("the end of a name", "myforum.example", "/", 421),
        ("a path", "shop.example", "/", 404),
        ("half a segment", "shop.example", "/shopping", 404),
        ("a way round", "forum.example", "/x/%2e%2e/blog/1", 404),
    ];
    for (name, host, path, status) in cases {
        let page = get(&server, host, path).await;
        assert_eq!(page.status.as_u16(), status, "{name}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        let expected = format!("\"GET {path} HTTP/1.1\" {status} {} ", page.body.len());
        wait::until(&expected, async || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            text.lines().last()?.contains(&expected).then_some(())
        })
        .await;
    }
    let refused = &server.status().await["refused"];
    assert_eq!(
        (&refused["unknown_host"], &refused["unknown_path"]),
        (&3.into(), &3.into())
    );
    let socket = server.admin_socket();
    let shown = run(&["status", "--admin-socket", &socket]).await.stdout;
    assert!(
        shown.contains("Unknown host: 3  unknown path: 3\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn each_application_has_a_cache_of_its_own() {
    let sites = Sites::new();
    let server = sites.serve().await;
    for (host, path, name) in [
        ("forum.example", "/cached", "forum"),
        ("forum.example", "/blog/cached", "blog"),
        ("shop.example", "/shop/cached", "shop"),
    ] {
        let first = get(&server, host, path).await;
        let second = get(&server, host, path).await;
        assert!(!first.is_hit() && second.is_hit(), "{name}");
        assert_eq!(second.json()["name"], name);
        let cache = &application(&server, name).await["cache"];
        assert_eq!((&cache["hits"], &cache["entries"]), (&1.into(), &1.into()));
    }
}

#[tokio::test]
async fn an_application_that_does_not_start_takes_no_other_down() {
    let sites = Sites::new();
    let server = sites.serve().await;
    let page = get(&server, "broken.example", "/").await;
    assert_eq!(page.status.as_u16(), 503);
    assert_eq!(get(&server, "forum.example", "/").await.status, 200);
    let broken = application(&server, "broken").await;
    assert!(broken["pool"]["last_start_failure"].is_string(), "{broken}");
}

#[tokio::test]
async fn one_application_is_restarted_and_the_others_are_not() {
    let sites = Sites::new();
    let server = sites.serve().await;
    let pid = async |host: &str, path: &str| get(&server, host, path).await.json()["pid"].clone();
    let (forum, blog) = (
        pid("forum.example", "/").await,
        pid("forum.example", "/blog").await,
    );

    let socket = server.admin_socket();
    let told = run(&["restart-app", "blog", "--admin-socket", &socket]).await;
    assert!(told.status.success(), "{told:?}");
    let restarted = pid("forum.example", "/blog").await;
    assert_ne!(restarted, blog);
    assert_eq!(pid("forum.example", "/").await, forum);
    let told = run(&["restart-app", "bolg", "--admin-socket", &socket]).await;
    assert!(
        !told.status.success() && told.stderr.contains("no application"),
        "{told:?}"
    );

    fs::write(sites.path("forum/tmp/restart.txt"), "").unwrap();
    wait::until("the forum's new process", async || {
        (pid("forum.example", "/").await != forum).then_some(())
    })
    .await;
    assert_eq!(pid("forum.example", "/blog").await, restarted);
}

#[tokio::test]
async fn the_files_of_an_application_are_where_its_pages_are() {
    let sites = Sites::new();
    for name in ["forum", "blog"] {
        let public = sites.path(name).join("public");
        fs::create_dir(&public).unwrap();
        fs::write(public.join("name.txt"), name).unwrap();
    }
    let server = sites.serve().await;
    for (host, path, expected) in [
        ("forum.example", "/name.txt", "forum"),
        ("forum.example", "/blog/name.txt", "blog"),
    ] {
        assert_eq!(get(&server, host, path).await.body, expected);
    }
    let page = get(&server, "shop.example", "/shop/name.txt").await;
    assert_eq!(page.json()["name"], "shop");
}

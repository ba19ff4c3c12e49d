//! Several applications that may have so many processes together.

use std::{fs, path::PathBuf, sync::Arc};

use http::{HeaderValue, Method, header::HOST};
use integration_tests::{
    Server,
    client::{Page, request},
    run, wait,
};
use serde_json::Value;

/// Answers when there is no file `hold` in its folder any more.
const APP: &str = r#"
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        while os.path.exists("hold"):
            time.sleep(0.02)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
"#;

/// One application that takes what it gets, and one that sleeps.
struct Sites(tempfile::TempDir);

impl Sites {
    fn with(total: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hungry", "sleeper"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("app.py"), APP).unwrap();
        let file = format!(
            r#"
            max-total-pool-size = {total}
            cache = "off"
            [[app]]
            name = "hungry"
            host = "hungry.example"
            dir = "hungry"
            min-instances = 1
            command = ["python3", "../app.py"]
            [[app]]
            name = "sleeper"
            host = "sleeper.example"
            dir = "sleeper"
            min-instances = 0
            command = ["python3", "../app.py"]
            "#
        );
        fs::write(folder.path().join("peregrine.toml"), file).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

async fn get(server: &Server, host: &'static str) -> Page {
    let mut request = request(Method::GET, "/");
    let host = HeaderValue::from_static(host);
    request.headers_mut().insert(HOST, host);
    server.send(request).await
}

/// How many processes each application has in each state.
struct Counts(Value);

impl Counts {
    async fn of(server: &Server) -> Self {
        Self(server.status().await["applications"].clone())
    }

    fn pool(&self, name: &str) -> &Value {
        let mut applications = self.0.as_array().unwrap().iter();
        &applications.find(|it| it["name"] == name).unwrap()["pool"]
    }

    fn processes(&self, name: &str) -> &Vec<Value> {
        self.pool(name)["processes"].as_array().unwrap()
    }

    fn count(&self, name: &str, state: &str) -> usize {
        let processes = self.processes(name).iter();
        processes.filter(|it| it["state"] == state).count()
    }

    fn all(&self) -> usize {
        self.processes("hungry").len() + self.processes("sleeper").len()
    }
}

#[tokio::test]
async fn who_has_all_gives_one_to_who_has_none_and_nobody_s_request_is_lost() {
    let sites = Sites::with(3);
    let hold = sites.path("hungry/hold");
    fs::write(&hold, "").unwrap();
    let file = sites.path("peregrine.toml");
    let server = Arc::new(Server::start(&["start", "--config", file.to_str().unwrap()]).await);
    let ask = |host: &'static str| {
        let server = Arc::clone(&server);
        tokio::spawn(async move { get(&server, host).await.status.as_u16() })
    };

    let hungry: Vec<_> = (0..6).map(|_| ask("hungry.example")).collect();
    wait::until("all processes", async || {
        let counts = Counts::of(&server).await;
        assert!(counts.all() <= 3, "{}", counts.0);
        let waits = counts.pool("hungry")["waits_for_total"] == true;
        (counts.count("hungry", "ready") == 3 && waits).then_some(())
    })
    .await;
    let page = run(&["status", "--admin-socket", &server.admin_socket()]).await;
    for part in ["Max pool size : 3\n", "Waits for a process: "] {
        assert!(page.stdout.contains(part), "{page:?}");
    }

    let sleeper = ask("sleeper.example");
    wait::until("one that finishes what it has, and leaves", async || {
        let counts = Counts::of(&server).await;
        assert!(counts.all() <= 3, "{}", counts.0);
        // It is late, so that another one may be asked in a second.
        (counts.count("hungry", "draining") > 0).then_some(())
    })
    .await;
    fs::remove_file(&hold).unwrap();
    assert_eq!(sleeper.await.unwrap(), 200);
    for request in hungry {
        assert_eq!(request.await.unwrap(), 200);
    }
    let counts = Counts::of(&server).await;
    assert!(counts.all() <= 3, "{}", counts.0);
    assert_eq!(counts.count("sleeper", "ready"), 1);
    assert!(counts.count("hungry", "ready") >= 1);
}

#[tokio::test]
async fn a_total_that_has_no_room_for_all_is_refused() {
    let sites = Sites::with(1);
    let file = sites.path("peregrine.toml");
    let refused = run(&["start", "--config", file.to_str().unwrap()]).await;
    assert!(!refused.status.success(), "{refused:?}");
    let reason = "--max-total-pool-size 1 is less than the 2 processes";
    assert!(refused.stderr.contains(reason), "{refused:?}");
}

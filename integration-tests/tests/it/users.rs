//! As whom an application runs. Only root can try: as another user, the tests
//! see that they may not.

use std::{fs, os::unix::fs::chown};

use integration_tests::{Server, run};
use rustix::process::geteuid;

/// The system's, which everybody may run; another one in `PATH` may be root's
/// alone.
const PYTHON: &str = "/usr/bin/python3";

/// Answers with who it is and what it was told about itself.
const WHO: &str = r#"
import http.server, os, socketserver, sys
class App(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return ""
    def do_GET(self):
        groups = ",".join(map(str, os.getgroups()))
        who = os.getresuid(), os.getresgid(), groups, os.environ["USER"], os.environ["HOME"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(repr(who).encode())
socketserver.UnixStreamServer(sys.argv[1], App).serve_forever()
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // Others may look into it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    folder
}

#[tokio::test]
async fn an_application_runs_as_the_user_that_was_named_and_can_listen_on_its_socket() {
    let folder = folder();
    let app = folder.path().to_str().unwrap();
    let args = [
        "start", app, "--user", "nobody", "--", PYTHON, "-c", WHO, "{socket}",
    ];
    if !geteuid().is_root() {
        let ended = run(&args).await;
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains("only root"), "{ended:?}");
        return;
    }
    let server = Server::start(&args).await;
    let page = server.get("/").await;
    let ids = "((65534, 65534, 65534), (65534, 65534, 65534), '65534', 'nobody', '/nonexistent')";
    assert_eq!(page.body, ids, "{page:?}");

    // A restart does the same, and a stop ends what is another user's.
    let socket = server.admin_socket();
    let ended = run(&["restart-app", "--admin-socket", &socket]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(server.get("/").await.body, ids);
    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn an_application_of_another_user_is_known_on_its_port() {
    if !geteuid().is_root() {
        return;
    }
    let who = WHO
        .replace("UnixStreamServer", "TCPServer")
        .replace("sys.argv[1]", r#"("127.0.0.1", int(os.environ["PORT"]))"#);
    let folder = folder();
    let app = folder.path().to_str().unwrap();
    let args = ["start", app, "--user", "nobody", "--", PYTHON, "-c", &who];
    let server = Server::start(&args).await;
    let page = server.get("/").await;
    assert!(page.body.starts_with("((65534, 65534, 65534)"), "{page:?}");
}

#[tokio::test]
async fn what_another_user_can_write_does_not_run_as_root_in_production() {
    if !geteuid().is_root() {
        return;
    }
    let folder = folder();
    chown(folder.path(), Some(65534), None).unwrap();
    let app = folder.path().to_str().unwrap();
    let args = ["start", app, "-e", "production", "--", "sleep", "1000"];
    let ended = run(&args).await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--user root"), "{ended:?}");
}

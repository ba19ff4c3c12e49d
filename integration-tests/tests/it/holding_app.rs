//! An application some of whose answers take as long as a test wants.

use std::fs;

use integration_tests::Server;

/// Answers with its process id. `/hold` takes as long as there is no file `release`;
/// `/cached` may be kept for a minute; `/cookies` says which it was sent.
const APP: &str = r#"
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        while self.path.startswith("/hold") and not os.path.exists("release"):
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

/// Its folder.
pub(crate) struct HoldingApp(tempfile::TempDir);

impl HoldingApp {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.py"), APP).unwrap();
        Self(folder)
    }

    pub(crate) async fn serve(&self, options: &[&str]) -> Server {
        let folder = self.0.path().to_str().unwrap();
        let args = [&["start", folder], options, &["--", "python3", "app.py"]];
        Server::start(&args.concat()).await
    }

    /// From now on, `/hold` is answered.
    pub(crate) fn release(&self) {
        fs::write(self.0.path().join("release"), "").unwrap();
    }

    /// From now on, it is not.
    pub(crate) fn hold(&self) {
        fs::remove_file(self.0.path().join("release")).unwrap();
    }
}

use std::{path::Path, process::Stdio};

use tokio::process::{Child, Command};

use super::{FOLDER, Outcome};
use crate::{Output, Server, tools, wait};

/// Why the suite cannot be run on this machine, if so.
///
/// # Panics
///
/// If it could be and was not installed: a test that could look must look.
pub fn why_not() -> Option<&'static str> {
    if let Some(tool) = ["node", "npm"].into_iter().find(|tool| !tools::has(tool)) {
        return Some(tool);
    }
    assert!(
        Path::new(FOLDER).join("node_modules/.installed").exists(),
        "the suite is not installed: run scripts/install-test-tools"
    );
    None
}

/// What the suite finds of a cache that runs with `--cache MODE`.
///
/// # Panics
///
/// If the suite does not run to its end.
pub async fn run(mode: &str) -> Vec<Outcome> {
    let origin = Origin::start().await;
    let server = Server::start(&["start", "--upstream", &origin.url, "--cache", mode]).await;

    let running = Command::new("node")
        .arg("run.mjs")
        .arg(format!("http://{}", server.address()))
        .current_dir(FOLDER)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = wait::bounded("the suite to end", running).await;
    let output = output.expect("node runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{warned}\n{told}");
    told.lines()
        .map(|line| Outcome::from_json(line).unwrap_or_else(|| panic!("no outcome: {line}")))
        .collect()
}

/// The suite's origin, which answers what its client tells it to. Ends when
/// dropped.
struct Origin {
    url: String,
    _process: Child,
}

impl Origin {
    async fn start() -> Self {
        let mut process = Command::new("node")
            .arg("server/server.mjs")
            .current_dir(Path::new(FOLDER).join("node_modules/http-cache-tests"))
            .env("npm_config_protocol", "http")
            .env("npm_config_port", "0")
            // It insists on writing its process id somewhere.
            .env("npm_config_pidfile", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let output = Output::new();
        output.collect(process.stdout.take().expect("piped"));
        // `Listening on http://[::]:8000/`, and all addresses are ours.
        let line = output.line_after("Listening on ").await;
        let (_, port) = line.rsplit_once(':').expect("an address and a port");
        Self {
            url: format!("http://127.0.0.1:{}", port.trim_end_matches('/')),
            _process: process,
        }
    }
}

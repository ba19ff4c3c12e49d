//! A running `peregrine`, seen from outside.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    Output, binary,
    client::{self, Page, request},
    processes::{self, MARK, Process},
    run, wait,
};

/// A running `peregrine`, on a port of its own.
///
/// Stops it when dropped, and prints what it said if the test is failing.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pid: i32,
    address: SocketAddr,
    stdout: Output,
    stderr: Output,
    mark: String,
    folder: TempDir,
}

/// How a server ended.
#[derive(Debug)]
pub struct Stopped {
    /// Its exit status.
    pub status: ExitStatus,
    /// The processes that it left behind.
    pub left: Vec<Process>,
}

impl Server {
    /// Runs `peregrine` with `args`, a port and an admin socket of its own, and
    /// waits until it says that it listens.
    ///
    /// # Panics
    ///
    /// If it doesn't.
    pub async fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mark = processes::new_mark();
        let (subcommand, rest) = args.split_first().expect("a subcommand");
        let mut child = Command::new(binary::peregrine())
            .arg(subcommand)
            .args(["--port", "0", "--admin-socket"])
            .arg(folder.path().join("admin"))
            .args(rest)
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("peregrine starts");

        let (stdout, stderr) = (Output::new(), Output::new());
        stdout.collect(child.stdout.take().expect("piped"));
        stderr.collect(child.stderr.take().expect("piped"));
        let mut server = Self {
            pid: child.id().expect("not waited for").cast_signed(),
            child,
            // Until the server says where.
            address: ([127, 0, 0, 1], 0).into(),
            stdout,
            stderr,
            mark,
            folder,
        };
        let stdout = server.stdout.clone();
        tokio::select! {
            address = stdout.line_after("listening on http://") => {
                server.address = address.parse().expect("an address and a port");
            }
            status = server.child.wait() => panic!("peregrine ended: {status:?}"),
        }
        server
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written on standard output.
    pub fn stdout(&self) -> &Output {
        &self.stdout
    }

    /// What it has written on standard error: the log.
    pub fn stderr(&self) -> &Output {
        &self.stderr
    }

    /// Where `peregrine status` finds it.
    ///
    /// # Panics
    ///
    /// If temporary folders have strange names.
    pub fn admin_socket(&self) -> String {
        let path = self.folder.path().join("admin");
        path.into_os_string().into_string().expect("text")
    }

    /// The page at `path`.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn get(&self, path: &str) -> Page {
        self.send(request(Method::GET, path)).await
    }

    /// The answer to a body that is posted to `path`.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn post(&self, path: &str, body: &'static str) -> Page {
        self.send(request(Method::POST, path).map(|_| body.into()))
            .await
    }

    /// The answer to `request`.
    ///
    /// # Panics
    ///
    /// If there is no whole answer.
    pub async fn send(&self, request: Request<Bytes>) -> Page {
        let what = format!("{} {}", request.method(), request.uri());
        client::try_fetch(self.address, request)
            .await
            .unwrap_or_else(|error| panic!("no answer to {what}: {error:?}"))
    }

    /// Waits until the server has written `text` to its log, which reaches us a
    /// moment after what it is about.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn logs(&self, text: &str) {
        wait::until(&format!("{text:?} in the log"), async || {
            self.stderr().to_string().contains(text).then_some(())
        })
        .await;
    }

    /// What comes back for `bytes` on a new connection until the server closes
    /// it.
    pub async fn exchange(&self, bytes: &[u8]) -> String {
        client::exchange(self.address, bytes).await
    }

    /// What `peregrine status --json` says.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub async fn status(&self) -> Value {
        let socket = self.admin_socket();
        wait::until("the status", async || {
            let ended = run(&["status", "--json", "--admin-socket", &socket]).await;
            // On a busy machine, five seconds may pass before anybody is asked.
            if ended.stderr.contains("no answer within") {
                return None;
            }
            assert!(ended.status.success(), "{ended:?}");
            Some(serde_json::from_str(&ended.stdout).expect("status --json prints JSON"))
        })
        .await
    }

    /// The ids of the application's processes that take requests, in the order
    /// of their starts.
    ///
    /// # Panics
    ///
    /// If `peregrine status` doesn't say.
    pub async fn ready_processes(&self) -> Vec<i32> {
        let status = self.status().await;
        let processes = status["applications"][0]["pool"]["processes"]
            .as_array()
            .expect("a pool");
        let ready = processes
            .iter()
            .filter(|process| process["state"] == "ready");
        ready
            .map(|process| process["pid"].as_i64().expect("a number"))
            .map(|pid| pid.try_into().expect("a process id"))
            .collect()
    }

    /// Waits until it serves exactly `count` requests. They may still wait for a
    /// process, and a process may not have read them yet.
    ///
    /// # Panics
    ///
    /// If that doesn't happen.
    pub async fn in_flight(&self, count: usize) {
        wait::until(&format!("{count} requests in flight"), async || {
            (self.status().await["applications"][0]["requests"]["in_flight"] == count).then_some(())
        })
        .await;
    }

    /// Waits until the application's processes have exactly `count` requests and
    /// upgraded connections between them: as many have left the queue.
    ///
    /// # Panics
    ///
    /// If that doesn't happen.
    pub async fn sessions(&self, count: u64) {
        wait::until(&format!("{count} sessions"), async || {
            let status = self.status().await;
            let processes = status["applications"][0]["pool"]["processes"].as_array()?;
            // One that starts has none yet.
            let sessions = processes.iter().filter_map(|it| it["sessions"].as_u64());
            (sessions.sum::<u64>() == count).then_some(())
        })
        .await;
    }

    /// The processes that belong to it, itself and their own children among
    /// them.
    pub fn processes(&self) -> Vec<Process> {
        processes::marked(OsStr::new(&self.mark))
    }

    /// Asks it to stop, without waiting.
    pub fn terminate(&self) {
        processes::signal(self.pid, Signal::TERM);
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Panics
    ///
    /// If it doesn't.
    pub async fn stop(self) -> Stopped {
        self.terminate();
        self.ended().await
    }

    /// Waits until it has ended, for whatever reason.
    ///
    /// # Panics
    ///
    /// If it doesn't end.
    pub async fn ended(mut self) -> Stopped {
        let status = wait::bounded("peregrine to stop", self.child.wait()).await;
        Stopped {
            status: status.expect("our own child"),
            left: self.processes(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "what peregrine wrote:\n{}and its log:\n{}",
                self.stdout, self.stderr
            );
        }
        // Nothing to do after `stop`. After a failure, first the polite way, so
        // that it ends its application's processes itself.
        // An id that has been waited for may belong to somebody else by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        for process in self.processes() {
            processes::kill(process.pid);
        }
    }
}

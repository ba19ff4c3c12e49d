use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    net::TcpStream,
    process::{self, Command},
    time::{Instant, sleep, timeout},
};

use crate::{Result, cores::CoreList};

/// Until a server takes connections.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Until a server that was asked to leave has left.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// There is nothing to be woken by when another program begins to listen.
const POLL: Duration = Duration::from_millis(20);

/// A server in a process group of its own, which ends when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    group: Pid,
    log: PathBuf,
}

impl Child {
    /// Starts `command` on `cores`. What it prints goes to the file `log`.
    pub(crate) fn spawn(command: &Command, cores: &CoreList, log: PathBuf) -> Result<Self> {
        let command = command.as_std();
        let output = File::create(&log)?;
        // taskset becomes the program, so that the id is the program's.
        let process = Command::new("taskset")
            .arg("--cpu-list")
            .arg(cores.to_string())
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("taskset (Debian: util-linux): {error}"))?;
        let group = process
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or("a process without an id")?;
        Ok(Self {
            process,
            group,
            log,
        })
    }

    pub(crate) const fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits for the line `listening on http://ADDRESS`.
    pub(crate) async fn announced(&mut self) -> Result<SocketAddr> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(address) = announcement(&fs::read_to_string(&self.log)?) {
                return Ok(address);
            }
            self.still_starting(deadline)?;
            sleep(POLL).await;
        }
    }

    /// Waits until something listens at `address`.
    pub(crate) async fn listens_at(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(address).await.is_err() {
            self.still_starting(deadline)?;
            sleep(POLL).await;
        }
        Ok(())
    }

    fn still_starting(&mut self, deadline: Instant) -> Result<()> {
        let trouble = if let Some(status) = self.process.try_wait()? {
            format!("ended at its start with {status}")
        } else if Instant::now() > deadline {
            format!("takes no connections after {} s", START_TIMEOUT.as_secs())
        } else {
            return Ok(());
        };
        let log = fs::read_to_string(&self.log)?;
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join("\n    ");
        Err(format!("{trouble}; it said last:\n    {last}").into())
    }

    /// Asks it to leave, and waits until it has.
    pub(crate) async fn stop(mut self) {
        if kill_process_group(self.group, Signal::TERM).is_ok() {
            // Who does not leave in time is killed on drop.
            let _ = timeout(STOP_TIMEOUT, self.process.wait()).await;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The whole group, since nobody else knows of nginx's workers. Whoever
        // has left already can't be killed, and the group's id is not taken
        // again while its leader was not waited for.
        let left = matches!(self.process.try_wait(), Ok(Some(_)));
        if !left {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
    }
}

/// The address that a line of `log` tells of.
fn announcement(log: &str) -> Option<SocketAddr> {
    // The last line may be half written.
    let (lines, _) = log.rsplit_once('\n')?;
    lines
        .lines()
        .find_map(|line| line.strip_prefix("listening on http://")?.parse().ok())
}

/// A port that was free a moment ago, for servers that can't pick their own.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_a_whole_line() {
        let port = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let cases = [
            ("nothing yet", "", None),
            ("half a line", "listening on http://127.0.0.1:80", None),
            (
                "the line",
                "listening on http://127.0.0.1:8080\n",
                port(8080),
            ),
            (
                "among others",
                "app found\nlistening on http://127.0.0.1:81\nbusy",
                port(81),
            ),
            (
                "something else",
                "not listening on http://127.0.0.1:81\n",
                None,
            ),
        ];
        for (name, log, address) in cases {
            assert_eq!(announcement(log), address, "{name}");
        }
    }
}

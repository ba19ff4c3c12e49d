//! The processes of one server, as the kernel lists them.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use procfs::process::{Process as ProcEntry, all_processes};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// Every server under test gets a value of its own in this variable, and its
/// application's processes inherit it: they are found wherever they end up in
/// the tree of processes.
pub const MARK: &str = "PEREGRINE_TEST";

/// A process that is, or was, running.
#[derive(Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// `Z` for a zombie.
    pub state: char,
    /// What it runs.
    pub command: String,
}

/// A value for [`MARK`] that no other server has.
pub fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", std::process::id())
}

/// The processes that carry `mark` in their environment.
pub fn marked(mark: &OsStr) -> Vec<Process> {
    list(|entry| {
        // A process that is just ending, or another user's, has none to read.
        entry.environ().is_ok_and(|environ| {
            environ.get(OsStr::new(MARK)).map(OsString::as_os_str) == Some(mark)
        })
    })
}

/// The children of `pid`, whatever they have in their environment.
pub fn children_of(pid: i32) -> Vec<Process> {
    list(|entry| entry.stat().is_ok_and(|stat| stat.ppid == pid))
}

/// The children of `pid` that have ended and that it has not waited for.
pub fn zombies_of(pid: i32) -> Vec<Process> {
    let mut children = children_of(pid);
    children.retain(|child| child.state == 'Z');
    children
}

/// Sends `signal` to one process. One that is gone already is fine.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// `kill -9`.
pub fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Lets this process have as many connections at once as its user may: by
/// default, half of a crowd would be refused by its own kernel.
pub fn open_as_many_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // If not, the test that needs it says so.
    let _ = setrlimit(Resource::Nofile, raised);
}

fn list(wanted: impl Fn(&ProcEntry) -> bool) -> Vec<Process> {
    all_processes()
        .expect("/proc is there")
        // One that ended since it was listed is none.
        .filter_map(Result::ok)
        .filter(wanted)
        .filter_map(|entry| Process::read(&entry))
        .collect()
}

impl Process {
    fn read(entry: &ProcEntry) -> Option<Self> {
        let stat = entry.stat().ok()?;
        let cmdline = entry.cmdline().unwrap_or_default();
        Some(Self {
            pid: stat.pid,
            parent: stat.ppid,
            state: stat.state,
            command: if cmdline.is_empty() {
                stat.comm
            } else {
                cmdline.join(" ")
            },
        })
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.pid, self.state, self.command)
    }
}

#[cfg(test)]
mod tests {
    use tokio::process::Command;

    use super::*;
    use crate::wait;

    #[tokio::test]
    async fn children_of_children_carry_the_mark() {
        let mark = new_mark();
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 1000 & wait"])
            .env(MARK, &mark)
            .spawn()
            .unwrap();
        let mark = OsStr::new(&mark);
        wait::until("a child", async || (marked(mark).len() == 2).then_some(())).await;

        for process in marked(mark) {
            kill(process.pid);
        }
        shell.wait().await.unwrap();
        wait::until("both to be gone", async || {
            marked(mark).is_empty().then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn a_child_that_nobody_has_waited_for_is_a_zombie() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let pid = child.id().cast_signed();
        let is_zombie = async || {
            let zombies = zombies_of(std::process::id().cast_signed());
            zombies.iter().any(|zombie| zombie.pid == pid).then_some(())
        };
        assert!(is_zombie().await.is_none());

        kill(pid);
        wait::until("a zombie", is_zombie).await;
        child.wait().unwrap();
        assert!(is_zombie().await.is_none());
    }
}

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::time::{self, Instant};

/// How often to look whether a process group is empty. The operating system
/// tells when a child exits, not when its children have.
const LOOK: Duration = Duration::from_millis(10);

/// How long after SIGKILL to wait for a group to be empty. Only an init that
/// does not reap lets it take longer.
const KILL_TIME: Duration = Duration::from_millis(500);

/// The process group that a started command leads, and whatever it starts
/// itself stays in.
///
/// Dropped before its leader was seen to exit, the group is killed: when the
/// runtime goes down without a stop, the processes go too.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
    terminated: AtomicBool,
    gone: AtomicBool,
}

impl Group {
    pub(crate) const fn new(leader: Pid) -> Self {
        Self {
            leader,
            terminated: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        }
    }

    /// Asks the group to finish and leave: SIGTERM.
    pub(crate) fn terminate(&self) {
        self.terminated.store(true, Ordering::Relaxed);
        self.signal(Signal::TERM);
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// The number of a group cannot be given to another one while a process
    /// is in it. Between the leader's exit and our last signal it might, had
    /// all others in it gone and the counter of process ids run full circle in
    /// that moment: harmless.
    fn signal(&self, signal: Signal) {
        if !self.gone.load(Ordering::Relaxed)
            && let Err(error) = kill_process_group(self.leader, signal)
        {
            tracing::debug!(group = self.leader.as_raw_pid(), ?signal, %error, "not signalled");
        }
    }

    /// Sees to what the leader left behind.
    ///
    /// After SIGTERM the rest is still finishing, as the application server
    /// under a shell that has left already: they keep the time that they have,
    /// until [`kill`](Self::kill). After any other exit the rest is no use,
    /// and holds the socket: SIGKILL at once.
    ///
    /// Dropped before it is done: the caller's group is dropped too, and
    /// killed.
    pub(crate) async fn bury(&self, patience: Duration) {
        if self.terminated.load(Ordering::Relaxed) {
            self.wait_until_empty(patience).await;
            self.kill();
            self.wait_until_empty(KILL_TIME).await;
        } else {
            self.kill();
        }
        self.gone.store(true, Ordering::Relaxed);
    }

    async fn wait_until_empty(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while test_kill_process_group(self.leader).is_ok() && Instant::now() < deadline {
            time::sleep(LOOK).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

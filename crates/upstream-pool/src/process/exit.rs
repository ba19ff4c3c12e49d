use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};
use tokio::{sync::watch, time};

use super::{
    guard::Guard,
    pulse::{self, Look},
    stat::Stat,
};

/// The first pause between two looks whether a process group is empty; it doubles each
/// time. The operating system tells when a child exits, not when its children have.
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// The longest pause while somebody waits for that.
const LOOK: Duration = Duration::from_millis(100);

/// The longest pause while nobody does: those who have lost their leader are told to
/// leave when they have nothing to do any more.
const SLOW_LOOK: Duration = Duration::from_secs(1);

/// How long after SIGKILL to wait for a group to be empty: a moment, on however busy a
/// machine, unless somebody in it waits for a disk.
const KILL_TIME: Duration = Duration::from_secs(5);

/// What can be told to leave.
pub(crate) trait Leave: Debug + Send + Sync {
    /// Asks to finish and leave: SIGTERM.
    fn terminate(&self);

    /// SIGKILL.
    fn kill(&self);

    /// Whether it is on its way out, or out. Told at once.
    fn is_exiting(&self) -> bool;

    /// Whether any part of it is just on its way out.
    fn has_exiting(&self) -> Look;
}

/// The process group that a started command leads, and whatever it starts
/// itself stays in.
///
/// Dropped before its leader was seen to exit, the group is killed: when the
/// runtime goes down without a stop, the processes go too.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Pid,
    /// Whether it is to leave.
    told: watch::Sender<bool>,
    gone: AtomicBool,
    guard: Arc<Guard>,
}

impl Group {
    pub(crate) fn new(leader: Pid, guard: Arc<Guard>) -> Self {
        guard.watch(leader);
        Self {
            leader,
            told: watch::Sender::new(false),
            gone: AtomicBool::new(false),
            guard,
        }
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

    /// Whether the leader, which has ended by itself, has left somebody behind.
    pub(crate) fn outlives_leader(&self) -> bool {
        !*self.told.borrow() && !self.is_empty()
    }

    /// Waits until nobody is left, or those who are left are to leave. Nothing is lost
    /// if this is dropped.
    pub(crate) async fn go_on(&self) {
        let mut told = self.told.subscribe();
        tokio::select! {
            // The sender is ours: there is no error.
            _ = told.wait_for(|told| *told) => {}
            () = self.empty(SLOW_LOOK) => {}
        }
    }

    /// Sees to what the leader left behind.
    ///
    /// Those who were told to leave are still finishing, as the application server
    /// under a shell that has left already: they keep the time that they have, until
    /// [`kill`](Self::kill). Others have nothing to finish, and hold the socket: SIGKILL
    /// at once.
    ///
    /// Dropped before it is done: the caller's group is dropped too, and
    /// killed.
    pub(crate) async fn bury(&self, patience: Duration) {
        if *self.told.borrow() {
            let _ = time::timeout(patience, self.empty(LOOK)).await;
            self.kill();
            let _ = time::timeout(KILL_TIME, self.empty(LOOK)).await;
        } else {
            self.kill();
        }
        self.gone.store(true, Ordering::Relaxed);
        self.guard.forget(self.leader);
    }

    /// Waits until nobody is left.
    async fn empty(&self, longest: Duration) {
        let mut pause = FIRST_LOOK;
        while !self.is_empty() {
            time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Whether nobody is left but zombies, which are their parents' business.
    fn is_empty(&self) -> bool {
        // As process 1, as in a container, we are the parent of all orphans.
        // The leader has been waited for, so this takes nobody's child away.
        while let Ok(Some(_)) = waitpgid(self.leader, WaitOptions::NOHANG) {}
        if test_kill_process_group(self.leader).is_err() {
            return true;
        }
        let group = self.leader.as_raw_pid();
        let is_alive = |stat: Stat| stat.group == group && !stat.is_zombie;
        Stat::of_all().is_some_and(|mut all| !all.any(is_alive))
    }
}

impl Leave for Group {
    fn terminate(&self) {
        self.told.send_replace(true);
        self.signal(Signal::TERM);
    }

    fn kill(&self) {
        self.told.send_replace(true);
        self.signal(Signal::KILL);
    }

    fn is_exiting(&self) -> bool {
        self.gone.load(Ordering::Relaxed) || pulse::is_exiting(self.leader)
    }

    fn has_exiting(&self) -> Look {
        pulse::has_exiting(self.leader)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.gone.load(Ordering::Relaxed) {
            self.kill();
            self.guard.forget(self.leader);
        }
    }
}

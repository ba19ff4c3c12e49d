use std::{
    collections::BTreeSet,
    io,
    process::ExitStatus,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::process::{Child, Command};

/// Which children of this process somebody here waits for.
static OWN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child that somebody waits for, or lets go by dropping it. All others of
/// this process's children are orphans that were given to it.
#[derive(Debug)]
pub(crate) struct OwnChild {
    pub(crate) child: Child,
    pid: u32,
}

/// Starts a process. It cannot be taken for an orphan in between, however soon
/// it ends: who looks for orphans waits for this.
pub(crate) fn spawn(command: &mut Command) -> io::Result<OwnChild> {
    let mut own = own();
    let child = command.spawn()?;
    let pid = child.id().unwrap_or_default();
    own.insert(pid);
    Ok(OwnChild { child, pid })
}

/// The children that somebody waits for, held so that none is added.
pub(super) fn own() -> MutexGuard<'static, BTreeSet<u32>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OwnChild {
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended. Nothing is lost if this is dropped.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for OwnChild {
    fn drop(&mut self) {
        own().remove(&self.pid);
    }
}

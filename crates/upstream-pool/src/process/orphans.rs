use std::{io, time::Duration};

use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    time,
};

use super::{children, stat::Stat};

/// The shortest time from one look for orphans to the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes this process the parent of what its applications' processes leave
/// behind (a *child subreaper*, prctl(2)), and waits for those that have ended,
/// until the runtime ends: there are no zombies, not even where this is process
/// 1 in a container.
///
/// For a program that starts no processes but those of its pools: it waits for
/// every other child, and whoever wanted its exit status would miss it. A
/// program that does not call this leaves such orphans to its own parent, as
/// any other.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// peregrine_upstream_pool::adopt_orphans()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If it is not called within a Tokio runtime, or if the operating system knows
/// no subreapers.
pub fn adopt_orphans() -> io::Result<()> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    // Before the first look, so that no end goes unnoticed.
    let ends = signal(SignalKind::child())?;
    set_child_subreaper(Some(getpid()))?;
    runtime.spawn(reap(ends));
    Ok(())
}

async fn reap(mut ends: Signal) {
    while ends.recv().await.is_some() {
        reap_all();
        // Signals that come meanwhile are one.
        time::sleep(PAUSE).await;
    }
}

fn reap_all() {
    let own = children::own();
    let this = getpid().as_raw_pid();
    let is_orphan = |stat: &Stat| {
        stat.is_zombie && stat.parent == this && !own.contains(&stat.pid.cast_unsigned())
    };
    for orphan in Stat::of_all().into_iter().flatten().filter(is_orphan) {
        tracing::trace!(pid = orphan.pid, "an orphan has ended");
        // Its end was seen: this does not wait.
        let _ = waitpid(Pid::from_raw(orphan.pid), WaitOptions::NOHANG);
    }
}

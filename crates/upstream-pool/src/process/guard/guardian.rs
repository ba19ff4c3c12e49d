use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{self, Instant},
};
use tracing::Instrument;

use super::{Guard, OwnChild, Watch};

/// How long the guard may take to leave: a moment, unless somebody has left his
/// group and does not heed SIGTERM. Then it takes 2 s, and on a busy machine more; it
/// is waited for, since only then nobody is left.
const FAREWELL: Duration = Duration::from_secs(10);

/// The first pause before another guard is started, where one after the other ends
/// soon. It doubles each time. The first one is replaced at once.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause; and how long one has to be there so that its end is the first
/// one again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Sees to it that there is a guard.
#[derive(Debug)]
pub(crate) struct Guardian(Option<JoinHandle<()>>);

impl Guardian {
    /// Of a guard that was just started.
    pub(super) fn keep(guard: &Arc<Guard>, child: OwnChild) -> Self {
        let keeper = keep(Arc::downgrade(guard), child);
        Self(Some(tokio::spawn(keeper.in_current_span())))
    }

    /// For processes that have none.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Waits until the guard has left. It does when the last [`Guard`] is
    /// dropped, which the task of a process does a moment after its last word.
    pub(crate) async fn leave(self) {
        if let Some(keeper) = self.0 {
            let _ = time::timeout(FAREWELL, keeper).await;
        }
    }
}

/// Starts another guard when one has ended, until there is nobody to guard: it leaves
/// when the last [`Guard`] is dropped.
async fn keep(guard: Weak<Guard>, child: OwnChild) {
    let mut child = Some(child);
    let mut pause = Duration::ZERO;
    loop {
        let begun = Instant::now();
        if let Some(mut child) = child.take() {
            let status = child.wait().await.ok();
            if guard.strong_count() == 0 {
                return;
            }
            let status = status.map(tracing::field::display);
            tracing::warn!(status, "the guard has ended, and another one is started");
        }
        if begun.elapsed() >= LONGEST_PAUSE {
            pause = Duration::ZERO;
        }
        time::sleep(pause).await;
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        let Some(guard) = guard.upgrade() else {
            return;
        };
        match guard.0.as_ref().map(Watch::relieve) {
            Some(Ok(next)) => child = Some(next),
            Some(Err(error)) => {
                tracing::warn!(%error, "no guard: if this is killed, its processes stay");
            }
            None => return,
        }
    }
}

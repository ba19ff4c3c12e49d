use std::{
    fmt,
    future::ready,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::world::World;
use crate::{
    StartReport,
    connection::Endpoint,
    process::{Launch, Leave, Look},
    report::Failure,
    roster::ProcessId,
    supervisor::Note,
};

/// The part that a process plays. Times are in milliseconds; the first one is
/// how long it takes to start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    Good(u64),
    FailsToStart(u64),
    Crashes(u64, u64),
    /// Takes requests and answers none.
    Hangs(u64),
    /// Says that it is ready, and takes no connection.
    Refuses(u64),
    HeedsNoSigterm(u64),
    /// Crashes, and takes a while to be gone. Until then it takes connections, and
    /// closes them without an answer.
    Lingers(u64, u64, u64),
    /// Crashes, but not those that it has started and that do its work: they go on until
    /// they are told to leave, or for as long as the last number says.
    Bereaves(u64, u64, u64),
}

/// How long a process takes to leave when it is told to.
const FAREWELL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Term,
    Kill,
}

struct Group {
    id: ProcessId,
    signals: mpsc::UnboundedSender<Signal>,
    world: Arc<World>,
}

impl Leave for Group {
    fn terminate(&self) {
        let _ = self.signals.send(Signal::Term);
    }

    fn kill(&self) {
        let _ = self.signals.send(Signal::Kill);
    }

    fn is_exiting(&self) -> bool {
        self.world.is_known_to_exit(self.id)
    }

    fn has_exiting(&self) -> Look {
        Box::pin(ready(false))
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Life {
    fn start(self) -> Duration {
        let (Self::Good(start)
        | Self::FailsToStart(start)
        | Self::Crashes(start, _)
        | Self::Hangs(start)
        | Self::Refuses(start)
        | Self::Lingers(start, ..)
        | Self::Bereaves(start, ..)
        | Self::HeedsNoSigterm(start)) = self;
        Duration::from_millis(start)
    }
}

/// Plays a process from its start to its end, as `process::run` would.
pub(super) async fn act(world: Arc<World>, launch: Launch, life: Life) {
    let (id, notes) = (launch.id, launch.notes);
    let (sender, mut signals) = mpsc::unbounded_channel();
    let (dead, is_dead) = watch::channel(false);
    world.begins(id, life, is_dead);
    notes.send(Note::Spawned {
        id,
        pid: World::pid(id),
        group: Arc::new(Group {
            id,
            signals: sender,
            world: Arc::clone(&world),
        }),
    });
    let started = tokio::select! {
        biased;
        _ = signals.recv() => false,
        () = sleep(life.start()) => !matches!(life, Life::FailsToStart(_)),
    };
    if !started {
        world.ends(id);
        notes.send(Note::StartFailed(id, report()));
        return;
    }
    world.gets_ready(id);
    notes.send(Note::Ready {
        id,
        endpoint: Endpoint::Unix(PathBuf::new()),
    });
    let crash = async {
        match life {
            Life::Crashes(_, after) | Life::Lingers(_, after, _) => {
                sleep(Duration::from_millis(after)).await;
            }
            Life::Bereaves(_, after, going_on) => {
                sleep(Duration::from_millis(after)).await;
                world.goes_on_without_leader(id);
                notes.send(Note::LeaderExited(id, report()));
                sleep(Duration::from_millis(going_on)).await;
            }
            _ => std::future::pending().await,
        }
    };
    let leave = async {
        while let Some(signal) = signals.recv().await {
            if signal == Signal::Kill {
                return;
            }
            world.is_told_to_leave(id);
            if !matches!(life, Life::HeedsNoSigterm(_) | Life::Hangs(_)) {
                sleep(FAREWELL).await;
                return;
            }
        }
    };
    let crashed = tokio::select! {
        biased;
        () = leave => false,
        () = crash => true,
    };
    dead.send_replace(true);
    if let Life::Lingers(.., linger) = life
        && crashed
    {
        world.begins_to_exit(id);
        sleep(Duration::from_millis(linger)).await;
    }
    world.ends(id);
    notes.send(Note::Exited(id, report()));
}

fn report() -> StartReport {
    StartReport {
        command: "played".into(),
        dir: None,
        env: Vec::new(),
        address: String::new(),
        failure: Failure::Exited(None),
        output: Vec::new(),
        took: Duration::ZERO,
        at: SystemTime::UNIX_EPOCH,
    }
}

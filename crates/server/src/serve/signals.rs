use std::{fs::File, io, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, Semaphore},
    time::sleep,
};
use tracing::info;

/// How long the kernel may take to part us from a terminal that is gone, once
/// it has told us.
const PARTING: Duration = Duration::from_millis(100);

/// What the operator has asked for by signals.
///
/// The first SIGTERM, SIGINT or SIGQUIT means to stop, the second one to stop
/// waiting for what still runs. SIGHUP means to restart the application, as for
/// any server; but that of a terminal that is closed means to stop. Each is
/// listened to, since application processes have process groups of their own:
/// to die of it would leave them behind.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    /// A permit for each signal to stop that nobody has acted upon.
    stop: Arc<Semaphore>,
    restart: Arc<Notify>,
}

impl Signals {
    /// Begins to listen. Must be called inside a runtime, and before there is
    /// anything that a signal would leave behind.
    pub(super) fn listen() -> io::Result<Self> {
        let this = Self {
            stop: Arc::new(Semaphore::new(0)),
            restart: Arc::default(),
        };
        let kinds = [
            ("SIGTERM", SignalKind::terminate()),
            ("SIGINT", SignalKind::interrupt()),
            ("SIGQUIT", SignalKind::quit()),
        ];
        for (name, kind) in kinds {
            tokio::spawn(this.clone().stop_at(name, signal(kind)?));
        }
        let hangups = signal(SignalKind::hangup())?;
        tokio::spawn(this.clone().restart_at(hangups, has_terminal()));
        Ok(this)
    }

    /// Resolves at the next signal to stop.
    pub(super) async fn next(&self) {
        // The semaphore is never closed.
        if let Ok(permit) = self.stop.acquire().await {
            permit.forget();
        }
    }

    /// Resolves at the next signal to restart. Several that come before anybody
    /// listens are one.
    pub(super) async fn restart(&self) {
        self.restart.notified().await;
    }

    async fn stop_at(self, name: &'static str, mut signals: Signal) {
        while signals.recv().await.is_some() {
            info!(signal = name, "received");
            self.stop.add_permits(1);
        }
    }

    async fn restart_at(self, mut hangups: Signal, had_terminal: bool) {
        while hangups.recv().await.is_some() {
            if had_terminal {
                sleep(PARTING).await;
            }
            if had_terminal && !has_terminal() {
                info!(signal = "SIGHUP", "the terminal is gone");
                self.stop.add_permits(1);
            } else {
                info!(signal = "SIGHUP", "received");
                self.restart.notify_one();
            }
        }
    }
}

/// Whether this process is controlled from a terminal: tty(4).
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

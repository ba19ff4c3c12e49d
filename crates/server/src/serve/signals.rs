use std::{fs::File, io, sync::Arc, time::Duration};

use rustix::process::Signal as Number;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, Semaphore},
    time::sleep,
};
use tracing::{info, warn};

/// How long the kernel may take to part us from a terminal that is gone, once
/// it has told us.
const PARTING: Duration = Duration::from_millis(100);

/// What other servers take for an order, and those who come from them send: at SIGUSR2
/// nginx and Unicorn replace their program, and Puma restarts; at SIGTTIN and SIGTTOU
/// Unicorn and Puma start one more worker, or stop one. Who does not listen ends at the
/// first, in the midst of requests, and stands still at the others.
const FOREIGN: [(&str, Number); 3] = [
    ("SIGUSR2", Number::USR2),
    ("SIGTTIN", Number::TTIN),
    ("SIGTTOU", Number::TTOU),
];

/// What the operator has asked for by signals.
///
/// The first SIGTERM, SIGINT or SIGQUIT means to stop, the second one to stop
/// waiting for what still runs. SIGHUP means to restart the application, as for
/// any server; but that of a terminal that is closed means to stop. Each is
/// listened to, since application processes have process groups of their own:
/// to die of it would leave them behind. So are [those](FOREIGN) that mean nothing here.
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
        for (name, number) in FOREIGN {
            let kind = SignalKind::from_raw(number.as_raw());
            tokio::spawn(explain_at(name, signal(kind)?));
        }
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

async fn explain_at(name: &'static str, mut signals: Signal) {
    while signals.recv().await.is_some() {
        warn!(
            signal = name,
            "it means nothing here: SIGHUP restarts the application, SIGTERM stops the server"
        );
    }
}

/// Whether this process is controlled from a terminal: tty(4).
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

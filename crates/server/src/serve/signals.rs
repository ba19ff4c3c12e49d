use std::{io, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
};
use tracing::info;

/// What the operator has asked for by signals.
///
/// The first SIGTERM, SIGINT, SIGHUP or SIGQUIT means to stop, the second one
/// to stop waiting for what still runs. All four, since application processes
/// have process groups of their own: to die of a hang-up would leave them
/// behind.
#[derive(Clone, Debug)]
pub(super) struct Signals {
    /// A permit for each signal that nobody has acted upon.
    received: Arc<Semaphore>,
}

impl Signals {
    /// Begins to listen. Must be called inside a runtime, and before there is
    /// anything that a signal would leave behind.
    pub(super) fn listen() -> io::Result<Self> {
        let kinds = [
            ("SIGTERM", SignalKind::terminate()),
            ("SIGINT", SignalKind::interrupt()),
            ("SIGHUP", SignalKind::hangup()),
            ("SIGQUIT", SignalKind::quit()),
        ];
        let received = Arc::new(Semaphore::new(0));
        for (name, kind) in kinds {
            tokio::spawn(forward(name, signal(kind)?, Arc::clone(&received)));
        }
        Ok(Self { received })
    }

    /// Resolves at the next signal.
    pub(super) async fn next(&self) {
        // The semaphore is never closed.
        if let Ok(permit) = self.received.acquire().await {
            permit.forget();
        }
    }
}

async fn forward(name: &'static str, mut signal: Signal, received: Arc<Semaphore>) {
    while signal.recv().await.is_some() {
        info!(signal = name, "received");
        received.add_permits(1);
    }
}

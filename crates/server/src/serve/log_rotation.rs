use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tracing::info;

use crate::access_log::AccessLogHandle;

/// Has the access log opened anew at each SIGUSR1, until this is dropped.
#[derive(Debug)]
#[must_use = "nothing opens the log anew when this is dropped"]
pub(super) struct LogRotation {
    /// Aborted on drop.
    _task: JoinSet<()>,
}

impl LogRotation {
    /// Listens without a log, too: whoever rotates logs and sends the signal is not
    /// to end the server by it, which is what it means to those who do not listen.
    pub(super) fn listen(log: Option<AccessLogHandle>) -> io::Result<Self> {
        let mut signals = signal(SignalKind::user_defined1())?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            while signals.recv().await.is_some() {
                if let Some(log) = &log {
                    log.reopen();
                } else {
                    info!(signal = "SIGUSR1", "there is no access log to open anew");
                }
            }
        });
        Ok(Self { _task: task })
    }
}

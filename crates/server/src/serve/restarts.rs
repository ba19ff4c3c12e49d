//! What makes the application restart, beside `peregrine restart-app`.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use peregrine::upstream_pool::PoolHandle;
use tokio::{fs, task::JoinSet, time::sleep};
use tracing::info;

use super::signals::Signals;

/// The file whose modification restarts the application, in its folder; as
/// Passenger's.
const FILE: &str = "tmp/restart.txt";

/// How often to look at it.
const LOOK: Duration = Duration::from_secs(1);

/// Restarts applications whenever that is asked for, until this is dropped.
/// How a restart ends is for the pool to log.
#[derive(Debug)]
#[must_use = "nothing restarts the applications when this is dropped"]
pub(super) struct Restarts {
    /// Aborted on drop. A restart that was asked for goes on.
    _tasks: JoinSet<()>,
}

impl Restarts {
    /// Of the applications in these folders: each when its file is touched, all of
    /// them at a signal. A restart is asked for by a touch from now on, not by one
    /// that was before.
    pub(super) async fn watch(applications: Vec<(PathBuf, PoolHandle)>, signals: Signals) -> Self {
        let mut tasks = JoinSet::new();
        for (dir, pool) in &applications {
            // The `tmp` of the root folder is everybody's.
            if dir != Path::new("/") {
                let file = RestartFile::new(dir).await;
                tasks.spawn(restart_at_touches(file, pool.clone()));
            }
        }
        let pools = applications.into_iter().map(|(_, pool)| pool);
        tasks.spawn(restart_at_signals(signals, pools.collect()));
        Self { _tasks: tasks }
    }
}

async fn restart_at_touches(mut file: RestartFile, pool: PoolHandle) {
    // A restart during a restart begins anew, so nobody waits for the end of one.
    let mut restarts = JoinSet::new();
    loop {
        tokio::select! {
            () = file.touched() => info!(file = %file.path.display(), "touched"),
            Some(_) = restarts.join_next() => continue,
        }
        let pool = pool.clone();
        restarts.spawn(async move { pool.restart().await.map(drop) });
    }
}

/// One application after the other, so that there is one process too many at
/// most.
async fn restart_at_signals(signals: Signals, pools: Vec<PoolHandle>) {
    let mut restarts = JoinSet::new();
    loop {
        tokio::select! {
            () = signals.restart() => {}
            Some(_) = restarts.join_next() => continue,
        }
        let pools = pools.clone();
        restarts.spawn(async move {
            for pool in pools {
                // That one does not start is no reason to leave the others as
                // they are.
                let _ = pool.restart().await;
            }
        });
    }
}

#[derive(Debug)]
struct RestartFile {
    path: PathBuf,
    seen: Option<SystemTime>,
}

impl RestartFile {
    async fn new(dir: &Path) -> Self {
        let path = dir.join(FILE);
        let seen = modified(&path).await;
        Self { path, seen }
    }

    /// Resolves when the file was touched. Nothing is missed if this is
    /// dropped.
    async fn touched(&mut self) {
        loop {
            sleep(LOOK).await;
            if self.is_news(modified(&self.path).await) {
                return;
            }
        }
    }

    /// Whoever removes the file does not ask for anything.
    fn is_news(&mut self, modified: Option<SystemTime>) -> bool {
        let before = std::mem::replace(&mut self.seen, modified);
        modified.is_some() && modified != before
    }
}

async fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).await.ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appears_or_changes_is_news() {
        let (one, two) = (
            SystemTime::UNIX_EPOCH,
            SystemTime::UNIX_EPOCH + Duration::from_nanos(1),
        );
        let cases = [
            ("never there", None, None, false),
            ("there since before", Some(one), Some(one), false),
            ("appears", None, Some(one), true),
            ("is touched", Some(one), Some(two), true),
            // As when a release is rolled back.
            ("grows older", Some(two), Some(one), true),
            ("is removed", Some(one), None, false),
        ];
        for (name, seen, modified, expected) in cases {
            let path = PathBuf::new();
            let mut file = RestartFile { path, seen };
            assert_eq!(file.is_news(modified), expected, "{name}");
            assert!(!file.is_news(modified), "{name}, once more");
        }
    }
}

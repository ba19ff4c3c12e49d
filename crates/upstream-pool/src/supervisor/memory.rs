use std::{
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use tokio::{task, time};

use super::{Note, Notes};
use crate::{
    handle::{Board, ProcessState},
    process::memory,
};

/// How often to look at the memory of the processes.
const LOOK: Duration = Duration::from_secs(2);

/// Tells which processes use more than `limit` bytes, until the pool is gone.
pub(crate) async fn watch(limit: u64, board: Weak<Board>, notes: Notes) {
    loop {
        time::sleep(LOOK).await;
        let Some(board) = board.upgrade() else {
            return;
        };
        let groups = ready(&board);
        drop(board);
        // It walks over `/proc`, which may take milliseconds.
        let look = task::spawn_blocking(move || memory::over(limit, &groups));
        for (pid, bytes) in look.await.unwrap_or_default() {
            notes.send(Note::Heavy { pid, bytes });
        }
    }
}

fn ready(board: &Arc<Board>) -> Vec<u32> {
    let news = board.news.lock().unwrap_or_else(PoisonError::into_inner);
    let ready = |state| state == ProcessState::Ready;
    let processes = news.processes.iter().filter(|entry| ready(entry.state));
    processes.map(|entry| entry.pid).collect()
}

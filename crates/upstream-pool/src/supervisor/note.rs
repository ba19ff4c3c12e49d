use std::sync::Arc;

use tokio::sync::mpsc;

use crate::{StartReport, connection::Endpoint, process::Leave, roster::ProcessId};

/// What has happened to a process.
#[derive(Debug)]
pub(crate) enum Note {
    Spawned {
        id: ProcessId,
        pid: u32,
        group: Arc<dyn Leave>,
    },
    Ready {
        id: ProcessId,
        endpoint: Endpoint,
    },
    /// It was never ready, and is gone.
    StartFailed(ProcessId, StartReport),
    /// It was ready, and the leader of its group is gone. Others of the group go on,
    /// until they are told to leave; their end is told as any other.
    LeaderExited(ProcessId, StartReport),
    /// It was ready, and is gone.
    Exited(ProcessId, StartReport),
    /// It is of no use, and why.
    Unhealthy(ProcessId, &'static str),
    /// It is about to be gone, and is given nothing any more.
    Exiting(ProcessId),
    Drained(ProcessId),
    /// It has served as many requests as it may.
    Worn(ProcessId),
    /// The process group `pid` uses more memory than it may.
    Heavy {
        pid: u32,
        bytes: u64,
    },
    /// One of several requests was not answered in time.
    Overdue(ProcessId),
    /// It was asked whether it is there.
    Probed {
        id: ProcessId,
        answers: bool,
    },
}

/// Where notes are sent. Nobody waits: each process sends few, and the
/// supervisor is quick.
#[derive(Clone, Debug)]
pub(crate) struct Notes(mpsc::UnboundedSender<Note>);

#[derive(Debug)]
pub(crate) struct Inbox(mpsc::UnboundedReceiver<Note>);

pub(crate) fn notes() -> (Notes, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Notes(sender), Inbox(receiver))
}

impl Notes {
    pub(crate) fn send(&self, note: Note) {
        // After the supervisor's end there is nothing left to be told.
        let _ = self.0.send(note);
    }
}

impl Inbox {
    /// The next note. Nothing is lost if this is dropped.
    pub(crate) async fn recv(&mut self) -> Note {
        match self.0.recv().await {
            Some(note) => note,
            // The supervisor itself has a sender: there is always one more.
            None => std::future::pending().await,
        }
    }

    #[cfg(test)]
    pub(crate) fn try_recv(&mut self) -> Option<Note> {
        self.0.try_recv().ok()
    }
}

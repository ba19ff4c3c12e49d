use std::{mem, sync::Arc};

use tokio::sync::oneshot;

use crate::{ReplaceError, StartReport, roster::ProcessId};

/// Where the end of a restart is told: how many processes it has replaced.
pub(crate) type RestartReply = oneshot::Sender<Result<usize, ReplaceError>>;

/// Where the end of a detachment is told.
pub(crate) type DetachReply = oneshot::Sender<Result<(), ReplaceError>>;

/// Who waits for what they have asked for. Those who no longer do are told all
/// the same: a send to nobody does no harm.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    restarts: Vec<RestartReply>,
    detachments: Vec<(ProcessId, DetachReply)>,
}

impl Asked {
    pub(super) fn restart(&mut self, reply: RestartReply) {
        self.restarts.push(reply);
    }

    pub(super) fn detach(&mut self, id: ProcessId, reply: DetachReply) {
        self.detachments.push((id, reply));
    }

    pub(super) fn restarted(&mut self, replaced: usize) {
        self.tell_restarts(&Ok(replaced));
    }

    pub(super) fn restart_failed(&mut self, report: Option<Arc<StartReport>>) {
        self.tell_restarts(&Err(ReplaceError::not_started(report)));
    }

    /// A process takes no more requests.
    pub(super) fn detached(&mut self, id: ProcessId) {
        self.tell_detachments(Some(id), &Ok(()));
    }

    pub(super) fn not_detached(&mut self, id: ProcessId, report: Option<Arc<StartReport>>) {
        self.tell_detachments(Some(id), &Err(ReplaceError::not_started(report)));
    }

    /// Nothing is replaced any more.
    pub(super) fn stop(&mut self) {
        self.tell_restarts(&Err(ReplaceError::stopping()));
        self.tell_detachments(None, &Err(ReplaceError::stopping()));
    }

    fn tell_restarts(&mut self, outcome: &Result<usize, ReplaceError>) {
        for reply in mem::take(&mut self.restarts) {
            let _ = reply.send(outcome.clone());
        }
    }

    fn tell_detachments(&mut self, id: Option<ProcessId>, outcome: &Result<(), ReplaceError>) {
        let told = |(other, _): &mut (ProcessId, _)| id.is_none_or(|id| *other == id);
        for (_, reply) in self.detachments.extract_if(.., told) {
            let _ = reply.send(outcome.clone());
        }
    }
}

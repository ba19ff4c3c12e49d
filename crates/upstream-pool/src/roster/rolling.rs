use std::collections::BTreeMap;

use super::ProcessId;

/// Which processes are to be replaced, and how far that is.
///
/// The new one is ready before the old one drains, and only one at a time is
/// replaced: there is never more than one process too many.
#[derive(Debug, Default)]
pub(super) struct Rolling {
    due: BTreeMap<ProcessId, Due>,
    /// Starts in the place of one that is due.
    replacement: Option<ProcessId>,
    /// Present while somebody wants to know how a restart ends: how many
    /// processes it has replaced.
    restart: Option<usize>,
    /// What was to replace the old processes does not start: they stay until
    /// something does, or a restart is asked for again.
    resisting: bool,
}

/// Why a process is to be replaced, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Somebody wants it gone.
    Detach,
    /// It runs what was there before a restart.
    Restart,
    /// It has reached a limit.
    Worn,
}

impl Rolling {
    /// Replaces all of `ready`, and whatever gets ready from now on replaces
    /// nothing but them.
    pub(super) fn restart(&mut self, ready: impl IntoIterator<Item = ProcessId>) {
        for id in ready {
            self.mark(id, Due::Restart);
        }
        self.resisting = false;
        self.restart.get_or_insert(0);
    }

    /// The more urgent reason counts.
    pub(super) fn mark(&mut self, id: ProcessId, due: Due) {
        let known = self.due.entry(id).or_insert(due);
        *known = due.min(*known);
    }

    pub(super) fn is_due(&self, id: ProcessId) -> bool {
        self.due.contains_key(&id)
    }

    /// How many are to be replaced.
    pub(super) fn left(&self) -> usize {
        self.due.len()
    }

    pub(super) const fn is_restarting(&self) -> bool {
        self.restart.is_some()
    }

    pub(super) const fn is_resisting(&self) -> bool {
        self.resisting
    }

    /// Whether a process starts that will make another one leave.
    pub(super) fn has_surplus(&self) -> bool {
        self.replacement.is_some() && !self.due.is_empty()
    }

    /// Whether another process may start in the place of one that is due.
    pub(super) fn wants_replacement(&self) -> bool {
        !self.due.is_empty() && !self.resisting
    }

    pub(super) const fn starts(&mut self, id: ProcessId) {
        self.replacement = Some(id);
    }

    /// Whether it starts in the place of one that is due.
    pub(super) fn is_replacement(&self, id: ProcessId) -> bool {
        self.replacement == Some(id)
    }

    /// A process got ready: which one leaves for it. One that is to be detached
    /// is not needed any more, whatever the new one was started for.
    pub(super) fn got_ready(&mut self, id: ProcessId) -> Option<ProcessId> {
        self.resisting = false;
        let replaces = self.replacement.take_if(|other| *other == id).is_some();
        self.due
            .iter()
            .filter(|(_, due)| replaces || **due == Due::Detach)
            .min_by_key(|(id, due)| (**due, **id))
            .map(|(id, _)| *id)
    }

    /// A process takes no more requests, or is gone.
    pub(super) fn left_service(&mut self, id: ProcessId) {
        if self.due.remove(&id) == Some(Due::Restart)
            && let Some(replaced) = &mut self.restart
        {
            *replaced += 1;
        }
        self.replacement.take_if(|replacement| *replacement == id);
    }

    /// Nothing starts for now. Gives back whether a restart has come to
    /// nothing by that, and who was to be detached and stays.
    ///
    /// One that has reached a limit stays due: it is tried again after each
    /// pause.
    pub(super) fn starts_fail(&mut self) -> (bool, Vec<ProcessId>) {
        let restart = self.restart.take().is_some();
        self.resisting |= restart && self.due.values().any(|due| *due == Due::Restart);
        let detached = self.due.extract_if(.., |_, due| *due == Due::Detach);
        (restart, detached.map(|(id, _)| id).collect())
    }

    /// The number of processes that a restart has replaced, if that was the
    /// last of it.
    pub(super) fn finish_restart(&mut self) -> Option<usize> {
        let over = !self.due.values().any(|due| *due == Due::Restart);
        self.restart.take_if(|_| over)
    }
}

//! Which process leaves when another pool needs one.

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::Supervisor;
use crate::{
    Error, Process, RequestBody,
    budget::Debt,
    roster::{Event, ProcessId},
};

impl<L> Supervisor<L>
where
    L: Layer<Process>,
    L::Service: Service<Request<RequestBody>, Error = Error>,
{
    /// What to do when the budget has news: to start what may be started, or to give
    /// back what is asked for.
    pub(super) fn give_back(&self) -> Event {
        let Some(debt) = self.share.debt() else {
            return Event::Tick;
        };
        let ready: Vec<_> = self
            .roster
            .ready()
            .filter_map(|id| {
                let (busyness, _) = self.members.get(&id)?.service.as_ref()?;
                Some((id, busyness.running()))
            })
            .collect();
        let given = choose(debt, self.roster.starts_beyond(), &ready);
        if let Some(id) = given {
            let pid = self.members.get(&id).map(|member| member.pid);
            tracing::info!(pid, "process leaves, since another application needs one");
        }
        Event::GiveBack(given)
    }
}

/// `ready` are the ready ones, oldest first, with how much each has to do.
fn choose(
    debt: Debt,
    starting: Option<ProcessId>,
    ready: &[(ProcessId, usize)],
) -> Option<ProcessId> {
    // The youngest: the oldest is the one that requests go to.
    let mut youngest_first = ready.iter().rev();
    let idle = youngest_first.find(|(_, running)| *running == 0);
    let idle = idle.map(|(id, _)| *id);
    let is_only = ready.len() == 1;
    match debt {
        // Not the only one that can answer.
        Debt::Idle if is_only => idle.map(|id| starting.unwrap_or(id)),
        Debt::Idle => idle,
        Debt::Any if is_only => starting,
        Debt::Any => idle.or(starting).or_else(|| {
            let youngest_first = ready.iter().rev();
            let least_busy = youngest_first.min_by_key(|(_, running)| *running);
            least_busy.map(|(id, _)| *id)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_be_done_without_leaves() {
        type Case = (
            &'static str,
            Debt,
            Option<u64>,
            &'static [(u64, usize)],
            Option<u64>,
        );
        let cases: [Case; 11] = [
            (
                "the youngest idle one",
                Debt::Idle,
                None,
                &[(1, 0), (2, 0), (3, 1)],
                Some(2),
            ),
            (
                "also if any would do",
                Debt::Any,
                Some(4),
                &[(1, 1), (2, 0), (3, 1)],
                Some(2),
            ),
            (
                "none is idle any more",
                Debt::Idle,
                Some(3),
                &[(1, 1), (2, 1)],
                None,
            ),
            (
                "one that only starts",
                Debt::Any,
                Some(3),
                &[(1, 1), (2, 1)],
                Some(3),
            ),
            (
                "the least busy one",
                Debt::Any,
                None,
                &[(1, 2), (2, 1), (3, 2)],
                Some(2),
            ),
            (
                "of equals the youngest",
                Debt::Any,
                None,
                &[(1, 1), (2, 1)],
                Some(2),
            ),
            (
                "the last, if it is idle",
                Debt::Idle,
                None,
                &[(1, 0)],
                Some(1),
            ),
            ("the last is busy", Debt::Idle, None, &[(1, 1)], None),
            (
                "the only one that answers is kept",
                Debt::Idle,
                Some(2),
                &[(1, 0)],
                Some(2),
            ),
            ("also if it is busy", Debt::Any, Some(2), &[(1, 1)], Some(2)),
            (
                "and if nothing else is there",
                Debt::Any,
                None,
                &[(1, 1)],
                None,
            ),
        ];
        for (name, debt, starting, ready, expected) in cases {
            let ready: Vec<_> = ready
                .iter()
                .map(|(id, running)| (ProcessId::new(*id), *running))
                .collect();
            let chosen = choose(debt, starting.map(ProcessId::new), &ready);
            assert_eq!(chosen, expected.map(ProcessId::new), "{name}");
        }
    }
}

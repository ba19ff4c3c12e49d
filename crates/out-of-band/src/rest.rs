use std::sync::Arc;

use tokio::time::{self, Instant};

use crate::{
    group::Verdict,
    member::Member,
    rota::{Event, MemberId},
};

/// A member's turn to rest. Dropped, in whatever way its task ends, it goes to
/// the next one, and the member takes requests again.
pub(crate) struct Turn {
    member: Arc<Member>,
    /// The group knows already how it ended.
    told: bool,
}

impl Turn {
    pub(crate) const fn new(member: Arc<Member>) -> Self {
        Self {
            member,
            told: false,
        }
    }

    /// Drains, works, and is over.
    ///
    /// Dropped at either await, with its runtime or because the service is
    /// gone, the work is dropped first, then the turn.
    pub(crate) async fn rest(mut self) {
        let begun = Instant::now();
        let plan = self.member.plan().clone();
        let drained = time::timeout(plan.drain_timeout, self.member.drained()).await;
        if drained.is_err() {
            let running = self.member.inside();
            tracing::debug!(running, "no rest: requests run for too long");
            self.member.rests().given_up += 1;
            self.tell(Event::NotDrained);
            return;
        }
        if self.tell(Event::Drained) == Verdict::NotNow {
            return;
        }
        // It rests now, until `self` is dropped.
        self.told = false;

        let drained_after = begun.elapsed();
        let begun = Instant::now();
        let worked = time::timeout(plan.work_timeout, (plan.work)()).await;
        let took = begun.elapsed();
        let mut rests = self.member.rests();
        rests.finished += 1;
        rests.last = Some(took);
        rests.total += took;
        if worked.is_err() {
            rests.timed_out += 1;
            tracing::warn!(?took, "out-of-band work takes too long, and is given up");
        } else {
            tracing::debug!(?drained_after, ?took, "out-of-band work is done");
        }
        drop(rests);
    }

    fn tell(&mut self, event: fn(MemberId) -> Event) -> Verdict {
        self.told = true;
        self.member.group().tell(event(self.member.id()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.told {
            self.tell(Event::Over);
        }
    }
}

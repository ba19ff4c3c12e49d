use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::{self, Instant, MissedTickBehavior},
};

use crate::{Result, visit::visit};

/// Nobody is waited for any longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a visitor saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// When he was to ask.
    pub(super) due: Instant,
    /// Since then.
    pub(super) took: Duration,
    /// Who has answered; `None` if nobody has.
    pub(super) process: Option<u32>,
}

/// Visitors who come at a steady pace, however long the answers take. Dropped, no more
/// come.
pub(super) struct Load {
    shared: Arc<Shared>,
    visitors: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Vec<Answer>>,
    is_over: AtomicBool,
}

impl Load {
    /// One visitor in each `pause`, for `time` at most.
    pub(super) fn begin(address: SocketAddr, pause: Duration, time: Duration) -> Self {
        let shared = Arc::default();
        let visitors = tokio::spawn(come(address, pause, time, Arc::clone(&shared)));
        Self { shared, visitors }
    }

    /// Those who have answered, or have since then.
    pub(super) fn processes(&self, since: Option<Instant>) -> BTreeSet<u32> {
        let answers = self.shared.answers();
        let answers = answers
            .iter()
            .filter(|answer| since.is_none_or(|since| answer.due >= since));
        answers.filter_map(|answer| answer.process).collect()
    }

    /// Has no more come, and gives all there were once the last one has his answer.
    pub(super) async fn end(mut self) -> Result<Vec<Answer>> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        (&mut self.visitors).await?;
        Ok(self.shared.answers().clone())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.visitors.abort();
    }
}

impl Shared {
    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn come(address: SocketAddr, pause: Duration, time: Duration, shared: Arc<Shared>) {
    let mut ticks = time::interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + time;
    let mut visitors = JoinSet::new();
    loop {
        let due = ticks.tick().await;
        if due >= end || shared.is_over.load(Ordering::Relaxed) {
            break;
        }
        let shared = Arc::clone(&shared);
        visitors.spawn(async move {
            let answer = ask(address, due).await;
            shared.answers().push(answer);
        });
    }
    visitors.join_all().await;
}

async fn ask(address: SocketAddr, due: Instant) -> Answer {
    let answered = time::timeout(PATIENCE, visit(address)).await;
    let head = answered.ok().and_then(Result::ok);
    let process = head.and_then(|head| {
        let process = head.headers.get("x-process")?;
        process.to_str().ok()?.parse().ok()
    });
    Answer {
        due,
        took: due.elapsed(),
        process,
    }
}

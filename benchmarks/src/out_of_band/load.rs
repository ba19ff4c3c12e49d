use std::{net::SocketAddr, time::Duration};

use tokio::{
    task::JoinSet,
    time::{self, Instant, MissedTickBehavior},
};

use crate::{
    Result,
    visit::{self, visit},
};

/// What a visitor saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// Since the visitor was to ask.
    pub(super) took: Duration,
    /// For how much of it the process collected garbage.
    pub(super) collecting: Duration,
}

/// Asks one after the other, and says how long a page takes: the median.
pub(super) async fn one_by_one(address: SocketAddr, count: u32) -> Result<Duration> {
    let mut answers = Vec::new();
    for _ in 0..count {
        answers.push(ask(address, Instant::now()).await?);
    }
    answers.sort_unstable_by_key(|answer| answer.took);
    Ok(percentile(&answers, 0.5))
}

/// Asks at a steady pace, however long the answers take: visitors do not wait
/// for each other. What is counted begins when one was to ask.
///
/// The answers are sorted by the time that they took.
pub(super) async fn steady(
    address: SocketAddr,
    pause: Duration,
    time: Duration,
) -> Result<Vec<Answer>> {
    let mut ticks = time::interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + time;
    let mut visitors = JoinSet::new();
    loop {
        let due = ticks.tick().await;
        if due >= end {
            break;
        }
        visitors.spawn(ask(address, due));
    }
    let mut answers = Vec::new();
    while let Some(answer) = visitors.join_next().await {
        answers.push(answer??);
    }
    answers.sort_unstable_by_key(|answer| answer.took);
    Ok(answers)
}

async fn ask(address: SocketAddr, due: Instant) -> Result<Answer> {
    let head = visit(address).await?;
    let collecting = head
        .headers
        .get("x-gc-nanoseconds")
        .ok_or("it does not say how long it collected")?
        .to_str()?
        .parse()?;
    Ok(Answer {
        took: due.elapsed(),
        collecting: Duration::from_nanos(collecting),
    })
}

/// What a share of the answers, from 0 to 1, did not exceed: in the median of
/// the rounds, so that one busy moment of the machine does not count. The
/// answers of each are sorted.
pub(super) fn median(rounds: &[Vec<Answer>], share: f64) -> Duration {
    let mut all: Vec<_> = rounds.iter().map(|it| percentile(it, share)).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// What a share of the answers, from 0 to 1, did not exceed. They are sorted.
fn percentile(answers: &[Answer], share: f64) -> Duration {
    let answer = visit::percentile(answers, share);
    answer.map_or(Duration::ZERO, |answer| answer.took)
}

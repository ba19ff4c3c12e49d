use std::{net::SocketAddr, time::Duration};

use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{self, Instant, MissedTickBehavior},
};

use crate::Result;

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
    let stream = TcpStream::connect(address).await?;
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the exchange.
    tokio::spawn(connection);
    let request = Request::get("/").header(HOST, address.to_string());
    let response = send
        .send_request(request.body(Empty::<Bytes>::new())?)
        .await?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answers {}", response.status()).into());
    }
    let collecting = response
        .headers()
        .get("x-gc-nanoseconds")
        .ok_or("it does not say how long it collected")?
        .to_str()?
        .parse()?;
    response.into_body().collect().await?;
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
pub(super) fn percentile(answers: &[Answer], share: f64) -> Duration {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some thousands"
    )]
    let rank = (answers.len() as f64 * share).ceil() as usize;
    let at = rank.clamp(1, answers.len().max(1)) - 1;
    answers.get(at).map_or(Duration::ZERO, |answer| answer.took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_what_so_many_did_not_exceed() {
        let answers: Vec<_> = (1..=200)
            .map(|ms| Answer {
                took: Duration::from_millis(ms),
                collecting: Duration::ZERO,
            })
            .collect();
        for (share, ms) in [(0.0, 1), (0.5, 100), (0.99, 198), (1.0, 200)] {
            let expected = Duration::from_millis(ms);
            assert_eq!(percentile(&answers, share), expected, "{share}");
        }
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}

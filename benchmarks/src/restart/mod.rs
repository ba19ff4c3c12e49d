//! What a restart costs those who visit meanwhile: see `README.md`.

mod contender;
mod load;

use std::{fs, time::Duration};

use tokio::time::{Instant, sleep};

use self::{
    contender::{Contender, Setting},
    load::{Answer, Load},
};
use crate::{
    Result, contender as peers,
    cores::Cores,
    options::RestartOptions,
    visit::{percentile, visit},
};

/// Before anything is measured, each process has answered so often.
const WARM_UP: u32 = 30;

/// What a restart may cost the slowest of a hundred.
const BOUND: f64 = 2.0;

/// A restart that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(60);

/// Restarts an application in Ruby under a steady load.
pub(crate) async fn run(options: &RestartOptions) -> Result<()> {
    let binary = match &options.peregrine {
        Some(binary) => binary.clone(),
        None => peers::build_peregrine().await?,
    };
    let cores = options.server_cores.clone();
    let cores = cores.unwrap_or_else(|| Cores::of_this_machine().server);
    let folder = tempfile::tempdir()?;
    let mut contenders = Vec::new();
    for name in contender::NAMES {
        if options.without_passenger && name == contender::PASSENGER {
            continue;
        }
        let folder = folder.path().join(name);
        fs::create_dir(&folder)?;
        let setting = Setting {
            peregrine: &binary,
            processes: options.processes,
            cores: &cores,
            folder: &folder,
        };
        contenders.push((Contender::start(name, &setting).await?, Vec::new()));
    }

    let mut page = Duration::MAX;
    for (contender, _) in &contenders {
        page = page.min(one_by_one(contender, WARM_UP * options.processes).await?);
    }
    let at_once = options.processes.min(u32::try_from(cores.len())?);
    let pause = options
        .rate
        .map_or(page * 5 / 2 / at_once, |rate| Duration::from_secs(1) / rate);
    println!(
        "A page takes {page:.1?}. {} processes on cores {cores}, {:.0} requests/s, \
         {} restarts of each, {} s before and after.\n",
        options.processes,
        1.0 / pause.as_secs_f64(),
        options.rounds,
        options.seconds
    );
    let time = Duration::from_secs(options.seconds.into());
    for _ in 0..options.rounds {
        // In turn, so that a busy minute meets both.
        for (contender, rounds) in &mut contenders {
            rounds.push(round(contender, pause, time).await?);
        }
    }

    println!("| | | requests | p50 | p99 | max | failed |");
    println!("|---|---|---|---|---|---|---|");
    let mut missed = None;
    for (contender, rounds) in contenders {
        let ratio = report(contender.name(), &rounds);
        let failed: usize = rounds.iter().map(Round::failed).sum();
        if contender.name() == contender::PEREGRINE && (failed > 0 || ratio > BOUND) {
            missed = Some((failed, ratio));
        }
        contender.stop().await;
    }
    match missed {
        Some((failed, ratio)) => {
            Err(format!("{failed} requests failed, and p99 was {ratio:.1} times as high").into())
        }
        None => Ok(()),
    }
}

/// How long a page takes, of those that are asked for one after the other: the median.
async fn one_by_one(contender: &Contender, count: u32) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        visit(contender.address()).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(percentile(&times, 0.5).copied().unwrap_or_default())
}

/// One restart, and what visitors saw of it.
struct Round {
    took: Duration,
    /// Before, during and after it: the times of those who got an answer, sorted, and
    /// how many got none.
    phases: [(Vec<Duration>, usize); 3],
}

const PHASES: [&str; 3] = ["before", "during", "after"];

async fn round(contender: &Contender, pause: Duration, time: Duration) -> Result<Round> {
    let load = Load::begin(contender.address(), pause, time * 2 + LONGEST);
    sleep(time).await;
    let begun = Instant::now();
    contender.restart(&load, LONGEST).await?;
    let ended = Instant::now();
    sleep(time).await;
    let answers = load.end().await?;
    Ok(Round::of(&answers, begun, ended))
}

impl Round {
    /// Whoever was to ask while it restarted met the restart.
    fn of(answers: &[Answer], begun: Instant, ended: Instant) -> Self {
        let mut phases: [(Vec<Duration>, usize); 3] = Default::default();
        for answer in answers {
            let phase = usize::from(answer.due >= begun) + usize::from(answer.due >= ended);
            let (times, failed) = &mut phases[phase];
            match answer.process {
                Some(_) => times.push(answer.took),
                None => *failed += 1,
            }
        }
        for (times, _) in &mut phases {
            times.sort_unstable();
        }
        Self {
            took: ended - begun,
            phases,
        }
    }

    fn failed(&self) -> usize {
        self.phases.iter().map(|(_, failed)| failed).sum()
    }
}

/// Prints a line for each phase, and gives by how much p99 was higher during the restart
/// than before it.
fn report(name: &str, rounds: &[Round]) -> f64 {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let mut p99 = [0.0; 3];
    for (phase, what) in PHASES.iter().enumerate() {
        let of_phase = || rounds.iter().map(|round| &round.phases[phase]);
        let count: usize = of_phase().map(|(times, failed)| times.len() + failed).sum();
        let failed: usize = of_phase().map(|(_, failed)| failed).sum();
        // So that one busy moment of the machine does not count.
        let at = |share| median(of_phase().map(|(times, _)| percentile(times, share).copied()));
        p99[phase] = ms(at(0.99));
        println!(
            "| {name} | {what} | {count} | {:.1} ms | {:.1} ms | {:.1} ms | {failed} |",
            ms(at(0.5)),
            p99[phase],
            ms(at(1.0)),
        );
    }
    let took = median(rounds.iter().map(|round| Some(round.took)));
    let [before, during, _] = p99;
    let ratio = during / before;
    println!("| {name} | a restart takes {took:.1?} | | | × {ratio:.2} | | |");
    ratio
}

fn median(times: impl Iterator<Item = Option<Duration>>) -> Duration {
    let mut times: Vec<_> = times.flatten().collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_the_time_at_which_it_was_to_be_asked_for() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let answer = |due, took, process| Answer {
            due: at(due),
            took: Duration::from_secs(took),
            process,
        };
        let answers = [
            answer(4, 3, Some(1)),
            answer(1, 1, Some(1)),
            answer(5, 1, None),
            answer(6, 2, Some(2)),
            answer(9, 1, Some(2)),
        ];
        let round = Round::of(&answers, at(5), at(9));
        let seconds = round.phases.each_ref().map(|(times, failed)| {
            let times: Vec<_> = times.iter().map(Duration::as_secs).collect();
            (times, *failed)
        });
        assert_eq!(seconds, [(vec![1, 3], 0), (vec![2], 1), (vec![1], 0)]);
        assert_eq!((round.took.as_secs(), round.failed()), (4, 1));
    }
}

use std::{fmt, time::Duration};

use super::{
    contender::Contender,
    load::{Crowd, Tally, Views},
};

/// What one round has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) tally: Tally,
    /// Until the last reader was answered.
    pub(super) took: Duration,
    /// CPU time of the contender.
    pub(super) spent: Duration,
}

/// All rounds of a contender.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) contender: Contender,
    visitors: Vec<Round>,
    all: Vec<Round>,
    left_out: bool,
}

impl Round {
    fn per_second(&self) -> f64 {
        f64::from(self.tally.views()) / self.took.as_secs_f64()
    }

    fn micros_each(&self) -> f64 {
        self.spent.as_secs_f64() * 1e6 / f64::from(self.tally.views())
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} pages/s, {:.1} µs CPU each",
            self.per_second(),
            self.micros_each()
        )
    }
}

impl Line {
    pub(super) const fn new(contender: Contender) -> Self {
        Self {
            contender,
            visitors: Vec::new(),
            all: Vec::new(),
            left_out: false,
        }
    }

    /// Takes it out of the table: not all that it answered was what was asked for.
    pub(super) const fn leave_out(&mut self) {
        self.left_out = true;
    }

    pub(super) const fn is_left_out(&self) -> bool {
        self.left_out
    }

    pub(super) fn add(&mut self, crowd: Crowd, round: Round) {
        match crowd {
            Crowd::Visitors => self.visitors.push(round),
            Crowd::All => self.all.push(round),
        }
    }

    fn rounds(&self, crowd: Crowd) -> &[Round] {
        match crowd {
            Crowd::Visitors => &self.visitors,
            Crowd::All => &self.all,
        }
    }

    /// Pages per second.
    pub(super) fn rate(&self, crowd: Crowd) -> f64 {
        median(self.rounds(crowd), Round::per_second)
    }

    /// Microseconds of CPU time for a page.
    fn cost(&self, crowd: Crowd) -> f64 {
        median(self.rounds(crowd), Round::micros_each)
    }

    /// How much of each answer to visitors was on the wire.
    fn bytes_each(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2⁵²")]
        median(self.rounds(Crowd::Visitors), |round| {
            let visitors = round.tally.visitors;
            visitors.bytes as f64 / f64::from(visitors.count)
        })
    }

    /// Of a hundred views, those that the application knew nothing of.
    fn percent_from_memory(&self, crowd: Crowd, of: impl Fn(Tally) -> Views) -> f64 {
        let mut sum = Tally::default();
        for round in self.rounds(crowd) {
            sum.add(round.tally);
        }
        let Views {
            count, from_memory, ..
        } = of(sum);
        f64::from(from_memory) * 100.0 / f64::from(count)
    }
}

/// The table, for a page in Markdown. Bytes are those on the wire, with the head. In
/// brackets: how many times as fast, and as
/// cheap, as without a cache.
pub(super) fn print(lines: &[&Line]) {
    println!(
        "| | bytes/page | visitors alone: pages/s | CPU µs/page | from memory | \
         members among them: pages/s | CPU µs/page | members' from memory |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let uncached = lines
        .iter()
        .find(|line| line.contender == Contender::NoCache);
    for line in lines {
        print!("| {} | {:.0} |", line.contender.name(), line.bytes_each());
        for crowd in Crowd::ALL {
            let (rate, cost) = (line.rate(crowd), line.cost(crowd));
            let (as_fast, as_cheap) = uncached.map_or((f64::NAN, f64::NAN), |uncached| {
                (rate / uncached.rate(crowd), uncached.cost(crowd) / cost)
            });
            let from_memory = match crowd {
                Crowd::Visitors => line.percent_from_memory(crowd, |tally| tally.visitors),
                Crowd::All => line.percent_from_memory(crowd, |tally| tally.members),
            };
            print!(" {rate:.0} (× {as_fast:.1}) | {cost:.1} (× {as_cheap:.1}) |");
            print!(" {from_memory:.1} % |");
        }
        println!();
    }
}

/// The middle one; the lower of the two in the middle; not a number if there is
/// none.
fn median(rounds: &[Round], value: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(views: u32, from_memory: u32, millis: u64) -> Round {
        let members = Views {
            count: views,
            from_memory,
            bytes: 0,
        };
        Round {
            tally: Tally {
                members,
                ..Tally::default()
            },
            took: Duration::from_secs(1),
            spent: Duration::from_millis(millis),
        }
    }

    #[test]
    fn the_median_counts_and_all_members_do() {
        let mut line = Line::new(Contender::BySession);
        for (views, from_memory, millis) in [(100, 100, 1), (300, 200, 3), (200, 150, 8)] {
            line.add(Crowd::All, round(views, from_memory, millis));
        }
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(close(line.rate(Crowd::All), 200.0));
        assert!(close(line.cost(Crowd::All), 10.0));
        let from_memory = line.percent_from_memory(Crowd::All, |tally| tally.members);
        assert!(close(from_memory, 75.0));
        assert!(line.rate(Crowd::Visitors).is_nan());
    }
}

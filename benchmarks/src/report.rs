use std::fmt;

use serde::Serialize;

use crate::{Result, contender::Contender, cores::Cores, options::RunOptions, scenario::Scenario};

/// What one round has shown, or the median of several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// CPU time of the contender's processes per request.
    pub(crate) cpu_micros: f64,
    pub(crate) per_second: f64,
    pub(crate) p99_micros: f64,
}

/// All that was measured, and what was not.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    body_size: u32,
    connections: u32,
    rounds: u32,
    round_seconds: u32,
    server_cores: String,
    load_cores: String,
    app_cores: String,
    results: Vec<Line>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug, Serialize)]
struct Line {
    scenario: Scenario,
    contender: &'static str,
    #[serde(flatten)]
    median: Sample,
    /// CPU time, as a multiple of bare hyper's.
    times_bare_hyper: Option<f64>,
    /// By how much the CPU time of the dearest round exceeds that of the
    /// cheapest, as a part of the latter: how far the machine can be trusted.
    spread: f64,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    contender: &'static str,
    /// `None`: all of them.
    scenario: Option<Scenario>,
    reason: String,
}

impl Report {
    pub(crate) fn new(options: &RunOptions, cores: &Cores) -> Self {
        Self {
            body_size: options.body_size,
            connections: options.connections,
            rounds: options.rounds,
            round_seconds: options.round_seconds(),
            server_cores: cores.server.to_string(),
            load_cores: cores.load.to_string(),
            app_cores: cores.app.to_string(),
            results: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Adds the median of a contender's rounds.
    pub(crate) fn add(&mut self, contender: Contender, scenario: Scenario, samples: &[Sample]) {
        let median = Sample {
            cpu_micros: median(samples.iter().map(|sample| sample.cpu_micros)),
            per_second: median(samples.iter().map(|sample| sample.per_second)),
            p99_micros: median(samples.iter().map(|sample| sample.p99_micros)),
        };
        self.results.push(Line {
            scenario,
            contender: contender.name(),
            median,
            times_bare_hyper: None,
            spread: spread(samples.iter().map(|sample| sample.cpu_micros)),
        });
        let bare = self.results.iter().find(|line| {
            line.scenario == scenario && line.contender == Contender::BareHyper.name()
        });
        let Some(bare) = bare.map(|line| line.median.cpu_micros) else {
            return;
        };
        for line in &mut self.results {
            if line.scenario == scenario {
                line.times_bare_hyper = Some(line.median.cpu_micros / bare);
            }
        }
    }

    /// Notes why there is no number for a contender, in one scenario or all.
    pub(crate) fn leave_out(
        &mut self,
        contender: Contender,
        scenario: Option<Scenario>,
        reason: String,
    ) {
        self.left_out.push(LeftOut {
            contender: contender.name(),
            scenario,
            reason,
        });
    }

    /// Prints it as tables, or as JSON. An error if there is no number in it.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            println!("\n{self}");
        }
        if self.results.is_empty() {
            return Err("nothing was measured".into());
        }
        Ok(())
    }
}

/// The middle one, or the mean of the two in the middle; not a number if there
/// is none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => {
            f64::midpoint(*below, *above)
        }
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NAN, f64::max);
    most / values.fold(f64::NAN, f64::min) - 1.0
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} µs CPU per request, {:.0} requests/s, p99 {:.2} ms",
            self.cpu_micros,
            self.per_second,
            self.p99_micros / 1000.0
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} bytes, {} connections; servers on cores {}, wrk on {}, the application on {}; \
             median of {} rounds of {} s",
            self.body_size,
            self.connections,
            self.server_cores,
            self.load_cores,
            self.app_cores,
            self.rounds,
            self.round_seconds
        )?;
        for scenario in Scenario::ALL {
            let mut lines = self.results.iter().filter(|line| line.scenario == scenario);
            let Some(first) = lines.next() else { continue };
            writeln!(
                f,
                "\n{:<14}{:>16}{:>10}{:>14}{:>14}{:>10}",
                scenario.title(),
                "CPU µs/request",
                "spread",
                "× bare hyper",
                "requests/s",
                "p99 ms"
            )?;
            for line in [first].into_iter().chain(lines) {
                writeln!(f, "{line}")?;
            }
        }
        for out in &self.left_out {
            let scenario = out.scenario.map_or("all", Scenario::title).to_lowercase();
            write!(
                f,
                "\nleft out: {} ({scenario}): {}",
                out.contender, out.reason
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self
            .times_bare_hyper
            .map_or_else(|| "?".to_owned(), |times| format!("{times:.2}"));
        write!(
            f,
            "{:<14}{:>16.2}{:>9.0}%{times:>14}{:>14.0}{:>10.2}",
            self.contender,
            self.median.cpu_micros,
            self.spread * 100.0,
            self.median.per_second,
            self.median.p99_micros / 1000.0
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Cli;

    fn sample(cpu_micros: f64) -> Sample {
        Sample {
            cpu_micros,
            per_second: 1e6 / cpu_micros,
            p99_micros: 500.0,
        }
    }

    fn report() -> Report {
        let options = Cli::parse_from([""]).run;
        Report::new(&options, &Cores::of(&options))
    }

    #[test]
    fn the_median_is_the_middle() {
        let cases: [(&str, &[f64], f64); 4] = [
            ("one", &[3.0], 3.0),
            ("two", &[3.0, 4.0], 3.5),
            ("an outlier does not count", &[3.0, 900.0, 4.0], 4.0),
            ("four, in any order", &[4.0, 1.0, 3.0, 900.0], 3.5),
        ];
        for (name, values, expected) in cases {
            let median = median(values.iter().copied());
            assert!((median - expected).abs() < 1e-9, "{name}: {median}");
        }
        assert!(median([].into_iter()).is_nan());
    }

    #[test]
    fn the_spread_is_between_the_extremes() {
        let cases: [(&str, &[f64], f64); 3] = [
            ("one round can't differ", &[3.0], 0.0),
            ("a half more", &[4.0, 5.0, 6.0], 0.5),
            ("in any order", &[6.0, 4.0, 5.0], 0.5),
        ];
        for (name, values, expected) in cases {
            let spread = spread(values.iter().copied());
            assert!((spread - expected).abs() < 1e-9, "{name}: {spread}");
        }
    }

    #[test]
    fn ratios_are_to_bare_hyper_in_the_same_scenario_whoever_comes_first() {
        let mut report = report();
        report.add(Contender::Nginx, Scenario::Hit, &[sample(12.0)]);
        report.add(Contender::BareHyper, Scenario::Hit, &[sample(6.0)]);
        report.add(Contender::Haproxy, Scenario::Hit, &[sample(9.0)]);
        report.add(Contender::Nginx, Scenario::Proxied, &[sample(18.0)]);
        let ratios: Vec<_> = report
            .results
            .iter()
            .map(|line| line.times_bare_hyper.map(|times| format!("{times:.2}")))
            .collect();
        let ratio = |text: &str| Some(text.to_owned());
        assert_eq!(ratios, [ratio("2.00"), ratio("1.00"), ratio("1.50"), None]);
    }

    #[test]
    fn who_was_not_measured_is_named_and_has_no_number() {
        let mut report = report();
        report.add(Contender::BareHyper, Scenario::Hit, &[sample(6.0)]);
        report.leave_out(Contender::Nginx, None, "not installed".to_owned());
        let text = report.to_string();
        assert!(
            text.contains("left out: nginx (all): not installed"),
            "{text}"
        );
        assert!(!text.contains(Scenario::Proxied.title()), "{text}");
    }
}

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Result,
    contender::{self, Contender, Place, Running, Setting, installed},
    cores::Cores,
    options::{Role, RunOptions},
    probe,
    report::{Report, Sample},
    scenario::{AGAIN, Scenario},
    wrk,
};

/// Each contender is loaded for that long before it counts.
const WARM_UP_SECONDS: u32 = 1;

/// One contender in one scenario.
struct Entry<'a> {
    contender: Contender,
    running: &'a Running,
    scenario: Scenario,
    /// A sample for each round so far, or why it is out of the table.
    samples: Result<Vec<Sample>>,
}

/// Starts everybody, lets them take turns, and ends them.
pub(crate) async fn run(options: &RunOptions) -> Result<Report> {
    installed("taskset", "util-linux")?;
    installed("wrk", "wrk")?;
    let cores = Cores::of(options);
    let mut report = Report::new(options, &cores);
    let folder = tempfile::tempdir()?;

    let (app, app_address) = contender::hyper(
        Role::App,
        options.body_size,
        &cores.app,
        &subfolder(folder.path(), "app")?,
    )
    .await?;

    let mut running = Vec::new();
    for &contender in options.contenders() {
        eprintln!("starting {}", contender.name());
        let setting = Setting {
            options,
            cores: &cores.server,
            app_cores: &cores.app,
            app: app_address,
            folder: &subfolder(folder.path(), contender.name())?,
        };
        match contender.start(&setting).await {
            Ok(started) => running.push((contender, started)),
            Err(error) => report.leave_out(contender, None, error.to_string()),
        }
    }

    for entry in take_turns(options, &cores, &running).await {
        match entry.samples {
            Ok(samples) => report.add(entry.contender, entry.scenario, &samples),
            Err(error) => {
                report.leave_out(entry.contender, Some(entry.scenario), error.to_string());
            }
        }
    }

    for (_, running) in running {
        running.stop().await;
    }
    app.stop().await;
    Ok(report)
}

/// All rounds of all contenders. A round of one follows that of another, so
/// that a busy minute of the machine meets them all.
async fn take_turns<'a>(
    options: &RunOptions,
    cores: &Cores,
    running: &'a [(Contender, Running)],
) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    for &scenario in options.scenarios() {
        for (contender, running) in running {
            let mut entry = Entry {
                contender: *contender,
                running,
                scenario,
                samples: Ok(Vec::new()),
            };
            eprintln!("warming up {}", entry.title());
            if let Err(error) = entry.warm_up(options, cores).await {
                entry.samples = Err(error);
            }
            entries.push(entry);
        }
    }
    for round in 1..=options.rounds {
        for entry in &mut entries {
            let title = entry.title();
            let Ok(samples) = &mut entry.samples else {
                continue;
            };
            eprint!("round {round} of {}: {title}: ", options.rounds);
            match play(entry.running, entry.scenario, options, cores).await {
                Ok(sample) => {
                    eprintln!("{sample}");
                    samples.push(sample);
                }
                Err(error) => {
                    eprintln!("{error}");
                    entry.samples = Err(error);
                }
            }
        }
    }
    entries
}

impl Entry<'_> {
    fn title(&self) -> String {
        let scenario = self.scenario.title().to_lowercase();
        format!("{}, {scenario}", self.contender.name())
    }

    async fn warm_up(&self, options: &RunOptions, cores: &Cores) -> Result<()> {
        let Place { address, app, .. } = self.running.place(self.scenario);
        let size = options.body_size as usize;
        probe::verify(self.scenario, address, app, size).await?;
        wrk::load(
            address,
            self.scenario,
            options.connections,
            WARM_UP_SECONDS,
            &cores.load,
        )
        .await?;
        Ok(())
    }
}

/// One round.
async fn play(
    running: &Running,
    scenario: Scenario,
    options: &RunOptions,
    cores: &Cores,
) -> Result<Sample> {
    let place = running.place(scenario);
    let reached_before = reached(place).await?;
    let before = running.spent()?;
    let load = wrk::load(
        place.address,
        scenario,
        options.connections,
        options.round_seconds(),
        &cores.load,
    )
    .await?;
    let spent = running.spent()?.saturating_sub(before);
    if place.app.is_some() {
        let reached = reached(place).await? - reached_before;
        scenario.verify(load.requests.into(), reached, AGAIN)?;
    }
    Ok(Sample {
        cpu_micros: micros(spent) / f64::from(load.requests),
        per_second: load.per_second,
        p99_micros: micros(load.p99),
    })
}

async fn reached(place: Place) -> Result<u64> {
    match place.app {
        Some(app) => probe::count(app).await,
        None => Ok(0),
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A folder of one of them.
pub(crate) fn subfolder(folder: &Path, name: &str) -> Result<PathBuf> {
    // nginx's and HAProxy's files would need quotes around a blank.
    let folder = folder.join(name.replace(' ', "-"));
    fs::create_dir(&folder)?;
    Ok(folder)
}

//! Garbage collection in the midst of requests, and between them: see
//! `README.md`.

mod load;
mod plot;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Command;

use self::load::Answer;
use crate::{Result, child::Child, contender, cores::Cores, options::OutOfBandOptions};

/// The application's folder.
const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/out_of_band");

/// Before anything is measured, each process has answered so often, and has
/// collected more than once.
const WARM_UP: u32 = 150;

/// Loads an application in Ruby, with and without pauses for its collections.
pub(crate) async fn run(options: &OutOfBandOptions) -> Result<()> {
    let binary = match &options.peregrine {
        Some(binary) => binary.clone(),
        None => contender::build_peregrine().await?,
    };
    let cores = Cores::of_this_machine().server;
    let folder = tempfile::tempdir()?;
    let mut contenders = Vec::new();
    for out_of_band in [false, true] {
        let name = if out_of_band { "between" } else { "inside" };
        let folder = folder.path().join(name);
        fs::create_dir(&folder)?;
        let command = peregrine(&binary, options.processes, out_of_band, &folder);
        let mut child = Child::spawn(&command, &cores, folder.join("log"))?;
        let address = child.announced().await?;
        contenders.push(Contender {
            out_of_band,
            rests: folder.join("rests"),
            child,
            address,
            rounds: Vec::new(),
        });
    }

    // As fast as it goes, one after the other: also how long a page takes.
    let mut page = Duration::MAX;
    for contender in &contenders {
        let took = load::one_by_one(contender.address, WARM_UP * options.processes).await?;
        page = page.min(took);
    }
    let pause = options
        .rate
        .map_or(page * 3 / 2, |rate| Duration::from_secs(1) / rate);
    println!(
        "A page takes {page:.1?}. {} processes on cores {cores}, {:.0} requests/s, \
         {} rounds of {} s for each.\n",
        options.processes,
        1.0 / pause.as_secs_f64(),
        options.rounds,
        options.seconds
    );
    for _ in 0..options.rounds {
        // In turn, so that a busy minute meets both.
        for contender in &mut contenders {
            let time = Duration::from_secs(options.seconds.into());
            let answers = load::steady(contender.address, pause, time).await?;
            contender.rounds.push(answers);
        }
    }

    println!(
        "| collection | requests | in it, ms/request | of their time | p50 | p90 | p99 | max | pauses | together |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for contender in &contenders {
        contender.report()?;
    }
    if let Some(path) = &options.plot {
        let curves = contenders
            .iter()
            .map(|it| (it.name(), it.rounds.as_slice()));
        fs::write(path, plot::svg(curves))?;
        println!("\nThe plot is in {}.", path.display());
    }
    for contender in contenders {
        contender.child.stop().await;
    }
    Ok(())
}

fn peregrine(binary: &Path, processes: u32, out_of_band: bool, folder: &Path) -> Command {
    let count = processes.to_string();
    let yes = if out_of_band { "yes" } else { "no" };
    let mut command = Command::new(binary);
    command
        .args(["start", "--port", "0", "-e", "production"])
        .args(["--min-instances", &count, "--max-pool-size", &count])
        .args(["--envvar", &format!("OUT_OF_BAND={yes}")])
        .arg("--envvar")
        .arg(format!("RESTS={}", folder.join("rests").display()))
        .arg("--admin-socket")
        .arg(folder.join("admin.sock"))
        .args([APP, "--", "puma", "-b", "unix://{socket}"])
        .args(["-t", "1:1", "config.ru"]);
    command
}

struct Contender {
    out_of_band: bool,
    /// Where the application writes when its processes rest.
    rests: PathBuf,
    child: Child,
    address: SocketAddr,
    /// Of each round.
    rounds: Vec<Vec<Answer>>,
}

impl Contender {
    const fn name(&self) -> &'static str {
        if self.out_of_band {
            "between requests"
        } else {
            "inside requests"
        }
    }

    fn report(&self) -> Result<()> {
        let name = self.name();
        let answers = || self.rounds.iter().flatten();
        let count = u32::try_from(answers().count())?;
        let gc: Duration = answers().map(|answer| answer.collecting).sum();
        let took: Duration = answers().map(|answer| answer.took).sum();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let at = |share| ms(load::median(&self.rounds, share));
        let (pauses, together) = rests(&self.rests)?;
        println!(
            "| {name} | {count} | {:.2} | {:.1} % | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms | \
             {pauses} | {together} |",
            ms(gc / count.max(1)),
            gc.as_secs_f64() / took.as_secs_f64() * 100.0,
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0),
        );
        Ok(())
    }
}

/// How often processes rested, and how many times two did together.
fn rests(path: &Path) -> Result<(usize, usize)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut rests = Vec::new();
    for line in text.lines() {
        let (begun, ended) = line.split_once(' ').ok_or("half a line")?;
        rests.push((begun.parse::<u64>()?, ended.parse::<u64>()?));
    }
    rests.sort_unstable();
    let together = rests
        .windows(2)
        .filter(|pair| pair[1].0 < pair[0].1)
        .count();
    Ok((rests.len(), together))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_that_overlap_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rests");
        assert_eq!(rests(&path).unwrap(), (0, 0));
        fs::write(&path, "30 40\n10 20\n35 50\n20 25\n").unwrap();
        assert_eq!(rests(&path).unwrap(), (4, 1));
    }
}

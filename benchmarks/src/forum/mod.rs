//! A forum with many readers, before and behind caches: see
//! `docs/forum-benchmark.md`.

mod answer;
mod connection;
mod contender;
mod judge;
mod load;
mod plot;
mod scene;
mod table;

use std::{fs, path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use self::{
    contender::{Contender, Running, Setting},
    load::{Crowd, Tally},
    table::{Line, Round},
};
use crate::{
    Result,
    contender::{build_package, build_peregrine},
    cores::{CoreList, Cores},
    options::ForumOptions,
};

/// Each contender is read for that long before it counts, so that what it keeps
/// is there.
const WARM_UP: Duration = Duration::from_secs(2);

/// Between two rounds, so that one does not answer what the other has asked.
const PAUSE: Duration = Duration::from_millis(200);

/// Lets readers loose on what may stand before the forum.
pub(crate) async fn run(options: &ForumOptions) -> Result<()> {
    let peregrine = match &options.peregrine {
        Some(binary) => binary.clone(),
        None => build_peregrine().await?,
    };
    let forum = match &options.forum {
        Some(binary) => binary.clone(),
        None => build_package("forum", "forum").await?,
    };
    let Cores { server, load, .. } = Cores::of_this_machine();
    let folder = tempfile::tempdir()?;
    let mut entries = Vec::new();
    for (number, contender) in Contender::ALL.into_iter().enumerate() {
        eprintln!("starting {}", contender.name());
        let folder = folder.path().join(number.to_string());
        fs::create_dir(&folder)?;
        let setting = Setting {
            peregrine: &peregrine,
            forum: &forum,
            cores: &server,
            folder: &folder,
        };
        match warmed_up(contender, &setting, options, &load).await {
            Ok(running) => entries.push((running, Line::new(contender))),
            Err(error) => eprintln!("left out: {}: {error}", contender.name()),
        }
    }

    if entries.is_empty() {
        return Err("nothing was measured".into());
    }
    for crowd in Crowd::ALL {
        for number in 1..=options.rounds {
            // In turn, so that a busy minute meets them all.
            for (running, line) in &mut entries {
                if line.is_left_out() {
                    continue;
                }
                sleep(PAUSE).await;
                eprint!(
                    "round {number}, {}, {}: ",
                    crowd.name(),
                    line.contender.name()
                );
                match play(running, crowd, options, &load).await {
                    Ok(round) => {
                        eprintln!("{round}");
                        line.add(crowd, round);
                    }
                    Err(error) => {
                        eprintln!("left out: {error}");
                        line.leave_out();
                    }
                }
            }
        }
    }

    let lines = entries.iter().map(|(_, line)| line);
    let lines: Vec<_> = lines.filter(|line| !line.is_left_out()).collect();
    println!(
        "{} connections; servers on cores {server}, readers on {load}; \
         median of {} rounds of {} s\n",
        options.connections, options.rounds, options.seconds
    );
    table::print(&lines);
    if let Some(path) = &options.plot {
        fs::write(path, plot::svg(&lines))?;
        println!("\nThe plot is in {}.", Path::display(path));
    }
    for (running, _) in entries {
        running.stop().await;
    }
    Ok(())
}

async fn warmed_up(
    contender: Contender,
    setting: &Setting<'_>,
    options: &ForumOptions,
    cores: &CoreList,
) -> Result<Running> {
    let running = contender.start(setting).await?;
    load::read(
        &running.scene,
        Crowd::All,
        options.connections,
        WARM_UP,
        cores,
    )
    .await?;
    Ok(running)
}

async fn play(
    running: &Running,
    crowd: Crowd,
    options: &ForumOptions,
    cores: &CoreList,
) -> Result<Round> {
    let lasting = Duration::from_secs(options.seconds.into());
    let before = running.spent()?;
    let begun = Instant::now();
    let tally: Tally =
        load::read(&running.scene, crowd, options.connections, lasting, cores).await?;
    let took = begun.elapsed();
    let spent = running.spent()?.saturating_sub(before);
    Ok(Round { tally, took, spent })
}

//! What differs by little: two contenders in turn, some forty milliseconds each. See
//! `README.md`.

mod crowd;

use std::{net::SocketAddr, thread::sleep, time::Duration};

use clap::Parser;
use tokio::{task::spawn_blocking, time::Instant};

use self::crowd::Crowd;
use crate::{
    Result,
    contender::{self, Contender, Place, Running, Setting},
    cores::{CoreList, Cores},
    cpu::Tree,
    measure::subfolder,
    options::{Cli, PairsOptions, Role, RunOptions},
    probe,
    report::median,
    scenario::Scenario,
};

/// Who is compared with whom, and at how much it fails.
struct Pair {
    scenario: Scenario,
    contender: Contender,
    /// What the other takes is 1.
    yardstick: Contender,
    bound: f64,
}

const PAIRS: [Pair; 8] = [
    Pair {
        scenario: Scenario::Hit,
        contender: Contender::TurboCache,
        yardstick: Contender::BareHyper,
        bound: 1.10,
    },
    Pair {
        scenario: Scenario::Proxied,
        contender: Contender::TurboCache,
        yardstick: Contender::NoLayer,
        bound: 1.03,
    },
    Pair {
        scenario: Scenario::Proxied,
        contender: Contender::Outermost,
        yardstick: Contender::NoLayer,
        bound: 1.03,
    },
    Pair {
        scenario: Scenario::Posted,
        contender: Contender::TurboCache,
        yardstick: Contender::NoLayer,
        bound: 1.03,
    },
    Pair {
        scenario: Scenario::Posted,
        contender: Contender::Outermost,
        yardstick: Contender::NoLayer,
        bound: 1.03,
    },
    Pair {
        scenario: Scenario::Hit,
        contender: Contender::Accounted,
        yardstick: Contender::TurboCache,
        bound: 1.02,
    },
    Pair {
        scenario: Scenario::Hit,
        contender: Contender::Peregrine,
        yardstick: Contender::Passenger,
        bound: 1.0,
    },
    Pair {
        scenario: Scenario::Proxied,
        contender: Contender::Peregrine,
        yardstick: Contender::Nginx,
        bound: 1.0,
    },
];

/// How often each client asks in one turn. With an eighth of it, the ratios of two starts
/// differ three times as much.
const REQUESTS_OF_A_TURN: u32 = 64;

/// Until whoever has answered sleeps: the time of who runs is not up to date.
const CALM: Duration = Duration::from_micros(200);

/// One in so many hits may be none. Passenger's caches empty themselves every other second,
/// and then each who is waiting asks the application: in one turn of dozens, of which a
/// median knows nothing.
const AGAIN_IN_TURNS: u64 = 200;

/// Turns that do not count: a cache steps aside after some hundred fetches.
const WARM_UP: Duration = Duration::from_secs(1);

/// Of one start of both: what a request took in each turn of the one, and in that of the
/// other beside it, in microseconds.
type Turns = Vec<(f64, f64)>;

/// Starts both of each pair several times, lets them take turns, and prints a table.
pub(crate) async fn run(options: &PairsOptions) -> Result<()> {
    let cores = Cores::of_this_machine();
    let folder = tempfile::tempdir()?;
    let usual = RunOptions {
        peregrine: options.peregrine.clone(),
        ..Cli::parse_from([env!("CARGO_PKG_NAME")]).run
    };
    let app_folder = subfolder(folder.path(), "app")?;
    let (app, app_address) =
        contender::hyper(Role::App, usual.body_size, &cores.app, &app_folder).await?;

    println!(
        "| | turns | yardstick, µs | µs | × yardstick | of each start | wanted |\n|---|---|---|---|---|---|---|"
    );
    let mut over = Vec::new();
    let is_wanted =
        |pair: &&Pair| options.scenarios.is_empty() || options.scenarios.contains(&pair.scenario);
    for (number, pair) in PAIRS.iter().filter(is_wanted).enumerate() {
        let mut starts = Vec::new();
        for start in 0..options.starts {
            let mut both = Vec::new();
            for contender in [pair.yardstick, pair.contender] {
                let name = format!("{number}-{start}-{contender:?}");
                let setting = Setting {
                    options: &usual,
                    cores: &cores.server,
                    app_cores: &cores.app,
                    app: app_address,
                    folder: &subfolder(folder.path(), &name)?,
                };
                both.push(contender.start(&setting).await?);
            }
            let turns = pair.play(&both, &usual, options.seconds, &cores.load).await;
            for running in both {
                running.stop().await;
            }
            starts.push(turns?);
        }
        let ratio = pair.print(&starts);
        if ratio > pair.bound {
            over.push(pair.title());
        }
    }
    app.stop().await;
    if over.is_empty() {
        return Ok(());
    }
    Err(format!("more than wanted: {}", over.join("; ")).into())
}

impl Pair {
    fn title(&self) -> String {
        let scenario = self.scenario.title().to_lowercase();
        let (contender, yardstick) = (self.contender.name(), self.yardstick.name());
        format!("{scenario}: {contender} against {yardstick}")
    }

    /// Lets `both` take turns for so many seconds.
    async fn play(
        &self,
        both: &[Running],
        options: &RunOptions,
        seconds: u32,
        load: &CoreList,
    ) -> Result<Turns> {
        let mut players = Vec::new();
        for running in both {
            let Place { address, app, .. } = running.place(self.scenario);
            let size = options.body_size as usize;
            probe::verify(self.scenario, address, app, size).await?;
            players.push(Player::new(running, address, self.scenario, options)?);
        }
        let before = self.reached(both).await?;
        let duration = Duration::from_secs(seconds.into());
        let load = load.clone();
        // It waits for the servers, and for nothing else.
        let play = move || {
            crowd::run_on(&load)?;
            for player in &mut players {
                player.crowd.ask_in_turn()?;
            }
            take_turns(&mut players, WARM_UP)?;
            let turns = take_turns(&mut players, duration)?;
            Result::<_>::Ok((turns, players.iter().map(Player::requests).collect()))
        };
        let (turns, requests): (_, Vec<_>) = spawn_blocking(play).await??;
        for ((before, after), requests) in before
            .into_iter()
            .zip(self.reached(both).await?)
            .zip(requests)
        {
            if let (Some(before), Some(after)) = (before, after) {
                self.scenario
                    .verify(requests, after - before, AGAIN_IN_TURNS)?;
            }
        }
        Ok(turns)
    }

    /// How often the application of each was asked for a page.
    async fn reached(&self, both: &[Running]) -> Result<Vec<Option<u64>>> {
        let mut reached = Vec::new();
        for running in both {
            reached.push(match running.place(self.scenario).app {
                Some(app) => Some(probe::count(app).await?),
                None => None,
            });
        }
        Ok(reached)
    }

    /// Prints the medians, and returns how many times as much the contender takes.
    fn print(&self, starts: &[Turns]) -> f64 {
        let of = |turns: &[(f64, f64)]| median(turns.iter().map(|(one, other)| other / one));
        let all = starts.concat();
        let ratio = of(&all);
        let each: Vec<_> = starts
            .iter()
            .map(|turns| format!("{:.3}", of(turns)))
            .collect();
        println!(
            "| {} | {} | {:.2} | {:.2} | {ratio:.3} | {} | {:.2} |",
            self.title(),
            all.len(),
            median(all.iter().map(|(one, _)| *one)),
            median(all.iter().map(|(_, other)| *other)),
            each.join(", "),
            self.bound,
        );
        ratio
    }
}

/// A contender, and those who ask it.
struct Player {
    crowd: Crowd,
    threads: Vec<Tree>,
}

impl Player {
    fn new(
        running: &Running,
        address: SocketAddr,
        scenario: Scenario,
        options: &RunOptions,
    ) -> Result<Self> {
        Ok(Self {
            crowd: Crowd::connect(address, scenario, options)?,
            threads: running.trees()?,
        })
    }

    const fn requests(&self) -> u64 {
        self.crowd.requests
    }

    /// CPU time so far.
    fn spent(&self) -> Result<Duration> {
        self.threads.iter().map(Tree::time).sum()
    }

    /// What a request takes in one turn, in microseconds of CPU time.
    fn turn(&mut self) -> Result<f64> {
        let (before, asked) = (self.spent()?, self.crowd.requests);
        for _ in 0..REQUESTS_OF_A_TURN {
            self.crowd.ask()?;
        }
        sleep(CALM);
        let spent = self.spent()?.saturating_sub(before);
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let requests = (self.crowd.requests - asked) as f64;
        Ok(spent.as_secs_f64() * 1e6 / requests)
    }
}

/// Each goes first as often as second.
fn take_turns(players: &mut [Player], duration: Duration) -> Result<Turns> {
    let [yardstick, contender] = players else {
        return Err("a pair is two".into());
    };
    let end = Instant::now() + duration;
    let mut turns = Vec::new();
    while Instant::now() < end {
        let first = yardstick.turn()?;
        turns.push((first, contender.turn()?));
        let first = contender.turn()?;
        turns.push((yardstick.turn()?, first));
    }
    Ok(turns)
}

//! CPU per request, requests per second and p99 of Peregrine and its peers,
//! side by side: see `README.md`.

mod child;
mod contender;
mod cores;
mod cpu;
mod exchange;
mod forum;
mod idle;
mod instructions;
mod measure;
mod memory;
mod options;
mod out_of_band;
mod pairs;
mod probe;
mod report;
mod restart;
mod scenario;
mod server;
mod slow_clients;
mod stampede;
mod visit;
mod wrk;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use crate::options::{Cli, Command, RunOptions};

type BoxError = Box<dyn Error + Send + Sync>;
type Result<T, E = BoxError> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let Cli { command, run } = Cli::parse();
    match play(command, &run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn play(command: Option<Command>, options: &RunOptions) -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("debug builds say nothing: cargo run --release -p benchmarks".into());
    }
    match command {
        Some(Command::Serve(options)) => server::serve(&options),
        Some(Command::Exercise { exercise, count }) => {
            exercise.run(count);
            Ok(())
        }
        Some(Command::Instructions { update }) => instructions::run(update),
        Some(Command::Memory { part: None }) => memory::run(),
        Some(Command::Memory { part: Some(part) }) => part.run(),
        Some(Command::Stampede { clients, peregrine }) => {
            unless_interrupted(stampede::run(clients, peregrine))
        }
        Some(Command::SlowClients { clients, peregrine }) => {
            unless_interrupted(slow_clients::run(clients, peregrine))
        }
        Some(Command::SlowClientsApp) => slow_clients::serve(),
        Some(Command::Forum(options)) => unless_interrupted(forum::run(&options)),
        Some(Command::Idle { clients, peregrine }) => {
            unless_interrupted(idle::run(clients, peregrine))
        }
        Some(Command::Pairs(options)) => unless_interrupted(pairs::run(&options)),
        Some(Command::Restart(options)) => unless_interrupted(restart::run(&options)),
        Some(Command::OutOfBand(options)) => unless_interrupted(out_of_band::run(&options)),
        None => unless_interrupted(async { measure::run(options).await?.print(options.json) }),
    }
}

/// Whichever way this ends, what was started ends with it, on drop.
fn unless_interrupted(work: impl Future<Output = Result<()>>) -> Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                done = work => done,
                _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
                _ = terminate.recv() => Err("terminated".into()),
            }
        })
}

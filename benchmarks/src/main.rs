//! CPU per request, requests per second and p99 of Peregrine and its peers,
//! side by side: see `README.md`.

mod child;
mod contender;
mod cores;
mod cpu;
mod measure;
mod options;
mod probe;
mod report;
mod scenario;
mod server;
mod wrk;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use crate::options::{Cli, Command, RunOptions};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let Cli { command, run } = Cli::parse();
    let done = match command {
        Some(Command::Serve(options)) => server::serve(&options),
        None => compare(&run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &RunOptions) -> Result<()> {
    if cfg!(debug_assertions) {
        return Err("debug builds say nothing: cargo run --release -p benchmarks".into());
    }
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            // Whichever way this ends, what was started ends with it, on drop.
            tokio::select! {
                report = measure::run(options) => report?.print(options.json),
                _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
                _ = terminate.recv() => Err("terminated".into()),
            }
        })
}

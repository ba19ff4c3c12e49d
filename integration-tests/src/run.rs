use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use crate::{binary, wait};

/// How a `peregrine` that was to end by itself ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

/// Runs `peregrine` with `args` until it ends by itself.
///
/// # Panics
///
/// If it doesn't.
pub async fn run(args: &[&str]) -> Ended {
    run_with_env(args, &[]).await
}

/// Runs `peregrine` with `args`, and with variables that replace those of this
/// process, until it ends by itself.
///
/// # Panics
///
/// If it doesn't.
pub async fn run_with_env(args: &[&str], env: &[(&str, &str)]) -> Ended {
    let running = Command::new(binary::peregrine())
        .args(args)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = wait::bounded("peregrine to end", running).await;
    let output = output.expect("peregrine runs");
    Ended {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

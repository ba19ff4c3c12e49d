use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use tokio::process::Command;

use super::{Place, Running, Setting, installed};
use crate::{
    Result,
    child::{Child, free_address},
    cores::CoreList,
    options::Role,
    probe,
};

/// One for each scenario: its cache steps aside for all pages after twenty that
/// it might not store.
pub(super) async fn start(setting: &Setting<'_>) -> Result<Running> {
    let (hit_child, hit) = start_one(setting).await?;
    let (proxied_child, proxied) = start_one(setting).await?;
    Ok(Running {
        children: vec![hit_child, proxied_child],
        hit,
        proxied,
    })
}

/// Passenger stands before nothing that it has not started. So the application
/// is its process, on the cores where that of the others is.
async fn start_one(setting: &Setting<'_>) -> Result<(Child, Place)> {
    let address = free_address()?;
    let mut command = agent(address, setting.cores, setting.folder).await?;
    command
        .args(["--min-instances", "1", "--max-pool-size", "1"])
        // As many at once as there are connections.
        .args(["--force-max-concurrent-requests-per-process", "0"])
        .args(["--app-start-command", &application(setting)?])
        .arg(setting.folder);
    let log = setting.folder.join(format!("log-{}", address.port()));
    let mut child = Child::spawn(&command, setting.cores, log)?;
    child.listens_at(address).await?;
    let place = Place {
        address,
        app: Some(address),
        own_app: Some(probe::pid(address).await?),
    };
    Ok((child, place))
}

/// What `passenger start --engine builtin` runs, with its options, but not in the
/// background. Options for the application are to follow, and its folder.
pub(crate) async fn agent(address: SocketAddr, cores: &CoreList, folder: &Path) -> Result<Command> {
    let agent = PathBuf::from(about("support-binaries-dir").await?).join("PassengerAgent");
    // Or else, started by root, it becomes somebody who may not enter the folder.
    let user: &[_] = if rustix::process::geteuid().is_root() {
        &["--default-user", "root"]
    } else {
        &[]
    };
    let mut command = Command::new(agent);
    command
        .args(["watchdog", "--passenger-root", &about("root").await?])
        .arg("--no-user-switching")
        .args(user)
        .arg("--instance-registry-dir")
        .arg(folder)
        .arg("--spawn-dir")
        .arg(folder)
        .args(["--BC", "--listen", &format!("tcp://{address}")])
        .args(["--threads", &cores.len().to_string()])
        .arg("--data-buffer-dir")
        .arg(folder)
        .args(["--environment", "production", "--no-graceful-exit"])
        .args([
            "--disable-security-update-check",
            "--disable-anonymous-telemetry",
        ]);
    Ok(command)
}

/// The command, for the shell that is to become it.
fn application(setting: &Setting<'_>) -> Result<String> {
    let role = Role::App
        .to_possible_value()
        .ok_or("a role without a name")?;
    Ok(format!(
        "taskset --cpu-list {} '{}' serve {} --body-size={} --threads={} --port=$PORT",
        setting.app_cores,
        env::current_exe()?.display(),
        role.get_name(),
        setting.options.body_size,
        setting.app_cores.len(),
    ))
}

/// What the installation says about itself.
async fn about(what: &str) -> Result<String> {
    let config = installed("passenger-config", "passenger")?;
    let output = Command::new(config).args(["about", what]).output().await?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("passenger-config about {what}: {error}").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

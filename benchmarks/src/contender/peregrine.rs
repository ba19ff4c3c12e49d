use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{Running, Setting};
use crate::{Result, child::Child, cores::CoreList};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");

pub(super) async fn start(setting: &Setting<'_>) -> Result<Running> {
    let binary = setting.options.peregrine.clone();
    let (child, address) = start_before(setting.app, binary, setting.cores, setting.folder).await?;
    Ok(Running::before(setting.app, child, address, address))
}

/// Starts `binary`, or what the sources are, in front of `app`.
pub(crate) async fn start_before(
    app: SocketAddr,
    binary: Option<PathBuf>,
    cores: &CoreList,
    folder: &Path,
) -> Result<(Child, SocketAddr)> {
    let binary = match binary {
        Some(binary) => binary,
        None => build().await?,
    };
    // As an operator would start it; only its socket is kept apart from that
    // of a server that may run here.
    let mut command = Command::new(binary);
    command
        .args(["start", "--port", "0"])
        .args(["--upstream", &format!("http://{app}")])
        .arg("--admin-socket")
        .arg(folder.join("admin.sock"));
    let mut child = Child::spawn(&command, cores, folder.join("log"))?;
    let address = child.announced().await?;
    Ok((child, address))
}

/// Builds the binary, and says where it is.
pub(crate) async fn build() -> Result<PathBuf> {
    build_package("peregrine-server", "peregrine").await
}

/// Builds a binary of this workspace, and says where it is.
pub(crate) async fn build_package(package: &str, binary: &str) -> Result<PathBuf> {
    // Into the folder that this program was built into, so that whatever both
    // need is built once.
    let program = env::current_exe()?;
    let target = program
        .ancestors()
        .nth(2)
        .ok_or("this program is in no target folder")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", package])
        .args(["--manifest-path".as_ref(), Path::new(MANIFEST)])
        .arg("--target-dir")
        .arg(target)
        .kill_on_drop(true)
        .status()
        .await?;
    if !status.success() {
        return Err(format!("cargo build --release -p {package} failed: see above").into());
    }
    Ok(target.join("release").join(binary))
}

use std::{fs, net::SocketAddr};

use tokio::process::Command;

use super::{Running, Setting, installed};
use crate::{
    Result,
    child::{Child, free_address},
};

pub(super) async fn start(setting: &Setting<'_>) -> Result<Running> {
    let haproxy = installed("haproxy", "haproxy")?;
    let (hit, proxied) = (free_address()?, free_address()?);
    let file = setting.folder.join("haproxy.cfg");
    fs::write(&file, configuration(setting, hit, proxied))?;

    let mut command = Command::new(haproxy);
    command.arg("-db").arg("-f").arg(file);
    let mut child = Child::spawn(&command, setting.cores, setting.folder.join("log"))?;
    child.listens_at(hit).await?;
    child.listens_at(proxied).await?;
    Ok(Running::before(setting.app, child, hit, proxied))
}

/// As one would tune it: connections to the application are kept and shared,
/// nothing is logged, one thread a core.
fn configuration(setting: &Setting<'_>, hit: SocketAddr, proxied: SocketAddr) -> String {
    let app = setting.app;
    let threads = setting.cores.len();
    format!(
        "
global
    nbthread {threads}
    maxconn 4096

defaults
    mode http
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s

cache pages
    total-max-size 64
    max-object-size 2097152
    max-age 3600

frontend hit
    bind {hit}
    http-request cache-use pages
    http-response cache-store pages
    default_backend app

frontend proxied
    bind {proxied}
    default_backend app

backend app
    server app {app}
"
    )
}

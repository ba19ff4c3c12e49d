use std::{fs, net::SocketAddr};

use tokio::process::Command;

use super::{Running, Setting, installed};
use crate::{
    Result,
    child::{Child, free_address},
};

pub(super) async fn start(setting: &Setting<'_>) -> Result<Running> {
    let varnish = installed("varnishd", "varnish")?;
    let (hit, proxied) = (free_address()?, free_address()?);
    let file = setting.folder.join("default.vcl");
    fs::write(&file, configuration(setting.app))?;

    let mut command = Command::new(varnish);
    command
        .arg("-F")
        // Or else, started by root, it becomes somebody who may not enter the
        // folder.
        .args(["-j", "none"])
        .arg("-n")
        .arg(setting.folder.join("work"))
        .arg("-f")
        .arg(file)
        .args(["-s", "malloc,64m"])
        .args(["-a", &format!("hit={hit}")])
        .args(["-a", &format!("proxied={proxied}")]);
    let mut child = Child::spawn(&command, setting.cores, setting.folder.join("log"))?;
    child.listens_at(hit).await?;
    child.listens_at(proxied).await?;
    Ok(Running::before(setting.app, child, hit, proxied))
}

/// Its own rules, but for what is not looked up at all.
fn configuration(app: SocketAddr) -> String {
    let (host, port) = (app.ip(), app.port());
    format!(
        r#"vcl 4.1;

backend app {{
    .host = "{host}";
    .port = "{port}";
}}

sub vcl_recv {{
    if (local.socket == "proxied") {{
        return (pass);
    }}
}}
"#
    )
}

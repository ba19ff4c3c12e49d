use std::{fs, net::SocketAddr};

use tokio::process::Command;

use super::{Running, Setting, installed};
use crate::{
    Result,
    child::{Child, free_address},
};

pub(super) async fn start(setting: &Setting<'_>) -> Result<Running> {
    let nginx = installed("nginx", "nginx-light")?;
    let (hit, proxied) = (free_address()?, free_address()?);
    let file = setting.folder.join("nginx.conf");
    fs::write(&file, configuration(setting, hit, proxied))?;

    let mut command = Command::new(nginx);
    // `-e`: or else it tries the system's log until it has read its file.
    command
        .args(["-e", "stderr", "-p"])
        .arg(setting.folder)
        .arg("-c")
        .arg(file);
    let mut child = Child::spawn(&command, setting.cores, setting.folder.join("log"))?;
    child.listens_at(hit).await?;
    child.listens_at(proxied).await?;
    Ok(Running::before(setting.app, child, hit, proxied))
}

/// As one would tune it: connections to the application are kept, none is
/// closed for its age, nothing is logged, each worker has its own queue of new
/// connections.
fn configuration(setting: &Setting<'_>, hit: SocketAddr, proxied: SocketAddr) -> String {
    let folder = setting.folder.display();
    let app = setting.app;
    let workers = setting.cores.len();
    let connections = setting.options.connections;
    // Workers of a master that is root become somebody who may not enter the
    // folder; for anybody else the directive is an error in waiting.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        r#"
daemon off;
{user}
worker_processes {workers};
pid {folder}/pid;
error_log stderr warn;
events {{
    worker_connections 4096;
}}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=pages:10m inactive=1h use_temp_path=off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream app {{
        server {app};
        keepalive {connections};
        keepalive_requests 1000000000;
    }}
    server {{
        listen {hit} reuseport;
        location / {{
            proxy_pass http://app;
            proxy_cache pages;
        }}
    }}
    server {{
        listen {proxied} reuseport;
        location / {{
            proxy_pass http://app;
        }}
    }}
}}
"#
    )
}

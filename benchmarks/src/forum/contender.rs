use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{answer::Answer, connection::Connection, scene::Scene};
use crate::{
    Result,
    child::{Child, free_address},
    contender::{installed, passenger_agent},
    cores::CoreList,
    cpu,
};

/// The forum in Ruby.
const RUBY: &str = include_str!("config.ru");

/// How long a page takes to render, of a processor's time.
const RENDERING_MS: u32 = 10;

/// Further topics that the forum has.
const TOPICS: u32 = 20;

/// What stands between the readers and the forum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    /// Nothing that keeps a page.
    NoCache,
    /// A shared cache that goes by `Vary: Cookie`.
    VaryCookie,
    /// Passenger's turbocache, by a cookie; the forum in Ruby.
    Passenger,
    /// Peregrine as it is, told by the pages alone which cookies they mean.
    CookieIndices,
    /// Peregrine, told by the application who is on which level.
    BySession,
}

/// A contender that takes connections, and who reads there.
pub(super) struct Running {
    pub(super) scene: Scene,
    children: Vec<Child>,
}

/// What a contender is told.
pub(super) struct Setting<'a> {
    pub(super) peregrine: &'a Path,
    pub(super) forum: &'a Path,
    pub(super) cores: &'a CoreList,
    /// A folder of its own.
    pub(super) folder: &'a Path,
}

impl Contender {
    pub(super) const ALL: [Self; 5] = [
        Self::NoCache,
        Self::VaryCookie,
        Self::Passenger,
        Self::CookieIndices,
        Self::BySession,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NoCache => "no cache",
            Self::VaryCookie => "Varnish, Vary: Cookie",
            Self::Passenger => "Passenger, by a cookie",
            Self::CookieIndices => "Peregrine, no options",
            Self::BySession => "Peregrine, by session",
        }
    }

    /// Starts it before a forum of its own, and lets people log in.
    pub(super) async fn start(self, setting: &Setting<'_>) -> Result<Running> {
        let mut children = Vec::new();
        let address = match self {
            Self::NoCache => forum(setting, &["--cache", "off"], &mut children).await?,
            Self::VaryCookie => {
                let behind = forum(setting, &["--cache", "off"], &mut children).await?;
                varnish(setting, behind, &mut children).await?
            }
            Self::Passenger => passenger(setting, &mut children).await?,
            Self::CookieIndices => forum(setting, &[], &mut children).await?,
            Self::BySession => {
                let options = ["--vary-turbocache-by-session", "session"];
                forum(setting, &options, &mut children).await?
            }
        };
        let scene = Scene::at(address, self).await?;
        Ok(Running { scene, children })
    }

    /// Whether its cache has answered, and not the application.
    pub(super) fn is_from_memory(self, answer: Answer<'_>) -> bool {
        match self {
            Self::NoCache => false,
            // The ids of this request and of the one that has filled the cache.
            Self::VaryCookie => answer.field_has("x-varnish", " "),
            Self::Passenger => answer.field("age").is_some(),
            Self::CookieIndices | Self::BySession => answer.field_has("cache-status", "; hit"),
        }
    }

    /// Whether people log in there, and pages say for whom they are.
    pub(super) const fn is_the_real_forum(self) -> bool {
        !matches!(self, Self::Passenger)
    }
}

impl Running {
    /// CPU time so far, of all that stands behind the address.
    pub(super) fn spent(&self) -> Result<std::time::Duration> {
        let trees = self.children.iter();
        trees.map(|child| cpu::time_of_tree(child.pid())).sum()
    }

    pub(super) async fn stop(self) {
        for child in self.children {
            child.stop().await;
        }
    }
}

/// The forum, served by Peregrine, by one process for each core.
async fn forum(
    setting: &Setting<'_>,
    options: &[&str],
    children: &mut Vec<Child>,
) -> Result<SocketAddr> {
    let database = setting.folder.join("forum.sqlite");
    let seeded = Command::new(setting.forum)
        .arg("--database")
        .arg(&database)
        .args(["seed", "--topics", &TOPICS.to_string()])
        .status()
        .await?;
    if !seeded.success() {
        return Err("the forum does not fill its database".into());
    }
    let processes = setting.cores.len().to_string();
    let mut command = Command::new(setting.peregrine);
    command
        .args(["start", "--port", "0", "-e", "production"])
        .args(["--min-instances", &processes, "--max-pool-size", &processes])
        .arg("--envvar")
        .arg(format!("FORUM_DATABASE={}", database.display()))
        .args(["--envvar", &format!("FORUM_COMPUTE_MS={RENDERING_MS}")])
        .arg("--admin-socket")
        .arg(setting.folder.join("admin.sock"))
        .args(options)
        .arg(setting.folder)
        .arg("--")
        .arg(setting.forum)
        .args(["serve", "{socket}"]);
    let mut child = Child::spawn(&command, setting.cores, setting.folder.join("log"))?;
    let address = child.announced().await?;
    children.push(child);
    Ok(address)
}

/// Varnish with what it takes to keep pages of people who have cookies: what the
/// forum says to caches counts, and `Vary` decides who gets them.
async fn varnish(
    setting: &Setting<'_>,
    behind: SocketAddr,
    children: &mut Vec<Child>,
) -> Result<SocketAddr> {
    let varnish = installed("varnishd", "varnish")?;
    let address = free_address()?;
    let file = setting.folder.join("default.vcl");
    let (host, port) = (behind.ip(), behind.port());
    let rules = format!(
        r#"vcl 4.1;

import std;

backend forum {{
    .host = "{host}";
    .port = "{port}";
}}

sub vcl_recv {{
    if (req.method == "GET") {{
        return (hash);
    }}
    return (pass);
}}

sub vcl_backend_response {{
    if (beresp.http.CDN-Cache-Control ~ "max-age=[0-9]+") {{
        set beresp.ttl = std.duration(
            regsub(beresp.http.CDN-Cache-Control, ".*max-age=([0-9]+).*", "\1s"), 0s);
        return (deliver);
    }}
}}
"#
    );
    fs::write(&file, rules)?;
    let mut command = Command::new(varnish);
    command
        .args(["-F", "-j", "none", "-n"])
        .arg(setting.folder.join("varnish"))
        .arg("-f")
        .arg(file)
        .args(["-s", "malloc,64m", "-a", &address.to_string()]);
    let log = setting.folder.join("log-of-varnish");
    let mut child = Child::spawn(&command, setting.cores, log)?;
    child.listens_at(address).await?;
    children.push(child);
    Ok(address)
}

/// Passenger, and the forum in Ruby.
async fn passenger(setting: &Setting<'_>, children: &mut Vec<Child>) -> Result<SocketAddr> {
    let app = setting.folder.join("app");
    fs::create_dir(&app)?;
    fs::write(app.join("config.ru"), RUBY)?;
    fs::write(app.join("page.html.gz"), real_page(setting).await?)?;
    let address = free_address()?;
    let processes = setting.cores.len().to_string();
    let mut command = passenger_agent(address, setting.cores, setting.folder).await?;
    command
        .args(["--min-instances", &processes, "--max-pool-size", &processes])
        .args(["--vary-turbocache-by-cookie", "user_id"])
        .arg(app);
    let mut child = Child::spawn(&command, setting.cores, setting.folder.join("log"))?;
    child.listens_at(address).await?;
    children.push(child);
    Ok(address)
}

/// What the real forum shows at first, compressed.
async fn real_page(setting: &Setting<'_>) -> Result<Vec<u8>> {
    let folder: PathBuf = setting.folder.join("real");
    fs::create_dir(&folder)?;
    let setting = Setting {
        folder: &folder,
        ..*setting
    };
    let mut children = Vec::new();
    let address = forum(&setting, &[], &mut children).await?;
    let page = Connection::open(address)
        .await?
        .get("/", "")
        .await?
        .body()
        .to_vec();
    for child in children {
        child.stop().await;
    }
    Ok(page)
}

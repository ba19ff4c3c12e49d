use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::load::Load;
use crate::{
    Result,
    child::{Child, free_address},
    contender::passenger_agent,
    cores::CoreList,
};

/// The application.
const RUBY: &str = include_str!("config.ru");

pub(super) const PEREGRINE: &str = "Peregrine";
pub(super) const PASSENGER: &str = "Passenger";
pub(super) const NAMES: [&str; 2] = [PEREGRINE, PASSENGER];

/// How often to look who answers.
const LOOK: Duration = Duration::from_millis(10);

/// What a contender is told.
pub(super) struct Setting<'a> {
    pub(super) peregrine: &'a Path,
    pub(super) processes: u32,
    pub(super) cores: &'a CoreList,
    /// A folder of its own.
    pub(super) folder: &'a Path,
}

/// A server with the application.
pub(super) struct Contender {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    order: Order,
    processes: usize,
}

/// How it is told to restart.
enum Order {
    /// By this command, which waits until it has.
    Command { binary: PathBuf, socket: PathBuf },
    /// By a touch of this file.
    Touch(PathBuf),
}

impl Contender {
    pub(super) async fn start(name: &'static str, setting: &Setting<'_>) -> Result<Self> {
        let app = setting.folder.join("app");
        fs::create_dir_all(app.join("tmp"))?;
        fs::write(app.join("config.ru"), RUBY)?;
        let count = setting.processes.to_string();
        let log = setting.folder.join("log");
        let (child, address, order) = if name == PASSENGER {
            let address = free_address()?;
            let mut command = passenger_agent(address, setting.cores, setting.folder).await?;
            command
                .args(["--min-instances", &count, "--max-pool-size", &count])
                // Looks at the file with each request, instead of every ten seconds.
                .args(["--stat-throttle-rate", "0"])
                .arg(&app);
            let mut child = Child::spawn(&command, setting.cores, log)?;
            child.listens_at(address).await?;
            (child, address, Order::Touch(app.join("tmp/restart.txt")))
        } else {
            let socket = setting.folder.join("admin.sock");
            let mut command = Command::new(setting.peregrine);
            command
                .args(["start", "--port", "0", "-e", "production"])
                .args(["--min-instances", &count, "--max-pool-size", &count])
                .arg("--admin-socket")
                .arg(&socket)
                .arg(&app)
                .args(["--", "puma", "-b", "unix://{socket}", "-t", "1:1"])
                .arg("config.ru");
            let mut child = Child::spawn(&command, setting.cores, log)?;
            let address = child.announced().await?;
            let binary = setting.peregrine.to_owned();
            (child, address, Order::Command { binary, socket })
        };
        Ok(Self {
            name,
            child,
            address,
            order,
            processes: usize::try_from(setting.processes)?,
        })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has it restart, and waits until it has: until it says so, or else until so many
    /// processes have answered that did not before.
    pub(super) async fn restart(&self, load: &Load, longest: Duration) -> Result<()> {
        let begun = Instant::now();
        let before = load.processes(None);
        match &self.order {
            Order::Command { binary, socket } => {
                let mut command = Command::new(binary);
                command.arg("restart-app").arg("--admin-socket").arg(socket);
                let told = command.kill_on_drop(true).output().await?;
                if !told.status.success() {
                    return Err(String::from_utf8_lossy(&told.stderr).into());
                }
            }
            Order::Touch(file) => {
                fs::write(file, "")?;
                while load.processes(Some(begun)).difference(&before).count() < self.processes {
                    if begun.elapsed() > longest {
                        return Err(format!("{} does not restart", self.name).into());
                    }
                    sleep(LOOK).await;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn stop(self) {
        self.child.stop().await;
    }
}

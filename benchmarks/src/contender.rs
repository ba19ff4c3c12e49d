mod haproxy;
mod nginx;
mod passenger;
mod peregrine;
mod varnish;

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use tokio::process::Command;

use crate::{
    Result,
    child::Child,
    cores::CoreList,
    cpu::{self, Tree},
    options::{Role, RunOptions},
    scenario::Scenario,
};

pub(crate) use self::{
    passenger::agent as passenger_agent,
    peregrine::{build as build_peregrine, build_package, start_before as peregrine_before},
};

/// Who is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    /// A hyper server that has the page in memory: the yardstick.
    BareHyper,
    /// The same server as a tower service, which is what a layer is put on.
    NoLayer,
    /// The same server with `.layer(TurboCache::conservative())`, and no more of
    /// Peregrine.
    TurboCache,
    /// The same as the service that has nothing around it but hyper.
    Outermost,
    /// `TurboCache` with each request counted.
    Accounted,
    /// The whole of Peregrine, in front of the application.
    Peregrine,
    /// nginx in front of the application, with `proxy_cache`.
    Nginx,
    /// `HAProxy` in front of the application, with its cache.
    Haproxy,
    /// Varnish in front of the application.
    Varnish,
    /// Passenger, whose own process the application is, with its turbocache.
    Passenger,
}

/// What a contender is told.
pub(crate) struct Setting<'a> {
    pub(crate) options: &'a RunOptions,
    /// Where it runs.
    pub(crate) cores: &'a CoreList,
    /// Where the application runs.
    pub(crate) app_cores: &'a CoreList,
    /// The application that it is to stand before.
    pub(crate) app: SocketAddr,
    /// A folder of its own.
    pub(crate) folder: &'a Path,
}

/// A contender that takes connections.
pub(crate) struct Running {
    children: Vec<Child>,
    /// Where it answers from its cache.
    hit: Place,
    /// Where it asks the application.
    proxied: Place,
}

/// Where a contender plays one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    /// Whose count tells a hit from a miss; `None` if there is nobody behind it.
    pub(crate) app: Option<SocketAddr>,
    /// The application, if the contender has started it itself: its time is not
    /// the contender's.
    own_app: Option<i32>,
}

impl Contender {
    pub(crate) const ALL: [Self; 10] = [
        Self::BareHyper,
        Self::NoLayer,
        Self::TurboCache,
        Self::Outermost,
        Self::Accounted,
        Self::Peregrine,
        Self::Nginx,
        Self::Haproxy,
        Self::Varnish,
        Self::Passenger,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BareHyper => "bare hyper",
            Self::NoLayer => "no layer",
            Self::TurboCache => "TurboCache",
            Self::Outermost => "TurboCache, outermost",
            Self::Accounted => "and accounting",
            Self::Peregrine => "Peregrine",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Varnish => "Varnish",
            Self::Passenger => "Passenger",
        }
    }

    /// Starts it, and returns once it takes connections.
    pub(crate) async fn start(self, setting: &Setting<'_>) -> Result<Running> {
        match self {
            Self::BareHyper => made_with_hyper(Role::Bare, setting).await,
            Self::NoLayer => made_with_hyper(Role::NoLayer, setting).await,
            Self::TurboCache => made_with_hyper(Role::TurboCache, setting).await,
            Self::Outermost => made_with_hyper(Role::Outermost, setting).await,
            Self::Accounted => made_with_hyper(Role::Accounted, setting).await,
            Self::Peregrine => peregrine::start(setting).await,
            Self::Nginx => nginx::start(setting).await,
            Self::Haproxy => haproxy::start(setting).await,
            Self::Varnish => varnish::start(setting).await,
            Self::Passenger => passenger::start(setting).await,
        }
    }
}

impl Running {
    /// One server, which has an application behind it that was there before.
    fn before(app: SocketAddr, child: Child, hit: SocketAddr, proxied: SocketAddr) -> Self {
        let place = |address| Place {
            address,
            app: Some(app),
            own_app: None,
        };
        Self {
            children: vec![child],
            hit: place(hit),
            proxied: place(proxied),
        }
    }

    /// Where it plays this scenario.
    pub(crate) const fn place(&self, scenario: Scenario) -> Place {
        match scenario {
            Scenario::Hit => self.hit,
            Scenario::Proxied | Scenario::Posted => self.proxied,
        }
    }

    /// CPU time that it has taken so far.
    pub(crate) fn spent(&self) -> Result<Duration> {
        let mut spent = Duration::ZERO;
        for child in &self.children {
            spent += cpu::time_of_tree(child.pid())?;
        }
        for app in [self.hit, self.proxied]
            .into_iter()
            .filter_map(|it| it.own_app)
        {
            spent = spent.saturating_sub(cpu::time_of_tree(app)?);
        }
        Ok(spent)
    }

    /// Its processes.
    pub(crate) fn trees(&self) -> Result<Vec<Tree>> {
        let trees = self.children.iter().map(|child| Tree::of(child.pid()));
        trees.collect()
    }

    pub(crate) async fn stop(self) {
        for child in self.children {
            child.stop().await;
        }
    }
}

async fn made_with_hyper(role: Role, setting: &Setting<'_>) -> Result<Running> {
    let size = setting.options.body_size;
    let (child, address) = hyper(role, size, setting.cores, setting.folder).await?;
    let place = Place {
        address,
        // With a cache, it is its own application.
        app: (role != Role::Bare).then_some(address),
        own_app: None,
    };
    Ok(Running {
        children: vec![child],
        hit: place,
        proxied: place,
    })
}

/// Starts one of this program's own servers.
pub(crate) async fn hyper(
    role: Role,
    body_size: u32,
    cores: &CoreList,
    folder: &Path,
) -> Result<(Child, SocketAddr)> {
    let role = role.to_possible_value().ok_or("a role without a name")?;
    let mut command = Command::new(env::current_exe()?);
    command
        .args(["serve", role.get_name()])
        .arg(format!("--body-size={body_size}"))
        .arg(format!("--threads={}", cores.len()));
    let mut child = Child::spawn(&command, cores, folder.join("log"))?;
    let address = child.announced().await?;
    Ok((child, address))
}

/// Where `program` is installed, or what to do about it.
pub(crate) fn installed(program: &str, package: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        // Debian has servers there, where only root's PATH leads.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            format!("{program} is not installed; Debian has it: apt-get install {package}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_said_with_its_package() {
        let error = installed("no-such-program", "its-package").unwrap_err();
        assert!(error.contains("no-such-program is not installed"));
        assert!(error.contains("apt-get install its-package"));
        assert!(installed("sh", "dash").is_ok());
    }
}

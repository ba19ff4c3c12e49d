use std::{fmt, io, path::PathBuf, sync::Arc};

use rustix::process::Pid;
use tokio::process::Command;

use super::{Mark, OwnPort, SocketDir, port::Claim};
use crate::{AppCommand, connection::Endpoint, roster::ProcessId};

/// Where a process is to listen, before there is one.
#[derive(Debug)]
pub(super) enum Place {
    Socket(PathBuf),
    Port(Claim),
}

impl Place {
    /// A socket in a folder of ours if the command takes one, else a free port.
    pub(super) fn choose(sockets: Option<&SocketDir>, id: ProcessId) -> io::Result<Self> {
        match sockets {
            Some(dir) => Ok(Self::Socket(dir.socket(id))),
            None => Claim::next().map(Self::Port),
        }
    }

    /// The command that tells a process of it.
    pub(super) fn command(&self, command: &AppCommand) -> Command {
        match self {
            Self::Socket(path) => command.build(Some(path)),
            Self::Port(claim) => {
                let mut command = command.build(None);
                command.env("PORT", claim.port().to_string());
                command
            }
        }
    }

    /// Where the process group is that `leader` leads, and that was told; `mark` is what
    /// it has in its environment.
    pub(super) fn endpoint(self, leader: Pid, mark: Option<&Mark>) -> Endpoint {
        match self {
            Self::Socket(path) => Endpoint::Unix(path),
            Self::Port(claim) => {
                let port = OwnPort::new(claim, leader.as_raw_pid(), mark);
                Endpoint::Port(Arc::new(port))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "the Unix socket {}", path.display()),
            Self::Port(claim) => write!(f, "127.0.0.1:{}", claim.port()),
        }
    }
}

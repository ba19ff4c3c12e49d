//! Whose sockets listen on a port.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fs, io, path::PathBuf};

use super::{
    Why,
    table::{self, Listener},
};
use crate::process::{
    mark::{Mark, has_marks},
    stat::Stat,
};

/// How often to look for the holder of a socket if nobody is found: processes come
/// and go while we look, and take it with them.
const LOOKS: usize = 3;

/// Who is to listen on a port.
#[derive(Debug)]
pub(super) struct Owner {
    /// Leads the process group that was told to.
    leader: i32,
    port: u16,
    /// What those have in their environment that this group has started, wherever
    /// they have gone; if anything.
    marks: Option<[String; 2]>,
}

/// Who listens, as far as can be told.
#[derive(Debug)]
pub(super) enum Verdict {
    /// No socket listens there.
    Nobody,
    /// All of them are the owner's.
    Ours(Vec<Witness>),
    /// Nobody has them who can be looked at, and some of the owner's processes
    /// cannot: they run as another user, and we are not allowed to see what that
    /// one has open, as in a container where root is without `CAP_SYS_PTRACE`. All
    /// that is known is that the listeners are of these users.
    Veiled,
    Stranger(Why),
}

/// By whom it is seen that a socket is still there: this file is this socket.
#[derive(Debug)]
pub(super) struct Witness {
    file: PathBuf,
    socket: String,
}

/// A process, as far as it matters here.
#[derive(Debug)]
struct Process {
    pid: i32,
    is_ours: bool,
    /// Descriptors and inodes; or, if they cannot be seen, as whom it runs.
    sockets: Result<Vec<(u32, u64)>, Vec<u32>>,
}

impl Owner {
    pub(super) fn new(leader: i32, port: u16, mark: Option<&Mark>) -> Self {
        Self {
            leader,
            port,
            // It may have been told another one before.
            marks: mark.map(|mark| [mark.variable(), format!("PORT={port}")]),
        }
    }

    /// Looks who listens on the port. Reads a large part of `/proc`.
    pub(super) fn look(&self) -> io::Result<Verdict> {
        for _ in 1..LOOKS {
            match self.look_once()? {
                Verdict::Stranger(Why::HeldByUser(_)) => {}
                known => return Ok(known),
            }
        }
        self.look_once()
    }

    fn look_once(&self) -> io::Result<Verdict> {
        let listeners = table::read(self.port)?;
        if listeners.is_empty() {
            return Ok(Verdict::Nobody);
        }
        let stats = Stat::of_all().ok_or(io::ErrorKind::NotFound)?;
        let stats: Vec<_> = stats.collect();
        let family = family(&stats, self.leader);
        let ours = family.iter().filter_map(|pid| Process::read(*pid, true));
        // Nobody is looked at here, unless one of the listeners is not found.
        let others = stats.iter().map(|stat| stat.pid);
        let others = others
            .filter(|pid| !family.contains(pid))
            .filter_map(|pid| Process::read(pid, self.has_marked(pid)));
        Ok(verdict(&listeners, ours.chain(others)))
    }

    /// Whether the owner has started this one: it may have left its group, its
    /// session and its parent, but has its environment, unless it is on purpose
    /// that it does not.
    fn has_marked(&self, pid: i32) -> bool {
        let marks = self.marks.as_ref();
        marks.is_some_and(|marks| has_marks(pid, marks))
    }
}

impl Witness {
    fn new(pid: i32, descriptor: u32, inode: u64) -> Self {
        Self {
            file: format!("/proc/{pid}/fd/{descriptor}").into(),
            socket: format!("socket:[{inode}]"),
        }
    }

    /// Whether the socket is still open.
    pub(super) fn holds(&self) -> bool {
        fs::read_link(&self.file).is_ok_and(|target| target.as_os_str() == self.socket.as_str())
    }
}

/// The group of `leader`, and whoever descends from it, by number: those who have
/// started others, and stay, come before those.
fn family(stats: &[Stat], leader: i32) -> BTreeSet<i32> {
    let mut family: BTreeSet<_> = [leader].into();
    loop {
        let before = family.len();
        let is_ours = |stat: &&Stat| stat.group == leader || family.contains(&stat.parent);
        let found: Vec<_> = stats.iter().filter(is_ours).map(|stat| stat.pid).collect();
        family.extend(found);
        if family.len() == before {
            return family;
        }
    }
}

/// Whose `listeners` are. `processes` are asked only as long as one is missing.
fn verdict(listeners: &[Listener], processes: impl Iterator<Item = Process>) -> Verdict {
    let mut missing = listeners.to_vec();
    let mut witnesses = Vec::new();
    let mut veiled = Vec::new();
    for process in processes {
        let sockets = match process.sockets {
            Ok(sockets) => sockets,
            Err(users) if process.is_ours => {
                veiled.extend(users);
                continue;
            }
            Err(_) => continue,
        };
        for (descriptor, inode) in sockets {
            let Some(at) = missing.iter().position(|it| it.inode == inode) else {
                continue;
            };
            if !process.is_ours {
                return Verdict::Stranger(Why::HeldBy {
                    pid: process.pid,
                    name: name(process.pid),
                });
            }
            missing.swap_remove(at);
            witnesses.push(Witness::new(process.pid, descriptor, inode));
        }
        if missing.is_empty() {
            return Verdict::Ours(witnesses);
        }
    }
    match missing.iter().find(|it| !veiled.contains(&it.uid)) {
        Some(listener) => Verdict::Stranger(Why::HeldByUser(listener.uid)),
        None => Verdict::Veiled,
    }
}

impl Process {
    /// `None` if it is gone.
    fn read(pid: i32, is_ours: bool) -> Option<Self> {
        let sockets = match sockets(pid) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(users(pid)?),
            sockets => Ok(sockets.ok()?),
        };
        Some(Self {
            pid,
            is_ours,
            sockets,
        })
    }
}

fn sockets(pid: i32) -> io::Result<Vec<(u32, u64)>> {
    let mut sockets = Vec::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let descriptor = descriptor?;
        match fs::read_link(descriptor.path()) {
            Ok(target) => {
                let number = descriptor
                    .file_name()
                    .to_str()
                    .and_then(|it| it.parse().ok());
                let inode = target.to_str().and_then(inode);
                sockets.extend(number.zip(inode));
            }
            // It was closed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sockets)
}

/// `socket:[48151]`
fn inode(target: &str) -> Option<u64> {
    let inode = target.strip_prefix("socket:[")?.strip_suffix(']')?;
    inode.parse().ok()
}

/// As whom a process runs that does not let us look into it; and as whom it may have
/// run when it opened its sockets, if we have started it: as us.
fn users(pid: i32) -> Option<Vec<u32>> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut users = uids(&status)?;
    users.push(rustix::process::geteuid().as_raw());
    Some(users)
}

/// The line `Uid:` of `/proc/PID/status`: the real one, the effective one, and
/// others.
fn uids(status: &str) -> Option<Vec<u32>> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace()
        .map(|uid| uid.parse().ok())
        .collect()
}

/// What the operating system calls a process, for an operator's eyes.
fn name(pid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

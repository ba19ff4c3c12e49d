mod guardian;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    env, io,
    os::fd::OwnedFd,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{io::Errno, process::Pid};
use tokio::process::Command;

pub(crate) use self::guardian::Guardian;
use super::{
    Mark,
    children::{self, OwnChild},
};
use crate::roster::ProcessId;

/// Reads which process groups there are, `+ GROUP` and `- GROUP` on a line
/// each. When there will be no more lines, since the pool is gone, however it
/// went, what is left is told to leave by SIGTERM, and 2 s later by SIGKILL:
/// the groups, and whoever has left them with the pool's mark in its environment.
/// Who is killed takes a moment to end, and may have started somebody in the last
/// one: it is looked again until nobody is found.
///
/// A shell, since there is one wherever there are applications, and it is
/// small. It hears no signal that a terminal sends to all. Where there is no
/// `grep`, nobody looks for marks.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
mark=$1
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) case $groups in
            *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac ;;
    esac
done
strays() {
    for file in $(grep -ls -- "$mark" /proc/[0-9]*/environ); do
        pid=${file#/proc/}
        pid=${pid%/environ}
        read -r stat < "/proc/$pid/stat" || continue
        # Behind the name, which may hold anything: state, parent, group.
        set -- ${stat##*) }
        case $groups in
            *" $3 "*) ;;
            *) echo "$pid" ;;
        esac
    done
}
left=$(strays)
[ "$groups" = ' ' ] && [ -z "$left" ] && exit
for group in $groups; do kill -s TERM -- "-$group"; done
for pid in $left; do kill -s TERM "$pid"; done
for second in 1 2; do
    left=$(strays)
    for group in $groups; do
        if kill -s 0 -- "-$group"; then left="$left $group"; fi
    done
    [ -z "$left" ] && exit
    sleep 1
done
for group in $groups; do kill -s KILL -- "-$group"; done
for try in 1 2 3 4 5 6 7 8 9 10; do
    left=$(strays)
    [ -z "$left" ] && exit
    for pid in $left; do kill -s KILL "$pid"; done
    sleep 0.1
done
"#;

/// The variable by which a process, and who descends from it, is known as the pool's:
/// its value begins with the pool's mark, and ends with the number of the process.
const VARIABLE: &str = "PEREGRINE_POOL";

/// Where to tell the guard which process groups there are.
///
/// The guard is a process of its own, which outlives this one: should this one
/// be killed without a chance to stop its applications' processes, the guard
/// does.
#[derive(Debug)]
pub(crate) struct Guard(Option<Watch>);

#[derive(Debug)]
struct Watch {
    /// What no other pool's processes have in their environment.
    mark: String,
    post: Mutex<Post>,
}

/// What the guard of the moment is told.
#[derive(Debug)]
struct Post {
    pipe: OwnedFd,
    /// For the next one.
    groups: BTreeSet<i32>,
}

impl Guard {
    /// Starts one, within a runtime. Without a shell there is none, which is said once
    /// and changes nothing as long as this process lives.
    pub(crate) fn start() -> (Arc<Self>, Guardian) {
        match Watch::begin() {
            Ok((watch, child)) => {
                let guard = Arc::new(Self(Some(watch)));
                let guardian = Guardian::keep(&guard, child);
                (guard, guardian)
            }
            Err(error) => {
                tracing::warn!(%error, "no guard: if this is killed, its processes stay");
                (Self::none(), Guardian::none())
            }
        }
    }

    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self(None))
    }

    /// What a process is to be found by, wherever it goes, and what it starts.
    pub(super) fn mark(&self, id: ProcessId) -> Option<Mark> {
        let watch = self.0.as_ref()?;
        let value = format!("{}-{id}", watch.mark);
        Some(Mark::new(VARIABLE, value))
    }

    pub(super) fn watch(&self, group: Pid) {
        if let Some(watch) = &self.0 {
            let mut post = watch.post();
            post.groups.insert(group.as_raw_pid());
            post.tell('+', group.as_raw_pid());
        }
    }

    pub(super) fn forget(&self, group: Pid) {
        if let Some(watch) = &self.0 {
            let mut post = watch.post();
            post.groups.remove(&group.as_raw_pid());
            post.tell('-', group.as_raw_pid());
        }
    }
}

impl Watch {
    fn begin() -> io::Result<(Self, OwnChild)> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let mark = format!("{:032x}", u128::from_ne_bytes(random));
        let (post, child) = start(&mark, BTreeSet::new())?;
        let post = Mutex::new(post);
        Ok((Self { mark, post }, child))
    }

    /// Puts another guard in the place of one that has ended. Whoever has something to
    /// tell waits until it is there.
    fn relieve(&self) -> io::Result<OwnChild> {
        let mut post = self.post();
        let (next, child) = start(&self.mark, post.groups.clone())?;
        *post = next;
        Ok(child)
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    /// Lines this short are written as one, and find room unless the guard has
    /// not read for thousands of them: then it is of no use anyway. If it has ended,
    /// the next one is told.
    fn tell(&self, sign: char, group: i32) {
        let line = format!("{sign} {group}\n");
        match rustix::io::write(&self.pipe, line.as_bytes()) {
            Ok(_) | Err(Errno::PIPE) => {}
            Err(error) => {
                tracing::warn!(%error, "the guard does not hear: if this is killed, its processes stay");
            }
        }
    }
}

/// Starts a guard, which knows of `groups` as soon as it is there.
fn start(mark: &str, groups: BTreeSet<i32>) -> io::Result<(Post, OwnChild)> {
    let (reader, writer) = io::pipe()?;
    // Only this end: a shell cannot wait otherwise.
    rustix::io::ioctl_fionbio(&writer, true)?;
    let pipe = writer.into();
    let post = Post { pipe, groups };
    for group in &post.groups {
        post.tell('+', *group);
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "peregrine-guard", mark])
        .current_dir("/")
        // It outlives us: what is secret does not.
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::from(reader))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let child = children::spawn(&mut command)?;
    Ok((post, child))
}

use std::{env, io, os::fd::OwnedFd, process::Stdio, sync::Arc, time::Duration};

use rustix::process::Pid;
use tokio::{process::Command, time};

use super::children::{self, OwnChild};

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

/// The variable by which a process is known as the pool's.
const VARIABLE: &str = "PEREGRINE_POOL";

/// How long the guard may take to leave: a moment, unless somebody has left his
/// group and does not heed SIGTERM. Then it takes 2 s, and on a busy machine more; it
/// is waited for, since only then nobody is left.
const FAREWELL: Duration = Duration::from_secs(10);

/// Where to tell the guard which process groups there are.
///
/// The guard is a process of its own, which outlives this one: should this one
/// be killed without a chance to stop its applications' processes, the guard
/// does.
#[derive(Debug)]
pub(crate) struct Guard(Option<Watch>);

#[derive(Debug)]
struct Watch {
    pipe: OwnedFd,
    /// What no other pool's processes have in their environment.
    mark: String,
}

/// The guard's process.
#[derive(Debug)]
pub(crate) struct Guardian(Option<OwnChild>);

impl Guard {
    /// Starts one. Without a shell there is none, which is said once and
    /// changes nothing as long as this process lives.
    pub(crate) fn start() -> (Arc<Self>, Guardian) {
        match start() {
            Ok((watch, child)) => (Arc::new(Self(Some(watch))), Guardian(Some(child))),
            Err(error) => {
                tracing::warn!(%error, "no guard: if this is killed, its processes stay");
                (Self::none(), Guardian(None))
            }
        }
    }

    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self(None))
    }

    /// What a process needs in its environment, so that it is found wherever it
    /// goes.
    pub(super) fn environment(&self) -> Option<(&'static str, &str)> {
        let watch = self.0.as_ref()?;
        Some((VARIABLE, &watch.mark))
    }

    pub(super) fn watch(&self, group: Pid) {
        self.tell('+', group);
    }

    pub(super) fn forget(&self, group: Pid) {
        self.tell('-', group);
    }

    /// Lines this short are written as one, and find room unless the guard has
    /// not read for thousands of them: then it is of no use anyway.
    fn tell(&self, sign: char, group: Pid) {
        let Some(Watch { pipe, .. }) = &self.0 else {
            return;
        };
        let line = format!("{sign} {}\n", group.as_raw_pid());
        if let Err(error) = rustix::io::write(pipe, line.as_bytes()) {
            tracing::warn!(%error, "the guard is gone: if this is killed, its processes stay");
        }
    }
}

fn start() -> io::Result<(Watch, OwnChild)> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let mark = format!("{:032x}", u128::from_ne_bytes(random));
    let (reader, writer) = io::pipe()?;
    // Only this end: a shell cannot wait otherwise.
    rustix::io::ioctl_fionbio(&writer, true)?;
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "peregrine-guard", &mark])
        .current_dir("/")
        // It outlives us: what is secret does not.
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::from(reader))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let child = children::spawn(&mut command)?;
    let pipe = writer.into();
    Ok((Watch { pipe, mark }, child))
}

impl Guardian {
    /// For processes that need none.
    #[cfg(test)]
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Waits until the guard has left. It does when the last [`Guard`] is
    /// dropped, which the task of a process does a moment after its last word.
    pub(crate) async fn leave(self) {
        if let Some(mut child) = self.0 {
            let _ = time::timeout(FAREWELL, child.wait()).await;
        }
    }
}

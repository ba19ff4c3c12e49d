use std::{
    fs,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use tokio::{sync::Mutex, task, time::Instant};

use super::{Leave, stat::Stat};

/// Where to ask whether a process is exiting, as the operating system knows it.
///
/// A process that exits closes its sockets one by one, not in an order that would be
/// of use: connections may be closed while it seems to listen, and takes what is
/// lost. On a busy machine that takes its time. Only when it is over does anybody
/// hear of its end.
#[derive(Debug)]
pub(crate) struct Pulse {
    group: Weak<dyn Leave>,
    /// The last look at all of the group, and when it began. Held while one looks: of
    /// those whose connections have broken at the same time, one looks for all.
    last: Mutex<Option<(Instant, bool)>>,
}

/// An answer that may have to be looked for.
pub(crate) type Look = Pin<Box<dyn Future<Output = bool> + Send>>;

impl Pulse {
    pub(crate) fn of(group: &Arc<dyn Leave>) -> Self {
        Self {
            group: Arc::downgrade(group),
            last: Mutex::new(None),
        }
    }

    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self {
            group: Weak::<super::Group>::new(),
            last: Mutex::new(None),
        }
    }

    /// Whether the leader of the group is exiting, or has ended.
    pub(super) fn stops(&self) -> bool {
        let group = self.group.upgrade();
        group.is_none_or(|group| group.is_exiting())
    }

    /// Whether any of the group is exiting now. Nothing is lost if this is dropped.
    pub(super) async fn falters(&self) -> bool {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((begun, exits)) = *last
            && begun >= asked
        {
            return exits;
        }
        let begun = Instant::now();
        // Who waits for the look is not to keep the group from being killed.
        let look = self.group.upgrade().map(|group| group.has_exiting());
        let exits = match look {
            Some(look) => look.await,
            None => false,
        };
        *last = Some((begun, exits));
        exits
    }
}

/// Whether `leader` is exiting, or has ended.
pub(super) fn is_exiting(leader: Pid) -> bool {
    match Life::of(leader.as_raw_pid()) {
        Some(life) => life != Life::Lives,
        // Or else there is no `/proc`, or it does not show us everybody.
        None => test_kill_process(leader) == Err(Errno::SRCH),
    }
}

/// Whether one of the group that `leader` leads is exiting.
pub(super) fn has_exiting(leader: Pid) -> Look {
    // It walks over `/proc`, which may take milliseconds.
    let look = task::spawn_blocking(move || {
        let mut all = Stat::of_all().into_iter().flatten();
        all.any(|stat| stat.group == leader.as_raw_pid() && Life::of(stat.pid) == Some(Life::Exits))
    });
    Box::pin(async move { look.await.unwrap_or(false) })
}

/// How far a process has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Lives,
    /// Its sockets are being closed, or are about to be.
    Exits,
    /// Its sockets are closed. Nobody has waited for it.
    Ended,
}

impl Life {
    /// `None` if nothing can be seen of it.
    fn of(pid: i32) -> Option<Self> {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let stats = threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
            .filter_map(|line| Stat::parse(&line));
        Self::of_threads(stats)
    }

    /// What threads share is closed by the last of them, and each says first that it
    /// is exiting. A first thread that has ended says nothing about the others, nor
    /// does one that has left them to themselves.
    fn of_threads(threads: impl Iterator<Item = Stat>) -> Option<Self> {
        let mut life = None;
        for thread in threads {
            life = match life {
                _ if !thread.is_exiting && !thread.is_zombie => return Some(Self::Lives),
                None | Some(Self::Ended) if thread.is_zombie => Some(Self::Ended),
                _ => Some(Self::Exits),
            };
        }
        life
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::CommandExt,
        process::{Command, Stdio},
        time::Duration,
    };

    use super::*;

    #[test]
    fn a_process_exits_when_all_its_threads_do() {
        // The flags are those of a process of the kernel's own making, with
        // PF_EXITING (4) or without.
        let (works, exits, ended) = ("S 4194560", "R 4194564", "Z 4194572");
        let cases: [(&str, &[&str], Option<Life>); 8] = [
            ("at work", &[works], Some(Life::Lives)),
            ("exiting", &[exits], Some(Life::Exits)),
            ("a zombie", &[ended], Some(Life::Ended)),
            (
                "one of two threads exits",
                &[exits, works],
                Some(Life::Lives),
            ),
            (
                "the first thread has left",
                &[ended, works],
                Some(Life::Lives),
            ),
            ("both exit", &[exits, exits], Some(Life::Exits)),
            ("the last thread exits", &[ended, exits], Some(Life::Exits)),
            ("nothing is seen", &[], None),
        ];
        for (name, threads, expected) in cases {
            let stats = threads.iter().map(|thread| {
                let (state, flags) = thread.split_once(' ').unwrap();
                Stat::parse(&format!("7 (x) {state} 1 7 7 0 -1 {flags} 0")).unwrap()
            });
            assert_eq!(Life::of_threads(stats), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn the_operating_system_knows_who_has_ended_before_anybody_waits() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = Pid::from_child(&child);
        assert!(!is_exiting(pid));
        assert!(!has_exiting(pid).await);
        drop(child.stdin.take());
        while !is_exiting(pid) {
            // There is nothing to wait on but the wait that is not to be.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.wait().unwrap();
        assert!(is_exiting(pid), "also afterwards");
    }
}

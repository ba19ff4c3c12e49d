//! Less of the processors for a process that starts than for those that serve.

use std::{collections::BTreeSet, fs, sync::OnceLock, thread};

use rustix::process::{Pid, getpriority_process, setpriority_process};

use super::{
    mark::{Mark, has_marks},
    stat::Stat,
};

/// How much nicer a process is while it starts: where processors are scarce, it gets a
/// tenth of what one gets that serves.
const STEPS: i32 = 10;

/// The nicest that there is: setpriority(2).
const NICEST: i32 = 19;

/// How often to look for threads that have come since the last look, each of which takes
/// after the one that has made it.
const LOOKS: u32 = 8;

/// The priority of a process, and of all that it starts, until it is ready. Dropped, it
/// stays as it is.
#[derive(Debug)]
pub(super) struct StartPriority {
    leader: Pid,
    /// By which those are known who have left its group.
    marks: Vec<String>,
    /// Before, and meanwhile.
    nice: (i32, i32),
}

impl StartPriority {
    /// Lowers that of a leader who was just started, and so of all that he starts.
    ///
    /// `None` where it could not be raised again. That takes `CAP_SYS_NICE`, or an
    /// `RLIMIT_NICE` that allows the priority of this process: systemd's `LimitNICE=+0`.
    pub(super) fn lower(leader: Pid, mark: Option<&Mark>) -> Option<Self> {
        if !may_raise() {
            return None;
        }
        let before = getpriority_process(Some(leader)).ok()?;
        let meanwhile = (before + STEPS).min(NICEST);
        setpriority_process(Some(leader), meanwhile).ok()?;
        Some(Self {
            leader,
            marks: mark.into_iter().map(Mark::variable).collect(),
            nice: (before, meanwhile),
        })
    }

    /// It serves from now on. Takes a walk over `/proc`, which may take milliseconds.
    ///
    /// What the application has lowered of its own accord stays so much lower.
    pub(super) fn restore(self) {
        let (before, meanwhile) = self.nice;
        let mut restored = BTreeSet::new();
        for _ in 0..LOOKS {
            let done = restored.len();
            // A thread has a priority of its own.
            for thread in self.threads() {
                // Whoever has ended needs none.
                if let Ok(nice) = getpriority_process(Some(thread))
                    && nice >= meanwhile
                    && restored.insert(thread.as_raw_pid())
                {
                    let _ = setpriority_process(Some(thread), nice - meanwhile + before);
                }
            }
            if restored.len() == done {
                return;
            }
        }
    }

    fn threads(&self) -> impl Iterator<Item = Pid> {
        let leader = self.leader.as_raw_pid();
        let all = Stat::of_all().into_iter().flatten();
        let started = all.filter(move |stat| {
            let has_left = || !self.marks.is_empty() && has_marks(stat.pid, &self.marks);
            stat.group == leader || has_left()
        });
        let threads =
            started.filter_map(|stat| fs::read_dir(format!("/proc/{}/task", stat.pid)).ok());
        threads.flatten().flatten().filter_map(|thread| {
            let id = thread.file_name().to_str()?.parse().ok()?;
            Pid::from_raw(id)
        })
    }
}

/// Whether what was lowered can be raised again: a thread has tried it.
fn may_raise() -> bool {
    static MAY_RAISE: OnceLock<bool> = OnceLock::new();
    *MAY_RAISE.get_or_init(|| {
        let attempt = thread::spawn(|| {
            let nice = getpriority_process(None)?;
            setpriority_process(None, nice + 1)?;
            setpriority_process(None, nice)
        });
        attempt.join().is_ok_and(|raised| raised.is_ok())
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::process::CommandExt,
        process::{Command, Stdio},
    };

    use rustix::process::{Signal, kill_process};

    use super::*;

    #[test]
    fn all_that_a_process_has_started_get_back_what_it_had_before() {
        let value = format!("of-the-test-{}", std::process::id());
        let mark = Mark::new("MARK", value.clone());
        let mut shell = Command::new("sh")
            // In a session of its own, and so in another group.
            .args([
                "-c",
                "read line; setsid nice -n 3 sleep 100 & echo $!; read line",
            ])
            .env("MARK", &value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let leader = Pid::from_child(&shell);
        let nice = |pid| getpriority_process(Some(pid)).unwrap();
        let before = nice(leader);
        let starts = StartPriority::lower(leader, Some(&mark));

        // It lives for as long as this is held.
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(b"\n").unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(shell.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let child = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        // Until it has become what it is to be.
        while fs::read(format!("/proc/{}/comm", child.as_raw_pid())).unwrap() != b"sleep\n" {
            thread::yield_now();
        }
        let lowered = match starts {
            Some(_) => (before + STEPS).min(NICEST),
            None => before,
        };
        let meanwhile = (nice(leader), nice(child));
        let may_raise = starts.is_some();
        if let Some(starts) = starts {
            starts.restore();
        }
        let after = (nice(leader), nice(child));
        kill_process(child, Signal::KILL).unwrap();
        kill_process(leader, Signal::KILL).unwrap();
        shell.wait().unwrap();
        assert_eq!(
            meanwhile,
            (lowered, (lowered + 3).min(NICEST)),
            "{may_raise}"
        );
        let its_own = (lowered + 3).min(NICEST) - lowered;
        assert_eq!(after, (before, before + its_own), "{may_raise}");
    }
}

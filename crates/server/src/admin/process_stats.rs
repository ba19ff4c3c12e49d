use std::{collections::HashMap, time::Duration};

use procfs::process::{Process, Stat};

/// What a process group uses of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// Processor time, user and system, of its processes and of their children
    /// that are gone.
    pub(crate) cpu: Duration,
    /// Resident memory; pages that processes share count in each.
    pub(crate) memory_bytes: u64,
}

impl GroupUsage {
    /// Every process group's usage by its id, from one walk over `/proc`.
    /// Empty where there is none.
    pub(crate) fn of_all() -> HashMap<u32, Self> {
        let Ok(processes) = procfs::process::all_processes() else {
            return HashMap::new();
        };
        let mut groups = HashMap::<u32, Self>::new();
        // A process may go while we look at it; then it uses nothing.
        let stats = processes
            .filter_map(Result::ok)
            .filter_map(|process: Process| process.stat().ok());
        for stat in stats {
            // Group 0 is the kernel's own.
            if let Ok(id) = u32::try_from(stat.pgrp) {
                groups.entry(id).or_default().add(&stat);
            }
        }
        groups
    }

    fn add(&mut self, stat: &Stat) {
        let gone = |ticks: i64| u64::try_from(ticks).unwrap_or(0);
        let ticks = stat.utime + stat.stime + gone(stat.cutime) + gone(stat.cstime);
        let millis = ticks.saturating_mul(1000) / procfs::ticks_per_second();
        self.cpu += Duration::from_millis(millis);
        self.memory_bytes += stat.rss.saturating_mul(procfs::page_size());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        os::unix::process::CommandExt,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_group_s_usage_is_that_of_all_its_processes() {
        // Counts, and starts a second process, which says that it is there.
        // Both go when their input ends.
        let script = "exec 3<&0; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; \
                      sh -c 'echo; read line' <&3 & wait";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();

        let group = GroupUsage::of_all()[&shell.id()];
        let leader = Process::new(shell.id().try_into().unwrap())
            .and_then(|process| process.stat())
            .unwrap();
        let mut alone = GroupUsage::default();
        alone.add(&leader);

        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(alone.cpu > Duration::ZERO, "{alone:?}");
        assert!(
            group.memory_bytes > alone.memory_bytes,
            "{group:?} {alone:?}"
        );
        assert!(!GroupUsage::of_all().contains_key(&shell.id()));
    }
}

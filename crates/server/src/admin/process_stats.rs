use std::{collections::HashMap, time::Duration};

use procfs::process::{LimitValue, Process, Stat};

use super::{rollup::Rollup, status::ServerUsage};

/// What a process group uses of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// Processor time, user and system, of its processes and of their children
    /// that are gone.
    pub(crate) cpu: Duration,
    /// Resident memory; pages that processes share count in each.
    pub(crate) memory_bytes: u64,
    /// Proportional memory; pages that processes share count by their share.
    /// `None` if the system tells it of no process: that is for its owner and
    /// root.
    pub(crate) pss_bytes: Option<u64>,
}

impl GroupUsage {
    /// The usage of `groups` by their ids, from one walk over `/proc`. Empty
    /// where there is none.
    pub(crate) fn of(groups: &[u32]) -> HashMap<u32, Self> {
        let Ok(processes) = procfs::process::all_processes() else {
            return HashMap::new();
        };
        let mut usage = HashMap::<u32, Self>::new();
        // A process may go while we look at it; then it uses nothing.
        let stats = processes
            .filter_map(Result::ok)
            .filter_map(|process: Process| process.stat().ok());
        for stat in stats {
            let group = u32::try_from(stat.pgrp);
            if let Some(id) = group.ok().filter(|id| groups.contains(id)) {
                usage.entry(id).or_default().add(&stat);
            }
        }
        usage
    }

    fn add(&mut self, stat: &Stat) {
        let gone = |ticks: i64| u64::try_from(ticks).unwrap_or(0);
        let ticks = stat.utime + stat.stime + gone(stat.cutime) + gone(stat.cstime);
        let millis = ticks.saturating_mul(1000) / procfs::ticks_per_second();
        self.cpu += Duration::from_millis(millis);
        self.memory_bytes += stat.rss.saturating_mul(procfs::page_size());
        // To add it up takes the kernel a while: only for who is asked about.
        if let Some(memory) = Rollup::of(stat.pid) {
            self.pss_bytes = Some(self.pss_bytes.unwrap_or(0) + memory.pss);
        }
    }
}

impl ServerUsage {
    /// That of this process.
    pub(crate) fn now() -> Option<Self> {
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let limits = process.limits().ok()?;
        let ticks = stat.utime + stat.stime;
        let since_boot = seconds(stat.starttime);
        // Past 2^53 seconds nobody will count them.
        #[expect(clippy::cast_precision_loss)]
        let booted = procfs::boot_time_secs().ok()? as f64;
        Some(Self {
            cpu_seconds: seconds(ticks),
            memory_bytes: stat.rss.saturating_mul(procfs::page_size()),
            virtual_bytes: stat.vsize,
            threads: u64::try_from(stat.num_threads).unwrap_or(0),
            open_files: process.fd_count().ok()?,
            max_open_files: match limits.max_open_files.soft_limit {
                LimitValue::Value(files) => Some(files),
                LimitValue::Unlimited => None,
            },
            started_at_seconds: booted + since_boot,
        })
    }
}

fn seconds(ticks: u64) -> f64 {
    let millis = ticks.saturating_mul(1000) / procfs::ticks_per_second();
    Duration::from_millis(millis).as_secs_f64()
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

        let group = GroupUsage::of(&[shell.id()])[&shell.id()];
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
        assert!(group.pss_bytes.unwrap() > 0, "{group:?}");
        assert!(group.pss_bytes.unwrap() < group.memory_bytes, "{group:?}");
        let gone = GroupUsage::of(&[shell.id()]);
        assert!(gone.is_empty(), "{gone:?}");
    }
}

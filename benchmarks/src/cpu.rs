use std::{collections::HashMap, fs, path::PathBuf, time::Duration};

use procfs::process::{Stat, all_processes};

use crate::Result;

/// CPU time, of user and kernel, that the process and all its descendants have
/// taken, to the clock tick (10 ms).
pub(crate) fn time_of_tree(root: i32) -> Result<Duration> {
    let processes = processes()?;
    if !processes.contains_key(&root) {
        return Err("it has ended".into());
    }
    let ticks: u64 = processes
        .values()
        .filter(|stat| descends_from(root, stat.pid, &processes))
        .map(ticks_of)
        .sum();
    let per_second = procfs::ticks_per_second();
    Ok(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// A process and its descendants, as they are when this is made.
pub(crate) struct Tree {
    /// A folder for each of their threads is in here.
    threads: Vec<PathBuf>,
}

impl Tree {
    pub(crate) fn of(root: i32) -> Result<Self> {
        let processes = processes()?;
        let threads = processes
            .keys()
            .filter(|pid| descends_from(root, **pid, &processes))
            .map(|pid| PathBuf::from(format!("/proc/{pid}/task")))
            .collect();
        Ok(Self { threads })
    }

    /// CPU time that their threads have taken, to the nanosecond, without those that have
    /// ended. What one has taken since it was woken last may be missing.
    pub(crate) fn time(&self) -> Result<Duration> {
        let mut nanos = 0;
        for folder in &self.threads {
            for thread in fs::read_dir(folder)? {
                // One may end while the list is read.
                let Ok(times) = fs::read_to_string(thread?.path().join("schedstat")) else {
                    continue;
                };
                nanos += times
                    .split(' ')
                    .next()
                    .ok_or("a thread without times")?
                    .parse::<u64>()?;
            }
        }
        Ok(Duration::from_nanos(nanos))
    }
}

fn processes() -> Result<HashMap<i32, Stat>> {
    Ok(all_processes()?
        // A process that ends while the list is read is none of ours.
        .filter_map(|process| process.ok()?.stat().ok())
        .map(|stat| (stat.pid, stat))
        .collect())
}

/// Its own time, and that of the children it has waited for.
fn ticks_of(stat: &Stat) -> u64 {
    let children = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
    stat.utime + stat.stime + children
}

fn descends_from(root: i32, pid: i32, processes: &HashMap<i32, Stat>) -> bool {
    let mut pid = pid;
    // Ids may be taken again while the list is read, into a ring even.
    for _ in 0..processes.len() {
        if pid == root {
            return true;
        }
        let Some(stat) = processes.get(&pid) else {
            return false;
        };
        pid = stat.ppid;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, process::Command};

    use super::*;

    #[test]
    fn a_process_and_its_child_are_counted_together() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let child_pid = i32::try_from(child.id()).unwrap();
        let processes = processes().unwrap();
        let inherits = descends_from(own, child_pid, &processes);
        let reverse = descends_from(child_pid, own, &processes);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(inherits && !reverse);
    }

    #[test]
    fn work_takes_time() {
        let own = i32::try_from(std::process::id()).unwrap();
        let before = time_of_tree(own).unwrap();
        // Ends as soon as the kernel has counted it.
        while time_of_tree(own).unwrap() < before + Duration::from_millis(20) {
            black_box((0..100_000_u64).sum::<u64>());
        }
    }

    #[test]
    fn a_process_that_has_ended_has_no_time() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(time_of_tree(i32::try_from(child.id()).unwrap()).is_err());
    }
}

use std::{collections::HashMap, time::Duration};

use procfs::process::{Stat, all_processes};

use crate::Result;

/// CPU time, of user and kernel, that the process and all its descendants have
/// taken, to the clock tick (10 ms).
pub(crate) fn time_of_tree(root: i32) -> Result<Duration> {
    let processes: HashMap<i32, Stat> = all_processes()?
        // A process that ends while the list is read is none of ours.
        .filter_map(|process| process.ok()?.stat().ok())
        .map(|stat| (stat.pid, stat))
        .collect();
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
        let processes = all_processes()
            .unwrap()
            .filter_map(|process| process.ok()?.stat().ok())
            .map(|stat| (stat.pid, stat))
            .collect();
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

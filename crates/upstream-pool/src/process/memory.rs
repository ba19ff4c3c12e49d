use std::{collections::BTreeMap, fs};

use super::stat::Stat;

/// Which of these process groups use more than `limit` bytes, and how much.
///
/// What counts is the proportional set size: a page that several processes
/// share, as those do that were forked after the application was loaded, counts
/// in each of them by its share. It is costly to find out, so it is only asked
/// for where the resident size, which is never smaller, is over the limit. Where
/// it is not told, the resident size counts.
pub(crate) fn over(limit: u64, groups: &[u32]) -> Vec<(u32, u64)> {
    let mut members = BTreeMap::<u32, Vec<Stat>>::new();
    for stat in Stat::of_all().into_iter().flatten() {
        let group = stat.group.cast_unsigned();
        if groups.contains(&group) {
            members.entry(group).or_default().push(stat);
        }
    }
    members
        .into_iter()
        .filter(|(_, members)| sum(members, resident) > limit)
        .map(|(group, members)| (group, sum(&members, proportional)))
        .filter(|(_, bytes)| *bytes > limit)
        .collect()
}

fn sum(members: &[Stat], bytes: impl Fn(&Stat) -> u64) -> u64 {
    members.iter().map(bytes).fold(0, u64::saturating_add)
}

fn resident(stat: &Stat) -> u64 {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    stat.resident_pages.saturating_mul(page)
}

fn proportional(stat: &Stat) -> u64 {
    fs::read_to_string(format!("/proc/{}/smaps_rollup", stat.pid))
        .ok()
        .and_then(|text| pss(&text))
        .unwrap_or_else(|| resident(stat))
}

/// The line `Pss:` of `/proc/PID/smaps_rollup`, in bytes: proc(5).
fn pss(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_found_among_the_others() {
        let rollup = "\
00400000-7ffe Rollup
Rss:                 884 kB
Pss:                 385 kB
Pss_Dirty:            68 kB
";
        let cases = [
            ("as the kernel writes it", rollup, Some(385 * 1024)),
            ("a kernel that does not know it", "Rss: 884 kB\n", None),
            ("another unit", "Pss: 1 MB\n", None),
            ("nothing", "", None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(pss(text), expected, "{name}");
        }
    }

    #[test]
    fn a_group_is_over_a_limit_that_is_below_what_it_uses() {
        // Our own group, with whoever else is in it.
        let group = rustix::process::getpgrp().as_raw_pid().cast_unsigned();
        assert_eq!(over(u64::MAX, &[group]), []);
        let all = over(0, &[group]);
        let [(found, bytes)] = all[..] else {
            panic!("{all:?}")
        };
        assert_eq!(found, group);
        assert!(bytes > 100 * 1024, "{bytes}");
        assert_eq!(over(bytes * 10, &[group]), []);
    }
}

use std::fs;

/// What a process's memory is made of, in bytes: `/proc/PID/smaps_rollup`, proc(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rollup {
    /// Its proportional set size: pages that it shares count by its share.
    pub(super) pss: u64,
    /// What nobody shares with it, and would be free without it.
    pub(super) private: u64,
    /// What lies in swap.
    pub(super) swap: u64,
}

impl Rollup {
    /// That of a process; `None` if it is gone, belongs to somebody else, or the
    /// kernel is older than this file (Linux 4.14).
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
            kibibytes.checked_mul(1024)
        };
        Some(Self {
            pss: bytes("Pss")?,
            private: bytes("Private_Clean")? + bytes("Private_Dirty")?,
            swap: bytes("Swap").unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_understood() {
        let rollup = "\
00400000-7ffe00000000 ---p 00000000 00:00 0 [rollup]
Rss:                 884 kB
Pss:                 385 kB
Pss_Dirty:            68 kB
Private_Clean:       200 kB
Private_Dirty:        68 kB
Swap:                  4 kB
SwapPss:               2 kB
";
        let expected = Rollup {
            pss: 385 << 10,
            private: 268 << 10,
            swap: 4 << 10,
        };
        assert_eq!(Rollup::parse(rollup), Some(expected));
        assert_eq!(Rollup::parse("Rss: 884 kB\n"), None);
        assert_eq!(Rollup::parse(""), None);
    }

    #[test]
    fn a_process_may_know_its_own() {
        let own = Rollup::of(std::process::id().cast_signed()).unwrap();
        assert!(own.pss >= own.private, "{own:?}");
        assert!(own.private > 0, "{own:?}");
        assert_eq!(Rollup::of(-1), None);
    }
}

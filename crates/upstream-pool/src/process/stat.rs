/// What `/proc/PID/stat` says of a process: proc(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// It has ended, and nobody has waited for it.
    pub(super) is_zombie: bool,
    /// It is on its way to that.
    pub(super) is_exiting: bool,
    /// What of it is in memory.
    pub(super) resident_pages: u64,
}

/// The kernel's `PF_EXITING` among the flags of a process: it is set before any of
/// what the process has open is closed.
const EXITING: u32 = 0x4;

impl Stat {
    /// The number, the name in parentheses, then the state, the parent, the
    /// group, as the 9th field the flags, and as the 24th the resident pages.
    pub(super) fn parse(line: &str) -> Option<Self> {
        // The name may hold anything, and ends with the last parenthesis.
        let (name, rest) = line.rsplit_once(')')?;
        let (pid, _) = name.split_once(' ')?;
        let mut fields = rest.split_whitespace();
        let state = fields.next()?;
        Some(Self {
            pid: pid.parse().ok()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            is_zombie: matches!(state, "Z" | "X"),
            is_exiting: fields
                .nth(3)
                .and_then(|flags| flags.parse().ok())
                .is_some_and(|flags: u32| flags & EXITING != 0),
            resident_pages: fields
                .nth(14)
                .and_then(|pages| pages.parse().ok())
                .unwrap_or(0),
        })
    }

    /// Every process that can be seen; none without `/proc`. One that goes
    /// while we look may be missing.
    pub(super) fn of_all() -> Option<impl Iterator<Item = Self>> {
        let processes = std::fs::read_dir("/proc").ok()?;
        Some(
            processes
                .flatten()
                .filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok())
                .filter_map(|line| Self::parse(&line)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_is_whose() {
        let stat = |parent, group, is_zombie| {
            Some(Stat {
                pid: 17,
                parent,
                group,
                is_zombie,
                is_exiting: false,
                resident_pages: 0,
            })
        };
        let cases = [
            ("at work", "17 (ruby) S 1 42 42 0", stat(1, 42, false)),
            ("a zombie", "17 (ruby) Z 1 42 42 0", stat(1, 42, true)),
            (
                "with a name that lies",
                "17 (a) Z 1 42) S 3 4 42 0",
                stat(3, 4, false),
            ),
            ("gone while we read", "", None),
        ];
        for (name, line, expected) in cases {
            assert_eq!(Stat::parse(line), expected, "{name}");
        }

        let whole = "9 (sh) S 1 9 9 0 -1 4194304 95 0 0 0 0 0 0 0 20 0 1 0 22 2543616 227 1";
        let whole = Stat::parse(whole).unwrap();
        assert_eq!((whole.resident_pages, whole.is_exiting), (227, false));
        let exits = Stat::parse("9 (sh) R 1 9 9 0 -1 4194308 95").unwrap();
        assert!(exits.is_exiting);
    }
}

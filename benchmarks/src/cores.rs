use std::{fmt, str::FromStr, thread};

use crate::options::RunOptions;

/// Cores of the machine, as in `0-1,4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CoreList(Vec<usize>);

/// Who runs where: the load must not take the time of what it measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: CoreList,
    pub(crate) load: CoreList,
    pub(crate) app: CoreList,
}

impl CoreList {
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().copied()
    }

    /// How many threads run there at the same time.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl Cores {
    pub(crate) fn of(options: &RunOptions) -> Self {
        let available = available();
        let default = Self::on(available);
        let load = options.load_cores.clone().unwrap_or(default.load);
        let shared = available < 6;
        Self {
            server: options.server_cores.clone().unwrap_or(default.server),
            app: options
                .app_cores
                .clone()
                .unwrap_or_else(|| if shared { load.clone() } else { default.app }),
            load,
        }
    }

    /// What is sensible on this machine.
    pub(crate) fn of_this_machine() -> Self {
        Self::on(available())
    }

    /// What is sensible with so many cores.
    fn on(available: usize) -> Self {
        let [server, load, app] = match available {
            0 | 1 => [vec![0], vec![0], vec![0]],
            2 | 3 => [vec![0], vec![1], vec![1]],
            4 | 5 => [vec![0, 1], vec![2, 3], vec![2, 3]],
            6.. => [vec![0, 1], vec![2, 3], vec![4, 5]],
        };
        Self {
            server: CoreList(server),
            load: CoreList(load),
            app: CoreList(app),
        }
    }
}

fn available() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl FromStr for CoreList {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            text.parse::<usize>()
                .ok()
                .filter(|core| *core < 1024)
                .ok_or_else(|| format!("`{text}` is no core; cores are given as in 0-1,4"))
        };
        let mut cores = Vec::new();
        for part in list.split(',') {
            let (start, end) = part.split_once('-').unwrap_or((part, part));
            let range = number(start)?..=number(end)?;
            if range.is_empty() {
                return Err(format!("`{part}` is an empty range"));
            }
            cores.extend(range);
        }
        cores.sort_unstable();
        cores.dedup();
        Ok(Self(cores))
    }
}

impl fmt::Display for CoreList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for run in self.0.chunk_by(|core, next| core + 1 == *next) {
            f.write_str(separator)?;
            separator = ",";
            match run {
                [core] => write!(f, "{core}")?,
                [first, .., last] => write!(f, "{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        let cases = [
            ("0", Some(("0", 1))),
            ("0-1", Some(("0-1", 2))),
            ("3,0-1", Some(("0-1,3", 3))),
            ("1,1,0", Some(("0-1", 2))),
            ("2-1", None),
            ("", None),
            ("0-", None),
            ("all", None),
            ("0-99999999999", None),
        ];
        for (list, expected) in cases {
            let read = list.parse::<CoreList>().ok();
            let read = read.map(|cores| (cores.to_string(), cores.len()));
            let expected = expected.map(|(text, len): (&str, _)| (text.to_owned(), len));
            assert_eq!(read, expected, "`{list}`");
        }
    }

    #[test]
    fn load_and_server_share_no_core_where_there_are_two() {
        for (available, server, load, app) in [
            (1, "0", "0", "0"),
            (2, "0", "1", "1"),
            (4, "0-1", "2-3", "2-3"),
            (16, "0-1", "2-3", "4-5"),
        ] {
            let cores = Cores::on(available);
            assert_eq!(cores.server.to_string(), server, "{available}");
            assert_eq!(cores.load.to_string(), load, "{available}");
            assert_eq!(cores.app.to_string(), app, "{available}");
        }
    }
}

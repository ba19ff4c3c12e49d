use std::{collections::BTreeSet, fs};

/// What `docs/conformance.md` says of one mode of the cache.
#[derive(Debug, PartialEq, Eq)]
pub struct Explained {
    /// The tests that it gives a reason for.
    pub ids: BTreeSet<String>,
    /// How many tests of each kind it says are passed: `3 of 4`.
    pub tallies: [String; 3],
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");

impl Explained {
    /// What the page says of the mode that `--cache MODE` chooses.
    ///
    /// # Panics
    ///
    /// If it says nothing.
    pub fn of(mode: &str) -> Self {
        let text = fs::read_to_string(PAGE).unwrap_or_else(|error| panic!("{PAGE}: {error}"));
        Self::parse(mode, &text).unwrap_or_else(|| panic!("{PAGE} says nothing of {mode}"))
    }

    fn parse(mode: &str, page: &str) -> Option<Self> {
        let row = format!("| `--cache {mode}` | ");
        let row = page.lines().find_map(|line| line.strip_prefix(&row))?;
        let mut cells = row.trim_end_matches('|').split('|');
        let tallies = [(); 3].map(|()| cells.next().unwrap_or_default().trim().to_owned());

        // `- MODE: `id`, `id`,` and more of them in the lines that are indented.
        let mut ids = BTreeSet::new();
        let mut counts = false;
        for line in page.lines() {
            let listed = if let Some(item) = line.strip_prefix("- ") {
                let (modes, listed) = item.split_once(':')?;
                counts = modes == mode || modes == "both modes";
                listed
            } else if let Some(more) = line.strip_prefix("  ") {
                more
            } else {
                counts = false;
                continue;
            };
            if counts {
                let names = listed.split('`').skip(1).step_by(2);
                ids.extend(names.map(ToOwned::to_owned));
            }
        }
        Some(Self { ids, tallies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_read_for_each_mode() {
        let page = "A `word` about it.\n\n\
                    | passed | required | optimal | check |\n\
                    |---|---|---|---|\n\
                    | `--cache standard` | 3 of 4 | 1 of 1 | 0 of 2 |\n\n\
                    Some `prose`.\n\n\
                    - both modes: `a`,\n  `b=2`\n\
                    - conservative: `c`\n\
                    - standard: `d`\n\n\
                    The `end`.\n";
        let standard = Explained::parse("standard", page).unwrap();
        assert_eq!(standard.ids, ["a", "b=2", "d"].map(String::from).into());
        assert_eq!(standard.tallies, ["3 of 4", "1 of 1", "0 of 2"]);
        assert_eq!(Explained::parse("conservative", page), None);
    }
}

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::PathBuf,
};

use super::{FOLDER, Kind, Outcome};

/// A committed list of outcomes: what the suite is to find in one mode of the
/// cache.
#[derive(Debug)]
pub struct Expected {
    mode: String,
    outcomes: BTreeMap<String, Outcome>,
}

impl Expected {
    /// The list for the mode that `--cache MODE` chooses.
    ///
    /// # Panics
    ///
    /// If it is not there, or has a line that is none.
    pub fn of(mode: &str) -> Self {
        let path = path(mode);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(mode, &text)
    }

    fn parse(mode: &str, text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let outcomes = lines.map(|line| {
            let outcome = Outcome::from_list(line)
                .unwrap_or_else(|| panic!("`{line}` is no line of the list for {mode}"));
            (outcome.id.clone(), outcome)
        });
        Self {
            mode: mode.to_owned(),
            outcomes: outcomes.collect(),
        }
    }

    /// The tests that are not passed.
    pub fn not_passed(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.values().filter(|outcome| !outcome.passed)
    }

    /// How many tests of `kind` are passed, and how many there are.
    pub fn tally(&self, kind: Kind) -> (usize, usize) {
        let of_kind = || {
            self.outcomes
                .values()
                .filter(|outcome| outcome.kind == kind)
        };
        (
            of_kind().filter(|outcome| outcome.passed).count(),
            of_kind().count(),
        )
    }

    /// In which way `found` is not what is expected, a line for each end of a
    /// difference; none if all is as expected.
    pub fn diff(&self, found: &[Outcome]) -> Option<String> {
        let found: BTreeMap<_, _> = found.iter().map(|outcome| (&outcome.id, outcome)).collect();
        let ids: BTreeSet<_> = self.outcomes.keys().chain(found.keys().copied()).collect();
        let mut diff = String::new();
        for id in ids {
            match (self.outcomes.get(id), found.get(id)) {
                (Some(expected), Some(found)) if expected.agrees_with(found) => {}
                (expected, found) => {
                    if let Some(expected) = expected {
                        let _ = writeln!(diff, "  - {expected}");
                    }
                    if let Some(found) = found {
                        let _ = writeln!(diff, "  + {found}  {}", found.reason);
                    }
                }
            }
        }
        (!diff.is_empty()).then_some(diff)
    }

    /// Writes the list for `mode` anew.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(mode: &str, found: &[Outcome]) -> io::Result<()> {
        fs::write(path(mode), Self::render(mode, found))
    }

    fn render(mode: &str, found: &[Outcome]) -> String {
        let list = Self {
            mode: mode.to_owned(),
            outcomes: found
                .iter()
                .map(|outcome| (outcome.id.clone(), outcome.clone()))
                .collect(),
        };
        let mut text = format!("# --cache {}, passed:", list.mode);
        for kind in Kind::ALL {
            let (passed, all) = list.tally(kind);
            let _ = write!(text, " {passed} of {all} {},", kind.as_str());
        }
        text.pop();
        text.push_str(".\n# Not written by hand: see README.md.\n");
        for outcome in list.outcomes.values() {
            let _ = writeln!(text, "{outcome}");
        }
        text
    }
}

fn path(mode: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("expected/{mode}.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(id: &str, kind: Kind, passed: bool) -> Outcome {
        Outcome {
            id: id.to_owned(),
            kind,
            passed,
            reason: if passed { "" } else { "no response" }.to_owned(),
        }
    }

    #[test]
    fn a_list_that_was_written_is_read_as_what_it_was_written_from() {
        let found = [
            outcome("b", Kind::Optimal, false),
            outcome("a", Kind::Required, true),
            outcome("c", Kind::Check, true),
        ];
        let text = Expected::render("standard", &found);
        assert_eq!(
            text,
            "# --cache standard, passed: 1 of 1 required, 0 of 1 optimal, 1 of 1 check.\n\
             # Not written by hand: see README.md.\n\
             pass required a\n\
             fail optimal  b\n\
             pass check    c\n"
        );
        let expected = Expected::parse("standard", &text);
        assert_eq!(expected.diff(&found), None);
        assert_eq!(expected.tally(Kind::Optimal), (0, 1));
        let ids: Vec<_> = expected.not_passed().map(|outcome| &outcome.id).collect();
        assert_eq!(ids, ["b"]);
    }

    #[test]
    fn every_difference_is_told() {
        let expected = Expected::parse(
            "standard",
            "pass required a\nfail optimal b\npass check c\npass required d\n",
        );
        let found = [
            outcome("a", Kind::Required, false),
            outcome("b", Kind::Optimal, true),
            outcome("c", Kind::Check, true),
            outcome("e", Kind::Check, false),
        ];
        assert_eq!(
            expected.diff(&found).unwrap(),
            "  - pass required a\n\
             \x20 + fail required a  no response\n\
             \x20 - fail optimal  b\n\
             \x20 + pass optimal  b  \n\
             \x20 - pass required d\n\
             \x20 + fail check    e  no response\n"
        );
    }

    #[test]
    #[should_panic(expected = "`maybe required a` is no line of the list for standard")]
    fn a_line_that_is_none_is_refused() {
        Expected::parse("standard", "maybe required a\n");
    }
}

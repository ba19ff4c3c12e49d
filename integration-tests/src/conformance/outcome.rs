use std::fmt;

use serde_json::Value;

/// What one test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The suite's name for the test.
    pub id: String,
    /// What the suite makes of it.
    pub kind: Kind,
    /// Whether the cache does what the test asks for, and what all tests that
    /// it builds upon ask for.
    pub passed: bool,
    /// What happened instead, in the suite's words. Empty if it passed, or if
    /// it comes from a list of expected outcomes.
    pub reason: String,
}

/// What it means that a test is not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that a cache must do is not done.
    Required,
    /// A cache could do better.
    Optimal,
    /// Nothing: the suite asks what caches do, where HTTP leaves it to them.
    Check,
}

impl Kind {
    /// In the order of their weight.
    pub const ALL: [Self; 3] = [Self::Required, Self::Optimal, Self::Check];

    /// The suite's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optimal => "optimal",
            Self::Check => "check",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Outcome {
    /// From a line that `run.mjs` has printed.
    pub(super) fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        Some(Self {
            id: value["id"].as_str()?.to_owned(),
            kind: Kind::parse(value["kind"].as_str()?)?,
            passed: value["passed"].as_bool()?,
            reason: value["reason"].as_str()?.to_owned(),
        })
    }

    /// From a line of a list, as [`Display`](fmt::Display) writes it.
    pub(super) fn from_list(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let passed = match words.next()? {
            "pass" => true,
            "fail" => false,
            _ => return None,
        };
        let kind = Kind::parse(words.next()?)?;
        let id = words.next()?.to_owned();
        words.next().is_none().then_some(Self {
            id,
            kind,
            passed,
            reason: String::new(),
        })
    }

    /// Whether both say the same of the same test. Reasons are words, not
    /// findings: they name ports and times.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        (&self.id, self.kind, self.passed) == (&other.id, other.kind, other.passed)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = if self.passed { "pass" } else { "fail" };
        write!(f, "{passed} {:8} {}", self.kind.as_str(), self.id)
    }
}

use std::{collections::BTreeMap, fmt::Write, fs};

use crate::Result;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// The committed numbers.
#[derive(Debug)]
pub(super) struct Reference(BTreeMap<String, u32>);

impl Reference {
    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(FILE)?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let numbers = lines.map(|line| {
            let (name, number) = line.split_once(' ').ok_or("a line without a number")?;
            Ok((name.to_owned(), number.trim().parse()?))
        });
        numbers.collect::<Result<_>>().map(Self)
    }

    pub(super) fn of(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }

    pub(super) fn write(counted: &[(String, u32)]) -> Result<()> {
        let mut text =
            "# Instructions per exchange. Not written by hand: see README.md.\n".to_owned();
        for (name, number) in counted {
            writeln!(text, "{name:16} {number:6}")?;
        }
        print!("{text}");
        Ok(fs::write(FILE, text)?)
    }
}

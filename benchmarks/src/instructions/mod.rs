//! How many instructions an exchange takes: see `README.md`.

mod exercise;
mod reference;
mod served;

use std::{env, process::Command};

use clap::ValueEnum;

pub(crate) use self::exercise::Exercise;
use self::reference::Reference;
use crate::Result;

/// An exercise is counted twice, so that what it takes to start it can be taken
/// off.
const COUNTS: [u32; 2] = [2_000, 6_000];

/// How far from the reference a number may be, either way: moka tidies up by the
/// time, which no two runs share, and hashes with other keys in each.
const TOLERANCE: f64 = 0.03;

/// Counts all exercises, and compares with the reference, or makes it.
pub(crate) fn run(update: bool) -> Result<()> {
    let exercises = Exercise::value_variants();
    let mut counted = Vec::new();
    for &exercise in exercises {
        counted.push((exercise.name(), count(exercise)?));
    }
    if update {
        return Reference::write(&counted);
    }
    let reference = Reference::read()?;
    let bare = counted[0].1;
    println!("| | instructions | more than bare | reference | |");
    println!("|---|---|---|---|---|");
    let mut off = Vec::new();
    for (name, count) in &counted {
        let expected = reference.of(name);
        let change = expected.map_or(f64::INFINITY, |expected| {
            f64::from(*count) / f64::from(expected) - 1.0
        });
        println!(
            "| {name} | {count} | {} | {} | {:+.1} % |",
            i64::from(*count) - i64::from(bare),
            expected.map_or_else(|| "none".to_owned(), |expected| expected.to_string()),
            change * 100.0,
        );
        if change.abs() > TOLERANCE {
            off.push(name.as_str());
        }
    }
    if off.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not within {} % of benchmarks/instructions.txt: {}. If that is as it should be: \
         cargo run --release -p benchmarks -- instructions --update",
        TOLERANCE * 100.0,
        off.join(", ")
    )
    .into())
}

/// The instructions that one round of `exercise` takes.
fn count(exercise: Exercise) -> Result<u32> {
    let [few, many] = COUNTS.map(|rounds| collected(exercise, rounds));
    let instructions = (many? - few?) / u64::from(COUNTS[1] - COUNTS[0]);
    Ok(u32::try_from(instructions)?)
}

/// The instructions of a whole process that does `exercise` so many times.
fn collected(exercise: Exercise, rounds: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["exercise", &exercise.name(), &rounds.to_string()])
        .output()
        .map_err(|error| format!("valgrind (Debian: valgrind): {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(parse);
    match collected {
        Some(collected) if output.status.success() => Ok(collected),
        _ => Err(format!("valgrind ended with {} and said:\n{said}", output.status).into()),
    }
}

/// The number in a line like `==123== Collected : 456789`.
fn parse(line: &str) -> Option<u64> {
    let (_, number) = line.split_once("Collected :")?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_one_of_callgrinds_last_word() {
        let cases = [
            ("==123== Collected : 456789", Some(456_789)),
            ("==123== Events    : Ir", None),
            ("==123== Collected : ", None),
        ];
        for (line, number) in cases {
            assert_eq!(parse(line), number, "{line}");
        }
    }

    #[test]
    fn every_exercise_is_what_it_is_called() {
        for &exercise in Exercise::value_variants() {
            exercise.run(2);
        }
    }

    #[test]
    fn every_exercise_has_a_reference() {
        let reference = Reference::read().unwrap();
        for exercise in Exercise::value_variants() {
            assert!(reference.of(&exercise.name()).is_some(), "{exercise:?}");
        }
    }
}

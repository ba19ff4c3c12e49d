//! What a fuzzer does, for a bounded time and on stable: the corpus as it is, and
//! with pieces of it cut, copied and changed.

use std::{fs, path::PathBuf};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect()
}

/// One thing that is done to bytes.
#[derive(Clone, Debug)]
enum Change {
    Delete(Index, Index),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    /// A piece of another file of the corpus.
    Splice(Index, Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(&b",;=\"\\*- \t\n\0/?&%Ww09aA()\xff:[]"[..]);
    let index = any::<Index>;
    prop_oneof![
        (index(), index()).prop_map(|(from, to)| Change::Delete(from, to)),
        (index(), telling.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (index(), vec(telling, 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (index(), index(), index(), index())
            .prop_map(|(at, file, from, to)| Change::Splice(at, file, from, to)),
    ]
}

impl Change {
    fn apply(&self, corpus: &[Vec<u8>], data: &mut Vec<u8>) {
        // There is always a place after the last byte.
        let place = |index: &Index, data: &[u8]| index.index(data.len() + 1);
        match self {
            Self::Delete(from, to) => {
                let (one, other) = (place(from, data), place(to, data));
                data.drain(one.min(other)..one.max(other));
            }
            Self::Replace(at, byte) => {
                let at = place(at, data);
                if let Some(old) = data.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(at, bytes) => {
                let at = place(at, data);
                data.splice(at..at, bytes.iter().copied());
            }
            Self::Splice(at, file, from, to) => {
                let file = &corpus[file.index(corpus.len())];
                let (one, other) = (place(from, file), place(to, file));
                let piece = &file[one.min(other)..one.max(other)];
                let at = place(at, data);
                data.splice(at..at, piece.iter().copied());
            }
        }
    }
}

#[test]
fn the_corpora_break_no_promise() {
    for (name, target) in TARGETS {
        for data in corpus(name) {
            target(&data);
        }
    }
}

#[test]
fn nothing_that_is_like_a_corpus_breaks_a_promise() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let strategy = (any::<Index>(), vec(change(), 1..12));
        let config = ProptestConfig {
            cases: 4 * ProptestConfig::default().cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let mut runner = prop::test_runner::TestRunner::new(config);
        let tried = runner.run(&strategy, |(seed, changes)| {
            let mut data = corpus[seed.index(corpus.len())].clone();
            for change in &changes {
                change.apply(&corpus, &mut data);
            }
            target(&data);
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{name}: {error}");
        }
    }
}

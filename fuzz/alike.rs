//! What a fuzzer does, for a bounded time and on stable: files of a corpus, with pieces of
//! them cut, copied and changed. A module of the tests of each crate that has a corpus.

use std::{fs, ops::Range, path::PathBuf};

use proptest::{collection::vec, prelude::*, sample::Index};

/// The files for one target, in the order of their names.
pub(super) fn corpus(target: &str) -> Vec<Vec<u8>> {
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

/// Something like one of these files, with so many changes; bytes that are put in are
/// mostly `telling` ones.
pub(super) fn alike(
    corpus: Vec<Vec<u8>>,
    telling: &'static [u8],
    changes: Range<usize>,
) -> impl Strategy<Value = Vec<u8>> {
    let file = any::<Index>();
    (file, vec(change(telling), changes)).prop_map(move |(file, changes)| {
        let mut data = corpus[file.index(corpus.len())].clone();
        for change in changes {
            change.apply(&corpus, &mut data);
        }
        data
    })
}

/// Four times as many cases as elsewhere, of which none is kept: what breaks something
/// belongs into the corpus.
pub(super) fn many() -> ProptestConfig {
    ProptestConfig {
        cases: 4 * ProptestConfig::default().cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One thing that is done to bytes.
#[derive(Clone, Debug)]
enum Change {
    Cut(Index, Index),
    /// A few only: what is left is much like what was there.
    Delete(Index, Index),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    /// A piece of another file of the corpus.
    Splice(Index, Index, Index, Index),
}

fn change(telling: &'static [u8]) -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(telling);
    let index = any::<Index>;
    prop_oneof![
        (index(), index()).prop_map(|(from, to)| Change::Cut(from, to)),
        (index(), index()).prop_map(|(from, many)| Change::Delete(from, many)),
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
            Self::Cut(from, to) => {
                let (one, other) = (place(from, data), place(to, data));
                data.drain(one.min(other)..one.max(other));
            }
            Self::Delete(from, many) => {
                let from = place(from, data);
                let to = (from + many.index(8)).min(data.len());
                data.drain(from..to);
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

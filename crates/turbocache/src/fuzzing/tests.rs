//! What a fuzzer does, for a bounded time and on stable.

#[path = "../../../../fuzz/alike.rs"]
mod alike;

use proptest::test_runner::TestRunner;

use self::alike::{alike, corpus, many};
use super::*;

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
        let telling = b",;=\"\\*- \t\n\0/?&%Ww09aA()\xff:[]";
        let data = alike(corpus(name), telling, 1..12);
        let tried = TestRunner::new(many()).run(&data, |data| {
            target(&data);
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{name}: {error}");
        }
    }
}

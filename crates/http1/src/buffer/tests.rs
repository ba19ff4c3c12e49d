use std::{io::Cursor, task::Waker};

use super::*;

/// How much comes with each read of somebody who has all there is.
fn reads(buffer: &mut Buffer, len: usize) -> Vec<usize> {
    let mut stream = Cursor::new(vec![b'x'; len]);
    let mut cx = Context::from_waker(Waker::noop());
    let mut reads = Vec::new();
    loop {
        match buffer.poll_fill(&mut stream, &mut cx) {
            Poll::Ready(Ok(0)) => return reads,
            Poll::Ready(Ok(read)) => reads.push(read),
            other => panic!("{other:?}"),
        }
        drop(buffer.split());
    }
}

#[test]
fn the_more_there_is_the_more_is_read_at_once() {
    let reads = reads(&mut Buffer::new(), 16 * LARGEST);
    assert!(reads[0] <= 2 * FIRST, "{reads:?}");
    assert!(*reads.iter().max().unwrap() <= 2 * LARGEST, "{reads:?}");
    assert!(reads.len() < 40, "{reads:?}");
}

#[test]
fn what_is_expected_is_read_at_once() {
    let mut buffer = Buffer::new();
    assert_eq!(reads(&mut buffer, 100), [100], "a head");
    buffer.expect(50_000);
    assert_eq!(reads(&mut buffer, 50_000), [50_000]);
}

#[test]
fn the_next_answer_is_taken_to_be_as_long_until_it_is_not() {
    let mut buffer = Buffer::new();
    reads(&mut buffer, 50_000);
    buffer.rest();
    assert_eq!(reads(&mut buffer, 50_000), [50_000]);
    for _ in 0..4 {
        buffer.rest();
        reads(&mut buffer, 100);
    }
    buffer.rest();
    assert_eq!(buffer.size, FIRST);
    assert!(buffer.capacity() <= 2 * FIRST);
}

#[test]
fn no_memory_is_taken_for_what_is_only_promised() {
    let mut buffer = Buffer::new();
    buffer.expect(u64::MAX);
    reads(&mut buffer, 100);
    assert!(buffer.capacity() <= 2 * LARGEST);
}

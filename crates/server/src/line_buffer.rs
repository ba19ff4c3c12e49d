use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many bytes may wait to be written: some ten thousand lines.
const ROOM: usize = 4 << 20;

/// How long a server that stops waits for what has not been written yet.
const FAREWELL: Duration = Duration::from_secs(2);

/// Lines on their way from those who have something else to do, such as to serve
/// requests, to the one who writes them, and may have to wait for a disk or a reader.
///
/// Who adds a line takes the lock to copy it, and waits for nobody but others who do;
/// who writes takes it to exchange buffers.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    state: Mutex<State>,
    /// There is something to do for the writer.
    news: Condvar,
    /// The writer has come to an end.
    over: Condvar,
}

/// How much has been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) written: u64,
    /// Left out, for want of room or since they could not be written.
    pub(crate) dropped: u64,
}

#[derive(Debug, Default)]
struct State {
    text: Vec<u8>,
    lines: u64,
    reopen: bool,
    closing: bool,
    closed: bool,
    count: Lines,
}

/// What the writer is to do next.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Before anything else.
    pub(crate) reopen: bool,
    /// Whole lines.
    pub(crate) text: Vec<u8>,
    /// How many.
    pub(crate) lines: u64,
    /// There will be no more.
    pub(crate) last: bool,
}

impl LineBuffer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a line, with its end, if there is room.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.closing || line.len() > ROOM - state.text.len() {
            state.count.dropped += 1;
            return;
        }
        // Otherwise the writer has been woken, or will look before it sleeps.
        if state.text.is_empty() {
            self.news.notify_one();
        }
        state.text.extend_from_slice(line);
        state.lines += 1;
    }

    pub(crate) fn reopen(&self) {
        self.state().reopen = true;
        self.news.notify_one();
    }

    /// Takes no more lines, and waits a moment until those that are there have been
    /// written.
    pub(crate) fn close(&self) {
        let deadline = Instant::now() + FAREWELL;
        let mut state = self.state();
        state.closing = true;
        self.news.notify_one();
        while !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.over.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn lines(&self) -> Lines {
        self.state().count
    }

    /// Waits for work, and takes it. `done` is an empty buffer to go on with.
    pub(crate) fn take(&self, done: Vec<u8>) -> Work {
        let mut state = self.state();
        while state.text.is_empty() && !state.reopen && !state.closing {
            let woken = self.news.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        Work {
            reopen: mem::take(&mut state.reopen),
            text: mem::replace(&mut state.text, done),
            lines: mem::take(&mut state.lines),
            last: state.closing,
        }
    }

    /// So many lines were written, and so many could not be.
    pub(crate) fn settle(&self, written: u64, lost: u64) {
        let count = &mut self.state().count;
        count.written += written;
        count.dropped += lost;
    }

    pub(crate) fn end(&self) {
        self.state().closed = true;
        self.over.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each line is whole between any two statements, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_left_out_and_counted() {
        let buffer = LineBuffer::new();
        let line = vec![b'x'; 1 << 20];
        for _ in 0..6 {
            buffer.push(&line);
        }
        assert_eq!(buffer.lines().dropped, 2);
        let work = buffer.take(Vec::new());
        assert_eq!((work.text.len(), work.lines), (4 << 20, 4));
        // Now there is room again.
        buffer.push(&line);
        assert_eq!(buffer.take(Vec::new()).lines, 1);
        buffer.settle(4, 1);
        let expected = Lines {
            written: 4,
            dropped: 3,
        };
        assert_eq!(buffer.lines(), expected);
    }

    #[test]
    fn a_writer_that_is_stuck_does_not_hold_up_the_end() {
        let buffer = LineBuffer::new();
        buffer.push(b"line\n");
        // Takes its two seconds: nobody writes.
        buffer.close();
        assert!(buffer.take(Vec::new()).last);
        buffer.push(b"too late\n");
        assert_eq!(buffer.lines().dropped, 1);
    }
}

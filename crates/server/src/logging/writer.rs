use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::Arc,
    thread,
};

use tracing::warn;

use crate::line_buffer::{LineBuffer, Work};

/// A log and its thread. Dropped, it is written out, as far as that can be done in a
/// moment, and closed.
#[derive(Debug)]
#[must_use = "nothing is logged when this is dropped"]
pub(crate) struct Log {
    buffer: Arc<LineBuffer>,
}

/// Takes an entry of the log, of one line or several, in one piece.
pub(super) struct Entry(Arc<LineBuffer>);

impl Log {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    ///
    /// If there is no room for a thread or an open file.
    pub(super) fn open(output: impl AsFd) -> io::Result<Self> {
        // A way of its own. Standard error has a lock, at which a panic would wait for
        // this thread, and this one waits for whoever reads.
        let output = File::from(output.as_fd().try_clone_to_owned()?);
        let buffer = Arc::new(LineBuffer::new());
        let shared = Arc::clone(&buffer);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(output, &shared))?;
        Ok(Self { buffer })
    }

    /// Gives those who log something to write to.
    pub(super) fn entries(&self) -> impl Fn() -> Entry + Send + Sync + use<> {
        let buffer = Arc::clone(&self.buffer);
        move || Entry(Arc::clone(&buffer))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

impl Write for Entry {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        self.0.push(entry);
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until `buffer` is closed.
fn write(mut output: impl Write, buffer: &LineBuffer) {
    let mut done = Vec::new();
    let mut told = 0;
    loop {
        let Work { text, last, .. } = buffer.take(done);
        // A terminal that is gone, say: there is nobody to be told.
        let _ = output.write_all(&text);
        if last {
            break;
        }
        let dropped = buffer.lines().dropped;
        if dropped > told {
            let entries = dropped - told;
            told = dropped;
            warn!(
                entries,
                "the log has lost entries: whoever reads it is too slow"
            );
        }
        done = text;
        done.clear();
    }
    buffer.end();
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn who_logs_waits_for_nobody_and_what_was_logged_is_written() {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = Log::open(&writer).unwrap();
        drop(writer);
        let entry = [&[b'x'; 1023][..], b"\n"].concat();
        let entries = log.entries();
        // More than a pipe holds, and nobody reads yet.
        for _ in 0..1000 {
            entries().write_all(&entry).unwrap();
        }
        let reader = thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read)
        });
        drop(log);
        assert_eq!(reader.join().unwrap().unwrap(), entry.repeat(1000));
    }
}

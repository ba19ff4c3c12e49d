use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line, in bytes; the rest of a longer one is dropped.
const MAX_LINE: usize = 8 * 1024;

/// How many lines are kept for a start report, and how many bytes of them.
const MAX_LINES: usize = 50;
const MAX_BYTES: usize = 16 * 1024;

/// Which of the two outputs a line came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

impl Channel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// The last lines of a process's output, both channels together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    fn push(&self, line: &str) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.bytes += line.len();
        tail.lines.push_back(line.to_owned());
        while tail.lines.len() > MAX_LINES || tail.bytes > MAX_BYTES {
            let Some(oldest) = tail.lines.pop_front() else {
                break;
            };
            tail.bytes -= oldest.len();
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.lines.iter().cloned().collect()
    }
}

/// Puts bytes together to lines of a bounded length.
#[derive(Debug, Default)]
struct LineBuffer {
    line: Vec<u8>,
    cut: bool,
}

impl LineBuffer {
    fn feed(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            self.flush(&mut emit);
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.cut |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn flush(&mut self, emit: &mut impl FnMut(&str)) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let line = String::from_utf8_lossy(line);
        if self.cut {
            emit(&format!("{line}…"));
        } else {
            emit(&line);
        }
        self.line.clear();
        self.cut = false;
    }
}

/// Reads what a process writes until the last writer closes the pipe. The
/// process is never held up: what nobody logs is still read.
pub(crate) async fn read(mut pipe: impl AsyncRead + Unpin, pid: u32, channel: Channel, tail: Tail) {
    let mut emit = |line: &str| {
        tracing::info!(target: "app", pid, stream = channel.as_str(), "{line}");
        tail.push(line);
    };
    let mut lines = LineBuffer::default();
    let mut buffer = vec![0; MAX_LINE];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        lines.feed(&buffer[..count], &mut emit);
        // To log some hundred lines takes a millisecond. Who floods the log is read as
        // fast as ever, but what else this thread has to do gets its turn in between.
        tokio::task::yield_now().await;
    }
    if !lines.line.is_empty() {
        lines.flush(&mut emit);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        pin::Pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Poll},
    };

    use tokio::{io::ReadBuf, task};

    use super::*;

    /// Empty lines without a pause, and how many were read.
    struct Flood(Arc<AtomicUsize>);

    impl AsyncRead for Flood {
        fn poll_read(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            // It ends, so that whoever never lets go fails, and does not hang.
            if self.0.load(Ordering::Relaxed) < 100 * MAX_LINE {
                let count = buf.initialize_unfilled().len();
                buf.initialize_unfilled().fill(b'\n');
                buf.advance(count);
                self.0.fetch_add(count, Ordering::Relaxed);
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_process_that_floods_the_log_keeps_nobody_waiting() {
        let flooded = Arc::new(AtomicUsize::new(0));
        let flood = Flood(Arc::clone(&flooded));
        let reader = tokio::spawn(read(flood, 1, Channel::Stdout, Tail::default()));
        for turn in 1..10 {
            task::yield_now().await;
            assert!(flooded.load(Ordering::Relaxed) <= turn * MAX_LINE);
        }
        reader.await.unwrap();
        assert_eq!(flooded.load(Ordering::Relaxed), 100 * MAX_LINE);
    }

    async fn read_all(bytes: &[u8]) -> Vec<String> {
        let tail = Tail::default();
        read(bytes, 1, Channel::Stdout, tail.clone()).await;
        tail.lines()
    }

    #[tokio::test]
    async fn output_becomes_lines() {
        let long = "x".repeat(MAX_LINE + 100);
        let cut = format!("{}…", "x".repeat(MAX_LINE));
        let cases: [(&str, &[u8], &[&str]); 5] = [
            ("lines", b"one\ntwo\n", &["one", "two"]),
            ("a last line without an end", b"one\ntwo", &["one", "two"]),
            (
                "carriage returns and empty lines",
                b"one\r\n\nthree\n",
                &["one", "", "three"],
            ),
            ("not UTF-8", b"caf\xe9\n", &["caf\u{fffd}"]),
            ("a line that never ends", long.as_bytes(), &[&cut]),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(read_all(bytes).await, expected, "{name}");
        }
    }

    #[tokio::test]
    async fn only_the_last_lines_are_kept() {
        let many: Vec<_> = (0..200).map(|n| format!("line {n}")).collect();
        let kept = read_all(many.join("\n").as_bytes()).await;
        assert_eq!(kept.len(), MAX_LINES);
        assert_eq!(kept.last().unwrap(), "line 199");

        let wide: String = (0..10).map(|_| "x".repeat(4000) + "\n").collect();
        let kept = read_all(wide.as_bytes()).await;
        assert_eq!(kept.len(), MAX_BYTES / 4000);
    }
}

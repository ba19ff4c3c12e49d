use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::watch,
};

use crate::wait;

/// What a process has printed so far, on both streams, as it came.
#[derive(Clone, Debug)]
pub struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    /// How many lines there are.
    count: watch::Sender<usize>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self {
            lines: Arc::default(),
            count: watch::Sender::new(0),
        }
    }

    /// Collects `stream` until it ends, in a task of its own: a process whose
    /// output nobody reads would stop at a full pipe.
    pub(crate) fn collect(&self, stream: impl AsyncRead + Send + Unpin + 'static) {
        let output = self.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
                output.push(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
                line.clear();
            }
        });
    }

    /// The rest of the first line that begins with `prefix`, once it is there.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub async fn line_after(&self, prefix: &str) -> String {
        let mut count = self.count.subscribe();
        wait::bounded(&format!("a line `{prefix}…`"), async {
            loop {
                if let Some(rest) = self.find(prefix) {
                    return rest;
                }
                count.changed().await.expect("we hold the sender");
            }
        })
        .await
    }

    /// The rest of the first line that begins with `prefix`, if it is there.
    pub fn find(&self, prefix: &str) -> Option<String> {
        self.lines()
            .iter()
            .find_map(|line| line.strip_prefix(prefix).map(ToOwned::to_owned))
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, line: String) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
        self.count.send_modify(|count| *count += 1);
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            writeln!(f, "  | {line}")?;
        }
        Ok(())
    }
}

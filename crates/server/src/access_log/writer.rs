use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    mem,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tracing::{info, warn};

use super::Destination;
use crate::line_buffer::{LineBuffer, Work};

/// How often it is said that lines are lost.
const COMPLAINT: Duration = Duration::from_secs(10);

/// Who writes the lines, and waits for the disk.
#[derive(Debug)]
pub(super) struct Writer {
    output: Output,
    /// The last write broke off within a line.
    torn: bool,
    /// Lines lost that nobody has been told of, and when somebody last was.
    untold: u64,
    told: Option<Instant>,
}

#[derive(Debug)]
enum Output {
    Stdout,
    File(File, PathBuf),
}

impl Writer {
    pub(super) fn open(destination: &Destination) -> io::Result<Self> {
        let output = match destination {
            Destination::Stdout => Output::Stdout,
            Destination::File(path) => Output::File(open(path)?, path.clone()),
        };
        Ok(Self {
            output,
            torn: false,
            untold: 0,
            told: None,
        })
    }

    /// Writes until `buffer` is closed.
    pub(super) fn run(mut self, buffer: &LineBuffer) {
        let mut done = Vec::new();
        let mut dropped = 0;
        loop {
            let Work {
                reopen,
                text,
                lines,
                last,
            } = buffer.take(done);
            if reopen {
                self.reopen();
            }
            match self.write(&text) {
                Ok(()) => buffer.settle(lines, 0),
                Err((error, left)) => {
                    buffer.settle(lines.saturating_sub(left), left);
                    self.complain(&error);
                }
            }
            let now = buffer.lines().dropped;
            self.untold += now - mem::replace(&mut dropped, now);
            self.tell(last);
            if last {
                break;
            }
            done = text;
            done.clear();
        }
        buffer.end();
    }

    /// The file may have been moved away. If there can be no new one, the old one
    /// is better than none.
    fn reopen(&mut self) {
        let Output::File(file, path) = &mut self.output else {
            return;
        };
        match open(path) {
            Ok(new) => {
                *file = new;
                self.torn = false;
                info!(path = %path.display(), "the access log is open anew");
            }
            Err(error) => {
                warn!(path = %path.display(), %error, "cannot open the access log anew");
            }
        }
    }

    /// On an error, how many lines have not been written to their end, too.
    fn write(&mut self, text: &[u8]) -> Result<(), (io::Error, u64)> {
        if text.is_empty() {
            return Ok(());
        }
        if self.torn {
            // What is left of a line is not to become part of the next one.
            self.output
                .write_all(b"\n")
                .map_err(|(error, _)| (error, count(text)))?;
            self.torn = false;
        }
        self.output.write_all(text).map_err(|(error, written)| {
            self.torn = written > 0 && text[written - 1] != b'\n';
            (error, count(&text[written..]))
        })
    }

    fn complain(&self, error: &io::Error) {
        if self.may_speak() {
            warn!(%error, "cannot write the access log");
        }
    }

    fn tell(&mut self, last: bool) {
        if self.untold > 0 && (last || self.may_speak()) {
            let lines = mem::take(&mut self.untold);
            warn!(
                lines,
                "the access log has lost lines: its disk is full, or too slow"
            );
            self.told = Some(Instant::now());
        }
    }

    fn may_speak(&self) -> bool {
        self.told.is_none_or(|told| told.elapsed() >= COMPLAINT)
    }
}

fn count(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').skip(1).count() as u64
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Whom requests are from is not everybody's business.
    options.append(true).create(true).mode(0o640).open(path)
}

impl Output {
    /// On an error, how many bytes were written before, too.
    fn write_all(&mut self, text: &[u8]) -> Result<(), (io::Error, usize)> {
        let mut written = 0;
        while written < text.len() {
            let wrote = match self {
                Self::Stdout => write_out(&text[written..]),
                Self::File(file, _) => file.write(&text[written..]),
            };
            match wrote {
                Ok(0) => return Err((io::ErrorKind::WriteZero.into(), written)),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((error, written)),
            }
        }
        Ok(())
    }
}

fn write_out(text: &[u8]) -> io::Result<usize> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write(text)?;
    stdout.flush()?;
    Ok(written)
}

use std::ops::Range;

use http::{HeaderName, HeaderValue};
use memchr::memchr;

/// How many lines are remembered, and how long one of them may be, in bytes.
const MOST: usize = 32;
const LONGEST: usize = 256;

/// The lines of the heads that have come on a connection, and what they say.
///
/// A server repeats itself: most fields of an answer are, byte for byte, what they were in
/// the one before it, in the same order, and of the others the names are. To compare costs
/// a fraction of what it does to read, to check and to take memory for them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    known: Vec<Line>,
    /// Which of them is expected to come next.
    next: usize,
}

#[derive(Debug)]
struct Line {
    /// With its end.
    written: Vec<u8>,
    name: HeaderName,
    /// Where it begins.
    value_at: usize,
    /// Read once the line has come twice. Most of those that have not do not come again.
    value: Option<HeaderValue>,
}

/// A field, as a line says it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: HeaderName,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Known(HeaderValue),
    /// So many bytes from the beginning, and still to be looked at: of what may be in a
    /// value, nothing but its end was.
    At(Range<usize>),
}

impl Lines {
    /// The lines of another head are to be read.
    pub(super) const fn begin(&mut self) {
        self.next = 0;
    }

    /// Reads the line that `bytes` begin with, and says how long it is. `None` if it is not
    /// a [plain](super::plain::plain) one, or not here as a whole.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<(Field, usize)> {
        match self.known.get_mut(self.next) {
            Some(line) if bytes.starts_with(&line.written) => {
                self.next += 1;
                line.again()
            }
            _ => self.look_at(bytes),
        }
    }

    fn look_at(&mut self, bytes: &[u8]) -> Option<(Field, usize)> {
        let colon = memchr(b':', bytes)?;
        let has_space = bytes.get(colon + 1) == Some(&b' ');
        let begin = colon + 1 + usize::from(has_space);
        let end = begin + memchr(b'\n', &bytes[begin..])?;
        let value = bytes[begin..end].strip_suffix(b"\r")?;
        if let [b' ' | b'\t', ..] | [.., b' ' | b'\t'] = value {
            return None;
        }
        let at = begin..begin + value.len();
        let written = &bytes[..=end];
        // Only those that are still to come: a field may have several lines.
        let mut rest = self.known[self.next..].iter();
        let named = written[..=colon].as_ref();
        let name = if let Some(beside) = rest.position(|line| line.written.starts_with(named)) {
            let line = &mut self.known[self.next + beside];
            self.next += beside + 1;
            if line.written == written {
                return line.again();
            }
            line.becomes(written, begin);
            line.name.clone()
        } else {
            let name = HeaderName::from_bytes(&written[..colon]).ok()?;
            self.remember(written, &name, begin);
            name
        };
        let value = Value::At(at);
        Some((Field { name, value }, written.len()))
    }

    fn remember(&mut self, written: &[u8], name: &HeaderName, value_at: usize) {
        if self.known.len() < MOST && written.len() <= LONGEST {
            let line = Line {
                written: written.into(),
                name: name.clone(),
                value_at,
                value: None,
            };
            // Where it has come: the others still do so behind it.
            self.known.insert(self.next, line);
            self.next += 1;
        }
    }
}

impl Line {
    /// It has come again.
    fn again(&mut self) -> Option<(Field, usize)> {
        let len = self.written.len();
        let value = if let Some(value) = &self.value {
            value.clone()
        } else {
            // With memory of its own, and not that of all which was read together with it.
            let value = &self.written[self.value_at..len - b"\r\n".len()];
            let value = HeaderValue::from_bytes(value).ok()?;
            self.value.insert(value).clone()
        };
        let (name, value) = (self.name.clone(), Value::Known(value));
        Some((Field { name, value }, len))
    }

    /// The same name has come with another value.
    fn becomes(&mut self, written: &[u8], value_at: usize) {
        if written.len() <= LONGEST {
            self.written.clear();
            self.written.extend_from_slice(written);
            self.value_at = value_at;
            self.value = None;
        }
    }
}

#[cfg(test)]
mod tests;

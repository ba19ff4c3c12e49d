use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr;

use crate::{MAX_FIELDS, MAX_HEAD, Malformed};

/// How many lines are remembered, and how long one of them may be, in bytes.
const MOST: usize = 32;
const LONGEST: usize = 256;

/// The lines of the heads that have come on a connection, and what they say.
///
/// Clients and servers repeat themselves: most fields of a head are, byte for byte, what
/// they were in the one before it, in the same order, and of the others the names are. To
/// compare costs a fraction of what it does to read, to check and to take memory for them.
///
/// Only [plain](Self::read_all) heads are read here: of them, nobody can think differently.
#[derive(Debug, Default)]
pub(crate) struct Lines {
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
pub(crate) struct Field {
    pub(crate) name: HeaderName,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Known(HeaderValue),
    /// So many bytes from the beginning, and still to be looked at: of what may be in a
    /// value, nothing but its end was.
    At(Range<usize>),
}

impl Lines {
    /// Reads the fields of a head that go from `begin` to an empty line, in each of which a
    /// colon follows the name, then no white space or one space, the value and CRLF. Gives
    /// the length of the head, and adds its fields to `found`, which is empty.
    ///
    /// `None` if they may be of another kind, be malformed, or not be here as a whole: then
    /// `httparse` is asked, whose opinion counts. Nearly all heads are plain, and of these
    /// all that there is to find are the ends of names and of lines, since `http` looks at
    /// what is in a name or in a value in any case.
    pub(crate) fn read_all(
        &mut self,
        bytes: &[u8],
        begin: usize,
        found: &mut Vec<Field>,
    ) -> Option<usize> {
        self.next = 0;
        let mut rest = &bytes[begin..];
        loop {
            let at = bytes.len() - rest.len();
            if rest.starts_with(b"\r\n") {
                let len = at + b"\r\n".len();
                return (len <= MAX_HEAD).then_some(len);
            }
            if found.len() == MAX_FIELDS {
                return None;
            }
            let (mut field, len) = self.read(rest)?;
            if let Value::At(range) = &mut field.value {
                *range = at + range.start..at + range.end;
            }
            found.push(field);
            rest = &rest[len..];
        }
    }

    /// Reads the line that `bytes` begin with, and says how long it is.
    fn read(&mut self, bytes: &[u8]) -> Option<(Field, usize)> {
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

/// Puts the fields that were found in place of whatever is in `headers`, after each of
/// them has been noted. `slice` gives a part of their head.
pub(crate) fn put(
    found: &mut Vec<Field>,
    headers: &mut HeaderMap,
    mut slice: impl FnMut(Range<usize>) -> Bytes,
    mut note: impl FnMut(&HeaderName, &HeaderValue),
) -> Result<(), Malformed> {
    headers.clear();
    headers.reserve(found.len());
    for Field { name, value } in found.drain(..) {
        let value = match value {
            Value::Known(value) => value,
            Value::At(range) => HeaderValue::from_maybe_shared(slice(range))
                .map_err(|_| Malformed::Head(httparse::Error::HeaderValue))?,
        };
        note(&name, &value);
        headers.append(name, value);
    }
    Ok(())
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
impl Field {
    /// With its value, which may be a part of `head`. `Err` if it is none.
    pub(crate) fn resolve(self, head: &[u8]) -> Result<(HeaderName, HeaderValue), ()> {
        let value = match self.value {
            Value::Known(value) => value,
            Value::At(range) => HeaderValue::from_bytes(&head[range]).map_err(|_| ())?,
        };
        Ok((self.name, value))
    }
}

#[cfg(test)]
mod tests;

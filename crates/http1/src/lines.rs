use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};
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
    /// The fields of the head that is read just now.
    found: Vec<Field>,
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

/// A field, as a line says it. Values are still to be looked at: of what may be in one,
/// nothing but its end was.
#[derive(Debug)]
enum Field {
    /// That of a line which is known, by its number.
    Known(usize),
    /// The name is that of a known line, and the value is so many bytes from the beginning.
    Changed(usize, Range<usize>),
    New(HeaderName, Range<usize>),
}

impl Lines {
    /// Reads the fields of a head that go from `begin` to an empty line, in each of which a
    /// colon follows the name, then no white space or one space, the value and CRLF. Gives
    /// the length of the head, whose fields are then to be [put](Self::put) somewhere.
    ///
    /// `None` if they may be of another kind, be malformed, or not be here as a whole: then
    /// `httparse` is asked, whose opinion counts. Nearly all heads are plain, and of these
    /// all that there is to find are the ends of names and of lines, since `http` looks at
    /// what is in a name or in a value in any case.
    pub(crate) fn read_all(&mut self, bytes: &[u8], begin: usize) -> Option<usize> {
        self.next = 0;
        self.found.clear();
        let mut at = begin;
        while !bytes[at..].starts_with(b"\r\n") {
            if self.found.len() == MAX_FIELDS {
                return None;
            }
            at += match self.known.get(self.next) {
                Some(line) if bytes[at..].starts_with(&line.written) => {
                    self.found.push(Field::Known(self.next));
                    self.next += 1;
                    line.written.len()
                }
                _ => self.look_at(bytes, at)?,
            };
        }
        let len = at + b"\r\n".len();
        (len <= MAX_HEAD).then_some(len)
    }

    /// Puts the fields that were found in place of whatever is in `headers`, after each of
    /// them has been noted. `slice` gives a part of their head.
    pub(crate) fn put(
        &mut self,
        headers: &mut HeaderMap,
        mut slice: impl FnMut(Range<usize>) -> Bytes,
        mut note: impl FnMut(&HeaderName, &HeaderValue),
    ) -> Result<(), Malformed> {
        // That of an empty one is not free.
        if !headers.is_empty() {
            headers.clear();
        }
        headers.reserve(self.found.len());
        let is_none = |_| Malformed::Head(httparse::Error::HeaderValue);
        let mut cut = |value: &Range<usize>| {
            HeaderValue::from_maybe_shared(slice(value.clone())).map_err(is_none)
        };
        for field in &self.found {
            let (name, value) = match field {
                Field::Known(line) => {
                    let line = &mut self.known[*line];
                    let value = line.value().map_err(is_none)?.clone();
                    (line.name.clone(), value)
                }
                Field::Changed(line, value) => (self.known[*line].name.clone(), cut(value)?),
                Field::New(name, value) => (name.clone(), cut(value)?),
            };
            note(&name, &value);
            headers.append(name, value);
        }
        Ok(())
    }

    /// Reads the line that begins at `at`, and says how long it is.
    fn look_at(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let colon = at + memchr(b':', &bytes[at..])?;
        let has_space = bytes.get(colon + 1) == Some(&b' ');
        let begin = colon + 1 + usize::from(has_space);
        let end = begin + memchr(b'\n', &bytes[begin..])?;
        let value = bytes[begin..end].strip_suffix(b"\r")?;
        if let [b' ' | b'\t', ..] | [.., b' ' | b'\t'] = value {
            return None;
        }
        let value = begin..begin + value.len();
        let written = &bytes[at..=end];
        // Only those that are still to come: a field may have several lines.
        let mut rest = self.known[self.next..].iter();
        let named = bytes[at..=colon].as_ref();
        let field = if let Some(beside) = rest.position(|line| line.written.starts_with(named)) {
            let number = self.next + beside;
            self.next = number + 1;
            let line = &mut self.known[number];
            if line.written == written {
                Field::Known(number)
            } else {
                line.becomes(written, begin - at);
                Field::Changed(number, value)
            }
        } else {
            let name = HeaderName::from_bytes(&bytes[at..colon]).ok()?;
            self.remember(written, &name, begin - at);
            Field::New(name, value)
        };
        self.found.push(field);
        Some(written.len())
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
    /// With memory of its own, and not that of all which was read together with it.
    fn value(&mut self) -> Result<&HeaderValue, InvalidHeaderValue> {
        match &mut self.value {
            Some(value) => Ok(value),
            none => {
                let end = self.written.len() - b"\r\n".len();
                let value = HeaderValue::from_bytes(&self.written[self.value_at..end])?;
                Ok(none.insert(value))
            }
        }
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
impl Lines {
    /// The fields that were found in `head`. `Err` if a value is none.
    pub(crate) fn fields(&mut self, head: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, ()> {
        let mut fields = Vec::new();
        let slice = |range: Range<usize>| Bytes::copy_from_slice(&head[range]);
        let note = |name: &HeaderName, value: &HeaderValue| {
            fields.push((name.clone(), value.clone()));
        };
        let put = self.put(&mut HeaderMap::new(), slice, note);
        put.map(|()| fields).map_err(drop)
    }
}

#[cfg(test)]
mod tests;

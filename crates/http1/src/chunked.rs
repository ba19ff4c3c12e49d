use std::mem;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;

use super::{MAX_FIELDS, MAX_HEAD, Malformed};

/// How many bytes of chunk extensions a whole body may have, which say nothing to us.
const MAX_EXTENSIONS: usize = 16 * 1024;

/// Decodes a body in the chunked transfer coding (RFC 9112 §7.1), fed with whatever has
/// come.
///
/// ```text
/// chunked-body = *chunk last-chunk trailer-section CRLF
/// chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// last-chunk   = 1*("0") [ chunk-ext ] CRLF
/// ```
#[derive(Debug)]
pub(crate) struct Chunked {
    state: State,
    /// What is left of [`MAX_EXTENSIONS`].
    extensions: usize,
}

#[derive(Debug)]
enum State {
    Size,
    /// So many bytes of the chunk are still to come.
    Data(u64),
    DataEnd,
    /// So many bytes have been looked through for the end of the section.
    Trailers(usize),
    /// Trailer fields that are still to be given out.
    Last(HeaderMap),
    Over,
    /// There is no way to go on.
    Broken(Malformed),
}

impl Chunked {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Size,
            extensions: MAX_EXTENSIONS,
        }
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The next frame in `bytes`, `None` if more has to come first or
    /// [nothing does](Self::is_over).
    ///
    /// What frames the data is read on behind a piece of it, too: who has all data is
    /// to know that at once.
    pub(crate) fn decode(
        &mut self,
        bytes: &mut BytesMut,
    ) -> Result<Option<Frame<Bytes>>, Malformed> {
        self.read_on(bytes)?;
        if let State::Last(_) = self.state
            && let State::Last(fields) = mem::replace(&mut self.state, State::Over)
        {
            return Ok(Some(Frame::trailers(fields)));
        }
        let State::Data(left) = &mut self.state else {
            return Ok(None);
        };
        let Some(piece) = take(bytes, left) else {
            return Ok(None);
        };
        // What is wrong behind it is said when more is asked for.
        let _ = self.read_on(bytes);
        Ok(Some(Frame::data(piece)))
    }

    /// Reads up to the next data. What cannot be read yet stays in `bytes`.
    fn read_on(&mut self, bytes: &mut BytesMut) -> Result<(), Malformed> {
        self.try_read_on(bytes)
            .inspect_err(|error| self.state = State::Broken(*error))
    }

    fn try_read_on(&mut self, bytes: &mut BytesMut) -> Result<(), Malformed> {
        loop {
            let next = match &self.state {
                State::Broken(error) => return Err(*error),
                State::Data(0) => State::DataEnd,
                State::DataEnd => match bytes.get(..2) {
                    Some(b"\r\n") => {
                        bytes.advance(2);
                        State::Size
                    }
                    None if bytes.first().is_none_or(|byte| *byte == b'\r') => return Ok(()),
                    _ => return Err(Malformed::ChunkEnd),
                },
                State::Size => match self.read_size(bytes)? {
                    Some(0) => State::Trailers(0),
                    Some(size) => State::Data(size),
                    None => return Ok(()),
                },
                State::Trailers(searched) => match read_trailers(bytes, *searched)? {
                    Some(fields) if fields.is_empty() => State::Over,
                    Some(fields) => State::Last(fields),
                    None => {
                        self.state = State::Trailers(bytes.len());
                        return Ok(());
                    }
                },
                State::Data(_) | State::Last(_) | State::Over => return Ok(()),
            };
            self.state = next;
        }
    }

    /// Reads a whole line with the size of a chunk, `1*HEXDIG`.
    fn read_size(&mut self, bytes: &mut BytesMut) -> Result<Option<u64>, Malformed> {
        let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = digits.count();
        let size = hexadecimal(&bytes[..digits])?;
        let rest = &bytes[digits..];
        match rest {
            [] => return Ok(None),
            _ if digits == 0 => return Err(Malformed::ChunkSize),
            [b'\r', b'\n', ..] => {
                bytes.advance(digits + 2);
                return Ok(Some(size));
            }
            [b'\r'] => return Ok(None),
            _ => {}
        }
        // §7.1.1: "A recipient MUST ignore unrecognized chunk extensions." White space in
        // front of them is bad manners, anything else is something else.
        let is_extension = match rest.iter().find(|byte| !matches!(byte, b' ' | b'\t')) {
            None | Some(b';') => true,
            Some(b'\r') => matches!(rest[0], b' ' | b'\t'),
            Some(_) => false,
        };
        if !is_extension {
            return Err(Malformed::ChunkSize);
        }
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if rest.len() > self.extensions {
                Err(Malformed::ChunkExtensions)
            } else {
                Ok(None)
            };
        };
        // A carriage return of its own would be the end of the line to others.
        let extension = rest[..end].strip_suffix(b"\r");
        let extension = extension.filter(|extension| !extension.contains(&b'\r'));
        let len = extension.ok_or(Malformed::ChunkSize)?.len();
        let left = self.extensions.checked_sub(len);
        self.extensions = left.ok_or(Malformed::ChunkExtensions)?;
        bytes.advance(digits + end + 1);
        Ok(Some(size))
    }
}

/// As much of `left` as has come.
pub(crate) fn take(bytes: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    if bytes.is_empty() {
        return None;
    }
    let len = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= len as u64;
    Some(bytes.split_to(len).freeze())
}

/// RFC 9112 §7.1: "recipients MUST anticipate potentially large hexadecimal numerals and
/// prevent parsing errors due to integer conversion overflows". So many zeros in front
/// that it takes more than 16 digits are nobody's way to write a number.
fn hexadecimal(digits: &[u8]) -> Result<u64, Malformed> {
    if digits.len() > 16 {
        return Err(Malformed::ChunkSize);
    }
    digits.iter().try_fold(0, |number, digit| {
        let digit = char::from(*digit).to_digit(16);
        Ok(number << 4 | u64::from(digit.ok_or(Malformed::ChunkSize)?))
    })
}

/// The trailer section with the empty line at its end, once it is there as a whole.
fn read_trailers(bytes: &mut BytesMut, searched: usize) -> Result<Option<HeaderMap>, Malformed> {
    match bytes.get(..2) {
        Some(b"\r\n") => {
            bytes.advance(2);
            return Ok(Some(HeaderMap::new()));
        }
        None => return Ok(None),
        Some(_) => {}
    }
    // The end may have begun in what was searched before.
    let begin = searched.saturating_sub(3);
    let end = bytes[begin..].windows(4).position(|end| end == b"\r\n\r\n");
    let Some(end) = end
        .map(|end| begin + end + 4)
        .filter(|end| *end <= MAX_HEAD)
    else {
        return if bytes.len() > MAX_HEAD {
            Err(Malformed::Trailers)
        } else {
            Ok(None)
        };
    };
    let section = bytes.split_to(end).freeze();
    // Some take a line feed for the end of a line, and some do not.
    let mut lines = section[..].split(|byte| *byte == b'\n');
    lines.next_back();
    if !lines.all(|line| line.ends_with(b"\r")) {
        return Err(Malformed::Trailers);
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    match httparse::parse_headers(&section, &mut fields) {
        Ok(httparse::Status::Complete((len, fields))) if len == end => {
            let mut trailers = HeaderMap::with_capacity(fields.len());
            for field in fields {
                let name = HeaderName::from_bytes(field.name.as_bytes());
                let value = HeaderValue::from_bytes(field.value);
                let (Ok(name), Ok(value)) = (name, value) else {
                    return Err(Malformed::Trailers);
                };
                trailers.append(name, value);
            }
            Ok(Some(trailers))
        }
        _ => Err(Malformed::Trailers),
    }
}

#[cfg(test)]
mod tests;

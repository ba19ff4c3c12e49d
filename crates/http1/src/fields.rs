//! Fields as they come, of a head and of a trailer section.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header::CONTENT_LENGTH};

use crate::{MAX_FIELDS, MAX_HEAD, Malformed, encoder::Mismatch};

pub(crate) type Parsed = httparse::Result<usize>;

/// How long a head is, once it is there as a whole.
pub(crate) fn complete(parsed: Parsed) -> Result<Option<usize>, Malformed> {
    match parsed {
        Ok(httparse::Status::Complete(len)) if len <= MAX_HEAD => Ok(Some(len)),
        Ok(httparse::Status::Complete(_)) => Err(Malformed::HeadTooLarge),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Malformed::TooManyFields),
        Err(error) => Err(Malformed::Head(error)),
    }
}

/// Where a field is in its head: offsets from the beginning of that, which is about to
/// become the memory of the values. No field ends at [`MAX_HEAD`], so they fit.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    name: (u16, u16),
    value: (u16, u16),
}

impl Place {
    /// Those of `fields` in `head`, of which there are no more than `places`.
    pub(crate) fn all<'a>(
        places: &'a mut [Self; MAX_FIELDS],
        fields: &[httparse::Header<'_>],
        head: &[u8],
    ) -> &'a [Self] {
        for (place, field) in places.iter_mut().zip(fields) {
            *place = Self::of(field, head);
        }
        &places[..fields.len()]
    }

    fn of(field: &httparse::Header<'_>, head: &[u8]) -> Self {
        let range = |part: &[u8]| {
            let Range { start, end } = range(part, head);
            let offset = |at| u16::try_from(at).unwrap_or(u16::MAX);
            (offset(start), offset(end))
        };
        Self {
            name: range(field.name.as_bytes()),
            value: range(field.value),
        }
    }
}

/// Where `part` is in `head`, of which it is a part.
pub(crate) fn range(part: &[u8], head: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - head.as_ptr().addr();
    start..start + part.len()
}

/// Puts the fields of `head` in place of whatever is in `headers`, after each of them
/// has been noted.
pub(crate) fn read(
    head: &Bytes,
    places: &[Place],
    headers: &mut HeaderMap,
    mut note: impl FnMut(&HeaderName, &HeaderValue),
) -> Result<(), Malformed> {
    let range = |(begin, end): (u16, u16)| begin.into()..end.into();
    headers.clear();
    headers.reserve(places.len());
    for place in places {
        let name = HeaderName::from_bytes(&head[range(place.name)])
            .map_err(|_| Malformed::Head(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_maybe_shared(head.slice(range(place.value)))
            .map_err(|_| Malformed::Head(httparse::Error::HeaderValue))?;
        note(&name, &value);
        headers.append(name, value);
    }
    Ok(())
}

/// Whether there is an empty line.
pub(crate) fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|end| end == b"\n\n") || bytes.windows(3).any(|end| end == b"\n\r\n")
}

/// The elements of a list (RFC 9110 §5.6.1), without the empty ones.
pub(crate) fn elements(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let elements = value.as_bytes().split(|byte| *byte == b',');
    let elements = elements.map(<[u8]>::trim_ascii);
    elements.filter(|element| !element.is_empty())
}

/// What `Connection` says about what becomes of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
}

impl Options {
    /// Takes notice of a line of it.
    pub(crate) fn note(&mut self, value: &HeaderValue) {
        for option in elements(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether another message may follow one in this version (RFC 9112 §9.3).
    pub(crate) fn persists(self, version: Version) -> bool {
        !self.close && (version == Version::HTTP_11 || self.keep_alive)
    }
}

/// RFC 9110 §8.6: `Content-Length = 1*DIGIT`.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes a line of a head. That nothing in it can end the line is seen to by the types:
/// no [`HeaderValue`] has a control character.
pub(crate) fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// What `fields` say about the length of a body.
pub(crate) fn declared(fields: &HeaderMap) -> Result<Option<u64>, Mismatch> {
    let mut declared = None;
    // Once through the names is cheaper than to look for one.
    for (_, line) in fields.iter().filter(|(name, _)| **name == CONTENT_LENGTH) {
        let octets = decimal(line.as_bytes()).ok_or(Mismatch)?;
        if declared.is_some_and(|before| before != octets) {
            return Err(Mismatch);
        }
        declared = Some(octets);
    }
    Ok(declared)
}

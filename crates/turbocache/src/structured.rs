//! Structured fields (RFC 9651), as they stand in a header section.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

/// All lines of a field in one, to be parsed. `None` if there is none. RFC 9651
/// §4.2: a list or dictionary may be split over several, and is joined by commas.
pub(crate) fn field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let mut field = Cow::Borrowed(lines.next()?);
    for line in lines {
        let field = field.to_mut();
        field.extend_from_slice(b", ");
        field.extend_from_slice(line);
    }
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_are_one_field() {
        let name = HeaderName::from_static("x");
        let mut headers = HeaderMap::new();
        assert_eq!(field(&headers, &name), None);
        headers.append(&name, HeaderValue::from_static("a"));
        assert_eq!(field(&headers, &name).unwrap(), &b"a"[..]);
        headers.append(&name, HeaderValue::from_static("b"));
        assert_eq!(field(&headers, &name).unwrap(), &b"a, b"[..]);
    }
}

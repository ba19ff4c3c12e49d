use http::StatusCode;

use super::lines::{Field, Lines, Value};
use crate::{MAX_FIELDS, MAX_HEAD};

/// Reads a head of which nobody can think differently: in HTTP/1.1, with the usual reason,
/// each line ended by CRLF, and no white space but one space behind a colon. Gives its
/// status and its length, and adds its fields to `fields`, which is empty.
///
/// `None` if it may be one of another kind, be malformed, or not be here as a whole: then
/// `httparse` is asked, whose opinion counts. Nearly all heads are plain, and of these all
/// that there is to find are the ends of names and of lines, since `http` looks at what is
/// in a name or in a value in any case.
pub(super) fn plain(
    bytes: &[u8],
    lines: &mut Lines,
    fields: &mut Vec<Field>,
) -> Option<(StatusCode, usize)> {
    let (code, rest) = bytes.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let status = StatusCode::from_bytes(code).ok()?;
    let usual = status.canonical_reason()?.as_bytes();
    let rest = rest.strip_prefix(b" ")?.strip_prefix(usual)?;
    let mut rest = rest.strip_prefix(b"\r\n")?;
    lines.begin();
    loop {
        let at = bytes.len() - rest.len();
        if rest.starts_with(b"\r\n") {
            let len = at + b"\r\n".len();
            return (len <= MAX_HEAD).then_some((status, len));
        }
        if fields.len() == MAX_FIELDS {
            return None;
        }
        let (mut field, len) = lines.read(rest)?;
        if let Value::At(range) = &mut field.value {
            *range = at + range.start..at + range.end;
        }
        fields.push(field);
        rest = &rest[len..];
    }
}

#[cfg(test)]
mod tests;

use http::StatusCode;

use crate::lines::Lines;

/// Reads a head in HTTP/1.1, with the usual reason, whose fields are
/// [plain](Lines::read_all), too. Gives its status and its length.
pub(super) fn plain(bytes: &[u8], lines: &mut Lines) -> Option<(StatusCode, usize)> {
    let (code, rest) = bytes.strip_prefix(b"HTTP/1.1 ")?.split_at_checked(3)?;
    let status = StatusCode::from_bytes(code).ok()?;
    let usual = status.canonical_reason()?.as_bytes();
    let rest = rest.strip_prefix(b" ")?.strip_prefix(usual)?;
    let rest = rest.strip_prefix(b"\r\n")?;
    let len = lines.read_all(bytes, bytes.len() - rest.len())?;
    Some((status, len))
}

#[cfg(test)]
mod tests;

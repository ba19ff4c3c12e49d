use std::ops::Range;

use http::Method;

use crate::lines::Lines;

/// The methods that nearly all requests have, with what follows them.
const METHODS: [(&[u8], Method); 3] = [
    (b"GET ", Method::GET),
    (b"POST ", Method::POST),
    (b"HEAD ", Method::HEAD),
];

/// Of a request line that is plain.
pub(super) struct Plain {
    pub(super) method: Method,
    /// Where its target is in the head.
    pub(super) target: Range<usize>,
    /// The length of the head.
    pub(super) len: usize,
}

/// Reads a head in HTTP/1.1 with a usual method and a path in which nothing is odd, whose
/// fields are [plain](Lines::read_all), too.
pub(super) fn plain(bytes: &[u8], lines: &mut Lines) -> Option<Plain> {
    let known = METHODS.iter();
    let (written, method) = known
        .clone()
        .find(|(written, _)| bytes.starts_with(written))?;
    let rest = &bytes[written.len()..];
    let len = rest.iter().position(|byte| !IN_PATH[usize::from(*byte)])?;
    let (target, rest) = rest.split_at(len);
    let rest = rest.strip_prefix(b" HTTP/1.1\r\n")?;
    // Another form of a target, or none.
    if !target.starts_with(b"/") {
        return None;
    }
    Some(Plain {
        method: method.clone(),
        target: written.len()..written.len() + len,
        len: lines.read_all(bytes, bytes.len() - rest.len())?,
    })
}

/// What RFC 3986 §3.3 and §3.4 have in a path and a query, without what they have not and
/// browsers send all the same.
static IN_PATH: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'$'..=b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'_' | b'~'
            );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests;

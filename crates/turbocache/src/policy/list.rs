//! Comma-separated lists of directives: RFC 9110 §5.6, RFC 9111 §5.2.

/// The members of a comma-separated list (RFC 9110 §5.6.1), without the white
/// space around them; empty ones are skipped. A comma between quotes does not
/// separate. A quote that is never closed takes the rest of the line with it,
/// and the member that results is malformed.
pub(super) struct Members<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let end = end_of_member(self.0);
            let member = self.0[..end].trim_ascii();
            self.0 = self.0.get(end + 1..).unwrap_or_default();
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}

fn end_of_member(line: &[u8]) -> usize {
    let first = line.iter().position(|byte| matches!(byte, b',' | b'"'));
    match first {
        // As in most lines, nothing in it is quoted.
        None => return line.len(),
        Some(at) if line[at] == b',' => return at,
        Some(_) => {}
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    line.len()
}

/// One member of `Cache-Control`: a name, and what stands behind the `=`.
#[derive(Clone, Copy)]
pub(super) struct Directive<'a> {
    pub(super) name: &'a [u8],
    pub(super) argument: Option<Argument<'a>>,
}

impl<'a> Directive<'a> {
    pub(super) fn read(member: &'a [u8]) -> Self {
        match member.iter().position(|byte| *byte == b'=') {
            Some(at) => Self {
                name: &member[..at],
                argument: Some(Argument::read(&member[at + 1..])),
            },
            None => Self {
                name: member,
                argument: None,
            },
        }
    }

    /// RFC 9111 §5.2: "Cache directives are identified by a token, to be compared
    /// case-insensitively".
    pub(super) fn is(&self, name: &str) -> bool {
        // Nearly all are written in lower case, and compared at once.
        self.name == name.as_bytes() || self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    pub(super) fn is_malformed(&self) -> bool {
        !is_token(self.name) || matches!(self.argument, Some(Argument::Malformed))
    }

    /// Its argument, if it has one that can be read.
    pub(super) const fn text(&self) -> Option<&'a [u8]> {
        match self.argument {
            Some(Argument::Text(text)) => Some(text),
            Some(Argument::Malformed) | None => None,
        }
    }
}

/// What stands behind the `=`. RFC 9111 §5.2: "recipients ought to accept both
/// forms", token and quoted-string.
#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    /// The token, or what is between the quotes, escapes and all: no directive
    /// that is read here has a use for them.
    Text(&'a [u8]),
    Malformed,
}

impl<'a> Argument<'a> {
    fn read(raw: &'a [u8]) -> Self {
        if is_token(raw) {
            return Self::Text(raw);
        }
        match raw {
            [b'"', inner @ .., b'"'] if is_quoted(inner) => Self::Text(inner),
            _ => Self::Malformed,
        }
    }
}

/// Whether `inner` may stand between two quotes (RFC 9110 §5.6.4): no quote
/// that is not escaped, and no escape without something behind it.
fn is_quoted(inner: &[u8]) -> bool {
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return false,
            b'\\' if bytes.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        )
}

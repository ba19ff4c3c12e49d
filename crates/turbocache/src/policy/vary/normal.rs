//! The one form of a field's value that all values of the same meaning have.
//!
//! RFC 9111 §4.1 lets a cache add or remove white space "where allowed in the
//! header field's syntax", combine several lines, and normalise values "in a way
//! that is known to have identical semantics, according to the header field's
//! specification". Where the meaning is not known for sure, nothing is changed: a
//! miss is no harm, the wrong page is.

use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE},
};

/// What is known of a field's syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// Every byte may count, but for the white space around the value.
    Opaque,
    /// Lines, or parts of one between commas, are members of a list (RFC 9110
    /// §5.6.1). True of unknown fields, too, so far as they may be combined.
    List,
    /// The members are words without a case, and may have a weight (RFC 9110
    /// §12.5).
    Words,
}

impl Syntax {
    fn of(name: &HeaderName) -> Self {
        match *name {
            // What an application makes of these, nobody knows: they are for it
            // alone, and decide who is who.
            COOKIE | AUTHORIZATION => Self::Opaque,
            // The order stays. RFC 9110 §12.5.4 says of languages of one weight
            // that it "cannot be relied upon", but there are applications that
            // go by it.
            ACCEPT_ENCODING | ACCEPT_LANGUAGE | ACCEPT_CHARSET => Self::Words,
            _ => Self::List,
        }
    }

    fn is_separator(self, byte: u8) -> bool {
        match self {
            Self::Opaque => false,
            Self::List => byte == b',',
            Self::Words => matches!(byte, b',' | b';' | b'='),
        }
    }
}

/// Gives the normal form of the field `name` to `sink`, byte after byte, as long
/// as that says `true`. Whether it always did.
pub(super) fn normalise(
    request: &HeaderMap,
    name: &HeaderName,
    sink: &mut impl FnMut(u8) -> bool,
) -> bool {
    let syntax = Syntax::of(name);
    // RFC 9113 §8.2.3: a cookie that came in several lines is one, "delimited by
    // the two-octet […] string of "; "".
    let joint: &[u8] = if *name == COOKIE { b"; " } else { b"," };
    request
        .get_all(name)
        .iter()
        .enumerate()
        .all(|(line, value)| {
            (line == 0 || joint.iter().all(|byte| sink(*byte)))
                && normalise_line(value.as_bytes().trim_ascii(), syntax, sink)
        })
}

fn normalise_line(line: &[u8], syntax: Syntax, sink: &mut impl FnMut(u8) -> bool) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    // Where the white space before the current byte begins.
    let mut space = 0;
    let mut after_separator = true;
    for (at, byte) in line.iter().copied().enumerate() {
        if !quoted && is_space(byte) {
            continue;
        }
        let separates = !quoted && syntax.is_separator(byte);
        // White space stays unless it is beside a separator.
        if !separates && !after_separator && !line[space..at].iter().all(|space| sink(*space)) {
            return false;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            // In opaque values, a quote is a byte like any other, and so is the
            // white space behind it.
            b'"' if syntax == Syntax::List => quoted = !quoted,
            _ => {}
        }
        let byte = if syntax == Syntax::Words {
            byte.to_ascii_lowercase()
        } else {
            byte
        };
        if !sink(byte) {
            return false;
        }
        space = at + 1;
        after_separator = separates;
    }
    true
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

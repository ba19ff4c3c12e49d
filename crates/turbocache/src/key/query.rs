//! The parameters of a query, and which of them count.
//!
//! A query is a list of names and values, as forms write it
//! (`application/x-www-form-urlencoded`). What does not count is left out of the
//! key, so the danger is to leave something out that the application goes by:
//! then anyone could have his page stored for everyone. Applications do not agree
//! on what a parameter is. Therefore
//!
//! - one with a `;` in it always counts, because to some that begins another one;
//! - a name that is to count does so in all the ways in which an application may
//!   read it: in any case, with `.` or a space for `_`, and with an index behind
//!   it (`id[]`).

use std::borrow::Cow;

/// Which parameters of a query are part of the key, as configured.
#[derive(Clone, Debug, Default)]
pub(crate) enum QueryRules {
    /// All of them: the query as it was sent.
    #[default]
    All,
    /// All but those that are named.
    Ignore(Names),
    /// None but those that are named.
    Keep(Names),
}

impl QueryRules {
    /// `target` without what does not count. What does is left as it was sent,
    /// and a query of which nothing is left loses its `?`, too.
    pub(crate) fn apply<'a>(&self, target: &'a str) -> Cow<'a, str> {
        if matches!(self, Self::All) {
            return Cow::Borrowed(target);
        }
        let Some((path, query)) = target.split_once('?') else {
            return Cow::Borrowed(target);
        };
        if parameters(query).all(|parameter| self.counts(parameter)) {
            return Cow::Borrowed(target);
        }
        let mut kept = String::with_capacity(target.len());
        kept.push_str(path);
        let mut divider = '?';
        for parameter in parameters(query).filter(|parameter| self.counts(*parameter)) {
            kept.push(divider);
            kept.push_str(parameter.text);
            divider = '&';
        }
        Cow::Owned(kept)
    }

    fn counts(&self, parameter: Parameter<'_>) -> bool {
        parameter.is_ambiguous()
            || match self {
                Self::All => true,
                Self::Ignore(names) => !names.have(&parameter.name()),
                Self::Keep(names) => names.have_any_reading_of(&parameter.name()),
            }
    }
}

/// Names of parameters; those with a `*` at the end are prefixes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<Name>);

#[derive(Clone, Debug)]
struct Name {
    text: Vec<u8>,
    is_prefix: bool,
}

impl Names {
    pub(crate) fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let name = |name: N| {
            let name = name.as_ref();
            let prefix = name.strip_suffix('*');
            Name {
                text: prefix.unwrap_or(name).as_bytes().to_vec(),
                is_prefix: prefix.is_some(),
            }
        };
        Self(names.into_iter().map(name).collect())
    }

    /// These names and no prefixes.
    pub(super) fn exactly(names: Vec<Vec<u8>>) -> Self {
        let name = |text| Name {
            text,
            is_prefix: false,
        };
        Self(names.into_iter().map(name).collect())
    }

    pub(super) fn have(&self, name: &[u8]) -> bool {
        self.0.iter().any(|Name { text, is_prefix }| {
            if *is_prefix {
                name.starts_with(text)
            } else {
                name == text
            }
        })
    }

    /// Whether an application may take `name` for one of these.
    pub(super) fn have_any_reading_of(&self, name: &[u8]) -> bool {
        let name = reading(name);
        self.0.iter().any(|Name { text, is_prefix }| {
            let text = reading(text);
            if *is_prefix {
                name.starts_with(&text)
            } else {
                name == text
            }
        })
    }
}

/// What is the same for all names that some application takes for one. PHP strips
/// spaces in front, cuts at `[`, and writes `_` for `.` and space; others do not
/// mind the case.
fn reading(name: &[u8]) -> Vec<u8> {
    let end = name.iter().skip(1).position(|byte| *byte == b'[');
    name[..end.map_or(name.len(), |end| end + 1)]
        .trim_ascii_start()
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| match byte {
            b'.' | b' ' | b'[' => b'_',
            byte => byte.to_ascii_lowercase(),
        })
        .collect()
}

/// One parameter of a query, as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'a> {
    text: &'a str,
}

/// The parameters of `query`, empty ones included.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').map(|text| Parameter { text })
}

impl<'a> Parameter<'a> {
    /// Nothing between two `&`.
    pub(super) const fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// Some applications read more than one parameter in it.
    pub(super) fn is_ambiguous(self) -> bool {
        self.text.contains(';')
    }

    /// Not decoded.
    pub(super) const fn as_sent(self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// What is in front of the first `=`, decoded.
    pub(super) fn name(self) -> Cow<'a, [u8]> {
        let name = self.text.split_once('=').map_or(self.text, |parts| parts.0);
        decode(name.as_bytes())
    }

    /// What is behind the first `=`, decoded; nothing if there is none.
    pub(super) fn value(self) -> Cow<'a, [u8]> {
        let value = self.text.split_once('=').map_or("", |parts| parts.1);
        decode(value.as_bytes())
    }
}

/// `+` and percent-encoding undone. A `%` without two digits behind it stays.
pub(super) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Cow::Owned(decoded),
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(digit(*high) << 4 | digit(*low));
                rest
            }
            [b'+', rest @ ..] => {
                decoded.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                decoded.push(*byte);
                rest
            }
        }
    }
}

/// Appends `text` in the one way that there is to encode it here.
pub(crate) fn encode(text: &[u8], to: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            to.push(*byte);
        } else {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            to.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
        }
    }
}

/// The value of a hexadecimal digit.
const fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests;

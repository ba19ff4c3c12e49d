//! The primary key: RFC 9111 §2, "at a minimum, the target URI".

mod authority;
mod parts;
pub(crate) mod query;
pub(crate) mod search_variance;
pub(crate) mod targets;
pub(crate) mod variances;

use std::{borrow::Cow, fmt};

use bytes::Bytes;
#[cfg(any(test, feature = "fuzzing"))]
use http::Request;
use http::{Extensions, Uri};
use peregrine_core::VariantName;

pub(crate) use self::parts::KeyParts;
#[cfg(any(test, feature = "fuzzing"))]
use self::query::QueryRules;
use self::{authority::Authority, search_variance::SearchVariance};
#[cfg(any(test, feature = "fuzzing"))]
use crate::policy::request::{Lookup, Pass};

/// Scheme, authority, path and query of the target URI, and whatever else tells
/// the application what it is asked for.
///
/// The parts are divided by NUL, which can occur in none of them, so that no two
/// requests for different things have one key. Keys are compared in full; the
/// tables that they are in hash them with a random key of their own.
///
/// The first three parts are scheme, authority, and path with query. Those that
/// follow have a letter in front, and most keys have none of them:
///
/// | letter | what it is |
/// |---|---|
/// | `n` | the [`SearchVariance`] by which the query was simplified |
/// | `u` | path and query as the application sees them, where a prefix was taken off |
/// | `o` | a trusted proxy said whom it is for |
/// | `h` | a `Host` that says something else than the trusted proxy |
/// | `f`, `=` | a field like `X-Forwarded-Host`, and its value |
/// | `v` | the name of a [`Variant`](peregrine_core::Variant), in full |
///
/// A key without any but `n` is [plain](Self::plain): it can be made of a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Bytes);

const DIVIDER: u8 = 0;

impl Key {
    /// The key of a request that may be looked up.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of<B>(
        request: &Request<B>,
        lookup: &Lookup<'_>,
        rules: &QueryRules,
    ) -> Result<Self, Pass> {
        KeyParts::of(request, lookup, rules).map(|parts| parts.key())
    }

    /// The key of all requests that are equivalent to this one under `variance`.
    pub(crate) fn under(&self, variance: &SearchVariance) -> Self {
        let mut key = Vec::with_capacity(self.len() + variance.as_bytes().len() + 2);
        for (number, part) in self.0.split(|byte| *byte == DIVIDER).enumerate() {
            match number {
                0 => key.extend_from_slice(part),
                1 => {
                    key.push(DIVIDER);
                    key.extend_from_slice(part);
                }
                2 => {
                    key.push(DIVIDER);
                    variance.simplify(part, &mut key);
                    add(&mut key, b'n', variance.as_bytes());
                }
                _ => {
                    key.push(DIVIDER);
                    if part.first() == Some(&b'u') {
                        variance.simplify(part, &mut key);
                    } else {
                        key.extend_from_slice(part);
                    }
                }
            }
        }
        Self(Bytes::from(key))
    }

    /// The key of one variant of what this is the key of.
    pub(crate) fn of_variant(&self, name: &VariantName) -> Self {
        let mut key = self.0.to_vec();
        add_variant(&mut key, &written(name));
        Self(Bytes::from(key))
    }

    /// Whether it is for a variant that has a name.
    pub(crate) fn has_variant(&self) -> bool {
        let mut others = self.0.split(|byte| *byte == DIVIDER).skip(3);
        others.any(|part| part.first() == Some(&b'v'))
    }

    /// Scheme and authority: what RFC 9110 §4.3.1 calls the origin, within which
    /// RFC 9875 has its groups.
    pub(crate) fn origin(&self) -> Bytes {
        self.0.slice(..self.end_of_part(1))
    }

    /// Origin and path, without the query.
    pub(crate) fn path(&self) -> Bytes {
        let whole = &self.0[..self.end_of_part(2)];
        let end = whole.iter().position(|byte| *byte == b'?');
        self.0.slice(..end.unwrap_or(whole.len()))
    }

    /// The path, without origin and query.
    pub(crate) fn path_alone(&self) -> &[u8] {
        without_query(self.path_and_query())
    }

    /// Where the part with this number ends, counted from 0.
    fn end_of_part(&self, number: usize) -> usize {
        let mut end = end_of(&self.0, 0, DIVIDER);
        for _ in 0..number {
            // The last part has no end but that of the key.
            end = end_of(&self.0, (end + 1).min(self.len()), DIVIDER);
        }
        end
    }

    /// The same, in memory of its own.
    pub(crate) fn copy(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes it takes in memory.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// For logs: the parts as they are, divided by spaces. But for the name of a
/// variant, which may tell who somebody is.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split(|byte| *byte == DIVIDER);
        if let Some(scheme) = parts.next() {
            scheme.escape_ascii().fmt(f)?;
        }
        for (number, part) in parts.enumerate() {
            match part {
                [b'v', ..] if number >= 2 => f.write_str(" v")?,
                _ => write!(f, " {}", part.escape_ascii())?,
            }
        }
        Ok(())
    }
}

/// Where the first of these bytes is from there on, or else the end.
fn end_of(text: &[u8], from: usize, byte: u8) -> usize {
    let rest = &text[from..];
    from + rest.iter().position(|it| *it == byte).unwrap_or(rest.len())
}

/// The parts that every key has, with room for `more` bytes.
fn plain(scheme: &str, authority: &Authority<'_>, path_and_query: &str, more: usize) -> Vec<u8> {
    let authority = authority.as_bytes();
    let length = scheme.len() + authority.len() + path_and_query.len() + 2;
    let mut key = Vec::with_capacity(length + more);
    key.extend_from_slice(scheme.as_bytes());
    key.push(DIVIDER);
    key.extend_from_slice(authority);
    key.push(DIVIDER);
    key.extend_from_slice(path_and_query.as_bytes());
    key
}

/// Appends a part that most keys do not have, with a letter for what it is.
fn add(key: &mut Vec<u8>, kind: u8, part: &[u8]) {
    key.reserve_exact(part.len() + 2);
    key.extend_from_slice(&[DIVIDER, kind]);
    key.extend_from_slice(part);
}

/// The letter of a part that is the [`written`] name of a variant.
const VARIANT: &[u8] = &[DIVIDER, b'v'];

/// Appends the part that a variant adds.
fn add_variant(key: &mut Vec<u8>, written: &[u8]) {
    key.reserve_exact(written.len() + VARIANT.len());
    key.extend_from_slice(VARIANT);
    key.extend_from_slice(written);
}

/// A name, which may have any bytes, as it is in a key: without a divider.
fn written(name: &VariantName) -> Cow<'_, [u8]> {
    let name = name.as_bytes();
    // As nearly all are.
    if name.iter().all(|byte| *byte > 1) {
        return Cow::Borrowed(name);
    }
    let mut written = Vec::with_capacity(2 * name.len());
    for byte in name {
        match byte {
            0 => written.extend_from_slice(&[1, 1]),
            1 => written.extend_from_slice(&[1, 2]),
            byte => written.push(*byte),
        }
    }
    Cow::Owned(written)
}

/// The path that the key of a request for this URI, with these `extensions`, would have,
/// without making one.
#[inline]
pub(crate) fn path_of_uri<'a>(seen: &'a Uri, extensions: &'a Extensions) -> &'a str {
    // Most have none, and then nothing is called.
    let original = if extensions.is_empty() {
        None
    } else {
        original_uri(extensions)
    };
    original.unwrap_or(seen).path()
}

/// `target` without its query.
pub(crate) fn without_query(target: &[u8]) -> &[u8] {
    &target[..end_of(target, 0, b'?')]
}

/// Path and query of a key for `uri`.
pub(crate) fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

fn original_path_and_query(extensions: &Extensions) -> Option<&str> {
    original_uri(extensions).map(path_and_query)
}

/// The target as it was before `Router::nest` took the prefix off: with a
/// parameter in the prefix, two pages of different tenants look the same inside.
#[cfg(feature = "axum")]
#[inline(never)]
fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    let original = extensions.get::<axum::extract::OriginalUri>()?;
    Some(&original.0)
}

#[cfg(not(feature = "axum"))]
fn original_uri(_: &Extensions) -> Option<&Uri> {
    None
}

#[cfg(test)]
mod tests;

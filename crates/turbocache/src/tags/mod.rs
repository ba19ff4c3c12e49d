//! What stored responses are called, so that they can be invalidated together.
//!
//! | field | of | form | what it names |
//! |---|---|---|---|
//! | `Cache-Groups` | RFC 9875 §2 | list of strings | groups within one origin |
//! | `Cache-Group-Invalidation` | RFC 9875 §3 | list of strings | groups that this response invalidates |
//! | `Surrogate-Key` | Fastly, and Varnish's xkey | words, divided by spaces | tags of this cache |
//! | `Cache-Tag` | Cloudflare, Akamai, Google | divided by commas | tags of this cache |
//!
//! A group is for everyone who sends to its origin: any response to an unsafe
//! request may invalidate it, so it ends where the origin does. A tag is for who
//! runs the cache, and has no such bounds.
//!
//! Names are compared byte for byte.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::structured;

pub(crate) const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
pub(crate) const CACHE_GROUP_INVALIDATION: HeaderName =
    HeaderName::from_static("cache-group-invalidation");
pub(crate) const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

/// Fields that no client sees, unless another cache in front is to have them:
/// they are of use to caches of the operator only, and tell how the application
/// is made. Both fields of RFC 9875 are for every cache on the way, and stay.
const FOR_THE_CACHE: [HeaderName; 2] = [SURROGATE_KEY, CACHE_TAG];

/// How many tags and groups one response may have: more than RFC 9875 asks for,
/// and as many as others take.
pub(crate) const MAX_TAGS: usize = 256;
/// How many bytes each of them may have.
pub(crate) const MAX_TAG_BYTES: usize = 1024;

/// One name of a stored response.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tag {
    /// To be taken together with the origin of the response that has it.
    Group(Box<str>),
    /// `Surrogate-Key` and `Cache-Tag` alike.
    Tag(Box<[u8]>),
}

/// Why the names of a response cannot be kept. Then it is not to be stored: it
/// could not be found when it is to be invalidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaggable {
    /// `Cache-Groups` is no list of strings.
    Malformed,
    /// There are too many names, or one is too long.
    TooMany,
}

impl Untaggable {
    /// The word for logs and for `Cache-Status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-cache-groups",
            Self::TooMany => "too-many-tags",
        }
    }
}

/// The names in the head of a response, each once.
pub(crate) fn of(response: &HeaderMap) -> Result<Vec<Tag>, Untaggable> {
    let mut tags = Vec::new();
    let mut add = |tag: Tag, bytes: usize| {
        if bytes > MAX_TAG_BYTES || tags.len() == MAX_TAGS {
            return Err(Untaggable::TooMany);
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        Ok(())
    };
    for group in strings(response, &CACHE_GROUPS)? {
        let bytes = group.len();
        add(Tag::Group(group), bytes)?;
    }
    for tag in words(response, &SURROGATE_KEY, |byte| byte.is_ascii_whitespace()) {
        add(Tag::Tag(tag.into()), tag.len())?;
    }
    for tag in words(response, &CACHE_TAG, |byte| byte == b',') {
        add(Tag::Tag(tag.into()), tag.len())?;
    }
    Ok(tags)
}

/// The groups that the response to an unsafe request invalidates, in the origin
/// of that request (RFC 9875 §3: "MUST be ignored on responses to requests that
/// have a safe method"). A field that is no list of strings names none (RFC 9651
/// §4.2).
pub(crate) fn invalidated(response: &HeaderMap) -> Vec<Tag> {
    let groups = strings(response, &CACHE_GROUP_INVALIDATION).unwrap_or_default();
    groups.into_iter().map(Tag::Group).collect()
}

/// Whether `answer`, to the question whether a stored response is still good, says anew
/// to which groups that belongs, and which tags it has. Fields that it does not have stay
/// as they are (RFC 9111 §3.2).
pub(crate) fn updated(answer: &HeaderMap) -> (bool, bool) {
    let has = |name: &HeaderName| answer.contains_key(name);
    (has(&CACHE_GROUPS), FOR_THE_CACHE.iter().any(has))
}

/// Whether a client is not to see a field with this name.
pub(crate) fn is_for_the_cache(name: &HeaderName) -> bool {
    FOR_THE_CACHE.contains(name)
}

/// Removes what a client is not to see.
pub(crate) fn strip(response: &mut HeaderMap) {
    // Most have none of them. To compare names takes less than to hash two.
    if response.keys().any(is_for_the_cache) {
        for name in &FOR_THE_CACHE {
            response.remove(name);
        }
    }
}

/// The members of a list of strings, none if there is no such field. Parameters
/// are ignored.
fn strings(headers: &HeaderMap, name: &HeaderName) -> Result<Vec<Box<str>>, Untaggable> {
    let Some(field) = structured::field(headers, name) else {
        return Ok(Vec::new());
    };
    let list: List = Parser::new(&field)
        .parse()
        .map_err(|_| Untaggable::Malformed)?;
    let string = |member: ListEntry| match member {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::String(string) => Ok(String::from(string).into_boxed_str()),
            _ => Err(Untaggable::Malformed),
        },
        ListEntry::InnerList(_) => Err(Untaggable::Malformed),
    };
    list.into_iter().map(string).collect()
}

/// What is between the bytes that divide it, without white space around.
fn words<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    divides: fn(u8) -> bool,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(move |line| HeaderValue::as_bytes(line).split(move |byte| divides(*byte)))
        .map(<[u8]>::trim_ascii)
        .filter(|word| !word.is_empty())
}

/// For logs.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => f.write_str(group),
            Self::Tag(tag) => tag.escape_ascii().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;

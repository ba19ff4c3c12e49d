//! The field `No-Vary-Search`: which differences between two queries make no
//! difference to the response. As approved by the IETF
//! (draft-ietf-httpbis-no-vary-search).

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::query::{self, Names, Parameter};
use crate::structured;

pub(crate) const NO_VARY_SEARCH: HeaderName = HeaderName::from_static("no-vary-search");

/// What the draft calls a URL search variance, other than the default one, by
/// which all queries differ that are not the same byte for byte.
#[derive(Clone, Debug)]
pub(crate) struct SearchVariance {
    vary: Vary,
    /// Parameters with different names may change places.
    any_order: bool,
    /// The same, in one way to write it.
    text: Vec<u8>,
}

/// The parameters that make a difference.
#[derive(Clone, Debug)]
enum Vary {
    AllBut(Names),
    Only(Names),
}

/// How many names one field may list. With more of them, it is ignored.
pub(crate) const MAX_NAMES: usize = 64;

impl SearchVariance {
    /// What a response with `headers` says. `None` if that is nothing, or nothing
    /// that can be understood: "the default […] behavior will just cause fewer
    /// cache hits".
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let field = structured::field(headers, &NO_VARY_SEARCH)?;
        Self::read(&Parser::new(&field).parse().ok()?)
    }

    /// "Parse a URL search variance". Members that it does not know are ignored.
    fn read(members: &Dictionary) -> Option<Self> {
        let any_order = match members.get("key-order") {
            None => false,
            Some(member) => boolean(member)?,
        };
        // The parameters that are named, and whether these are all that count.
        let (names, only) = match (members.get("params"), members.get("except")) {
            (None, None) => (Vec::new(), false),
            (Some(params), None) => match boolean(params) {
                Some(all) => (Vec::new(), all),
                None => (names(params)?, false),
            },
            (Some(params), Some(except)) if boolean(params) == Some(true) => (names(except)?, true),
            (_, Some(_)) => return None,
        };
        (any_order || only || !names.is_empty()).then(|| Self::new(any_order, only, names))
    }

    fn new(any_order: bool, only: bool, mut names: Vec<Vec<u8>>) -> Self {
        names.sort_unstable();
        names.dedup();
        let mut text = Vec::new();
        text.push(if any_order { b'?' } else { b'=' });
        text.push(if only { b'+' } else { b'-' });
        for name in &names {
            query::encode(name, &mut text);
            text.push(b'&');
        }
        let names = Names::exactly(names);
        Self {
            vary: if only {
                Vary::Only(names)
            } else {
                Vary::AllBut(names)
            },
            any_order,
            text,
        }
    }

    /// The same for two that say the same.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// Writes `target`, path and query, as all are written that are equivalent to
    /// it ("Comparing"): parameters that make no difference left out, the others
    /// decoded and encoded again, and sorted by name if their order does not
    /// matter.
    ///
    /// In doubt two targets are not equivalent here: bytes that are not UTF-8 are
    /// told apart, and so is what [some applications](super::query) may. What these read
    /// several parameters in is written as it was sent, and where it was.
    pub(super) fn simplify(&self, target: &[u8], to: &mut Vec<u8>) {
        let end = target.iter().position(|byte| *byte == b'?');
        to.extend_from_slice(&target[..end.unwrap_or(target.len())]);
        let query = end.map_or(&b""[..], |end| &target[end + 1..]);
        let query = String::from_utf8_lossy(query);
        let mut parameters: Vec<_> = query::parameters(&query)
            .filter(|parameter| !parameter.is_empty() && self.counts(*parameter))
            .collect();
        if self.any_order && !parameters.iter().any(|parameter| parameter.is_ambiguous()) {
            // Stable: the order of values with one name always matters.
            parameters.sort_by_cached_key(|parameter| parameter.name());
        }
        for (number, parameter) in parameters.iter().enumerate() {
            to.push(if number == 0 { b'?' } else { b'&' });
            if parameter.is_ambiguous() {
                to.extend_from_slice(parameter.as_sent());
                continue;
            }
            query::encode(&parameter.name(), to);
            to.push(b'=');
            query::encode(&parameter.value(), to);
        }
    }

    fn counts(&self, parameter: Parameter<'_>) -> bool {
        parameter.is_ambiguous()
            || match &self.vary {
                Vary::AllBut(names) => !names.have(&parameter.name()),
                Vary::Only(names) => names.have_any_reading_of(&parameter.name()),
            }
    }
}

impl PartialEq for SearchVariance {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SearchVariance {}

fn boolean(member: &ListEntry) -> Option<bool> {
    match member {
        ListEntry::Item(item) => item.bare_item.as_boolean(),
        ListEntry::InnerList(_) => None,
    }
}

/// An inner list of strings, each decoded ("Parse a key").
fn names(member: &ListEntry) -> Option<Vec<Vec<u8>>> {
    let ListEntry::InnerList(list) = member else {
        return None;
    };
    if list.items.len() > MAX_NAMES {
        return None;
    }
    list.items
        .iter()
        .map(|item| match &item.bare_item {
            BareItem::String(name) => Some(query::decode(name.as_str().as_bytes()).into_owned()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;

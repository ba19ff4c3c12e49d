//! Cache control for caches like this one: RFC 9213.

use http::{HeaderMap, HeaderName, header::CACHE_CONTROL};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::directives::{Directives, Extent, Seconds};

/// What `response` tells a cache that goes by the fields of `target_list`, in
/// this order, before it goes by `Cache-Control`.
///
/// RFC 9213 §2.2: the first of them that is there, valid and not empty decides
/// alone; neither `Cache-Control` nor `Expires` counts then.
pub(crate) fn directives(response: &HeaderMap, target_list: &[HeaderName]) -> Directives {
    target_list
        .iter()
        .find_map(|field| targeted(response, field))
        .unwrap_or_else(|| Directives::parse(response.get_all(CACHE_CONTROL)))
}

/// RFC 9213 §2.1: a field that is empty, or that is no dictionary, is ignored as
/// if it were not there.
fn targeted(response: &HeaderMap, field: &HeaderName) -> Option<Directives> {
    let mut lines = response.get_all(field).iter();
    let mut value = lines.next()?.as_bytes().to_vec();
    // RFC 9651 §4.2: several lines are one value.
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(line.as_bytes());
    }
    let dictionary: Dictionary = Parser::new(&value).parse().ok()?;
    (!dictionary.is_empty()).then(|| read(&dictionary))
}

/// RFC 9213 §2.1 maps the directives to structured types; parameters are ignored.
fn read(dictionary: &Dictionary) -> Directives {
    let mut directives = Directives {
        present: true,
        targeted: true,
        ..Directives::default()
    };
    for (key, value) in dictionary {
        // A prohibition of another type than it should be counts all the same; a
        // permission does not.
        match key.as_str() {
            "no-store" => directives.no_store = true,
            "must-revalidate" => directives.must_revalidate = true,
            "proxy-revalidate" => directives.proxy_revalidate = true,
            "must-understand" => directives.must_understand = is_true(value),
            "public" => directives.public = is_true(value),
            "immutable" => directives.immutable = is_true(value),
            "no-cache" => directives.no_cache = extent(value),
            "private" => directives.private = extent(value),
            "max-age" => directives.max_age = seconds(value),
            "s-maxage" => directives.s_maxage = seconds(value),
            "stale-while-revalidate" => directives.stale_while_revalidate = seconds(value),
            "stale-if-error" => directives.stale_if_error = seconds(value),
            _ => {}
        }
    }
    directives
}

/// A directive without an argument is `true` (RFC 9213 §2.1).
fn is_true(value: &ListEntry) -> bool {
    matches!(value, ListEntry::Item(item) if item.bare_item == BareItem::Boolean(true))
}

fn seconds(value: &ListEntry) -> Seconds {
    match value {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::Integer(seconds) => Seconds::from_secs(seconds.into()),
            _ => Seconds::Invalid,
        },
        ListEntry::InnerList(_) => Seconds::Invalid,
    }
}

/// Field names come as a string, a token, or a list of these.
fn extent(value: &ListEntry) -> Extent {
    let names: Option<Vec<&str>> = match value {
        ListEntry::Item(item) => text(&item.bare_item).map(|text| vec![text]),
        ListEntry::InnerList(list) => {
            let items = list.items.iter();
            items.map(|item| text(&item.bare_item)).collect()
        }
    };
    names.map_or(Extent::Everything, |names| {
        Extent::of(names.join(",").as_bytes())
    })
}

fn text(item: &BareItem) -> Option<&str> {
    match item {
        BareItem::String(text) => Some(text.as_str()),
        BareItem::Token(text) => Some(text.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

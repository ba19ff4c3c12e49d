//! Cache control for caches like this one: RFC 9213.

use http::{HeaderMap, HeaderName, header::CACHE_CONTROL};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::directives::{Directives, Extent, Seconds};

/// What `response` tells a cache that goes by the fields of `target_list`, in
/// this order, before it goes by `Cache-Control`.
///
/// RFC 9213 §2.2: "the cache MUST select the first (in target-list order) field
/// with a valid, non-empty value and use its value to determine the caching policy
/// for the response, and it MUST ignore the Cache-Control and Expires header
/// fields".
pub(crate) fn directives(response: &HeaderMap, target_list: &[HeaderName]) -> Directives {
    target_list
        .iter()
        .find_map(|field| targeted(response, field))
        .unwrap_or_else(|| Directives::parse(response.get_all(CACHE_CONTROL)))
}

/// RFC 9213 §2.1: "If a targeted field in a given response is empty, or a parsing
/// error is encountered, that field MUST be ignored by the cache".
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

/// RFC 9213 §2.1 maps the arguments of directives to structured types, and has
/// parameters ignored.
fn read(dictionary: &Dictionary) -> Directives {
    let mut directives = Directives {
        present: true,
        targeted: true,
        ..Directives::default()
    };
    for (key, value) in dictionary {
        // "SHOULD NOT consume values that violate these inferred constraints". But
        // a prohibition is one, whatever is written behind it.
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

/// "no-store […] always has a Boolean true value", and so have all those that take
/// no argument.
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

/// "either Boolean true or a string containing a comma-delimited list of field
/// names"; one name may be a token, as it may in `Cache-Control`.
fn extent(value: &ListEntry) -> Extent {
    let ListEntry::Item(item) = value else {
        return Extent::Everything;
    };
    match &item.bare_item {
        BareItem::String(names) => Extent::of(names.as_str().as_bytes()),
        BareItem::Token(name) => Extent::of(name.as_str().as_bytes()),
        _ => Extent::Everything,
    }
}

#[cfg(test)]
mod tests;

//! What browsers and the caches beyond us are told of a response that varies.
//!
//! They know nothing of variants, and would give one client's page to another
//! for as long as the application says that it is fresh. So a page for visitors
//! says `Vary: Cookie`, and any other one `private` as well, because there are
//! caches that take no notice of `Vary`. Browsers may keep both.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, Entry, VARY},
};

use crate::{directives::Directives, hear::names_cookie};

/// For whom a response is, as far as others must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// For all who have no session.
    Visitors,
    /// For whoever asked, and perhaps for others like him.
    SomeOnly,
}

impl Audience {
    /// Makes the fields of a response say so.
    pub(crate) fn declare(self, headers: &mut HeaderMap) {
        vary_by_cookie(headers);
        if self == Self::SomeOnly {
            remove_targeted(headers);
            make_private(headers);
        }
    }
}

fn vary_by_cookie(headers: &mut HeaderMap) {
    let cookie = HeaderValue::from_static("Cookie");
    match headers.entry(VARY) {
        Entry::Vacant(none) => {
            none.insert(cookie);
        }
        Entry::Occupied(lines) if lines.iter().any(names_cookie) => {}
        Entry::Occupied(mut lines) => lines.append(cookie),
    }
}

/// RFC 9213: a cache to which such a field is addressed does not read
/// `Cache-Control`.
fn remove_targeted(headers: &mut HeaderMap) {
    let targeted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            name.ends_with("cdn-cache-control")
                || matches!(
                    name,
                    "surrogate-control" | "edge-control" | "x-accel-expires"
                )
        })
        .cloned()
        .collect();
    for name in targeted {
        headers.remove(name);
    }
}

/// RFC 9111 §5.2.2.7: without field names, "a shared cache MUST NOT store the
/// response". `public` and `s-maxage` go: they would say the opposite.
fn make_private(headers: &mut HeaderMap) {
    let value = match Directives::of(headers) {
        Some(directives) if directives.has("no-store") => return,
        Some(directives) => directives.made_private(),
        // Nobody knows how others would read it.
        None => HeaderValue::from_static("private, no-store"),
    };
    headers.insert(CACHE_CONTROL, value);
}

#[cfg(test)]
mod tests;

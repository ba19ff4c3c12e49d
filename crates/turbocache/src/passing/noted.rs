use http::{
    HeaderMap, HeaderName,
    header::{CACHE_STATUS, CONTENT_LOCATION, LOCATION},
};

use crate::tags;

/// Which fields a response has, of those because of which something is to be done. A bit
/// for each kind: nearly all have none of them, and are asked for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted(u8);

impl Noted {
    /// They may refer to other targets.
    pub(crate) const REFERENCES: Self = Self(1);
    /// They name groups of responses that are invalid.
    pub(crate) const GROUPS: Self = Self(1 << 1);
    /// They are not for clients.
    pub(crate) const TAGS: Self = Self(1 << 2);
    /// Caches further in have said what they did.
    pub(crate) const STATUS: Self = Self(1 << 3);

    pub(crate) fn of(response: &HeaderMap) -> Self {
        let bits = response.keys().map(|name| kind(name).0);
        Self(bits.fold(0, |all, bit| all | bit))
    }

    pub(crate) const fn have(self, Self(kind): Self) -> bool {
        self.0 & kind != 0
    }
}

fn kind(name: &HeaderName) -> Noted {
    match *name {
        LOCATION | CONTENT_LOCATION => Noted::REFERENCES,
        CACHE_STATUS => Noted::STATUS,
        _ if *name == tags::CACHE_GROUP_INVALIDATION => Noted::GROUPS,
        _ if tags::is_for_the_cache(name) => Noted::TAGS,
        _ => Noted(0),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_kind_is_noted_and_nothing_else() {
        let all = [Noted::REFERENCES, Noted::GROUPS, Noted::TAGS, Noted::STATUS];
        let cases: [(&str, &[&'static str], &[Noted]); 9] = [
            ("nothing", &[], &[]),
            ("RFC 9111 §4.4", &["location"], &[Noted::REFERENCES]),
            ("RFC 9111 §4.4", &["content-location"], &[Noted::REFERENCES]),
            (
                "RFC 9875 §3",
                &["cache-group-invalidation"],
                &[Noted::GROUPS],
            ),
            ("tags", &["surrogate-key"], &[Noted::TAGS]),
            ("tags, in another form", &["cache-tag"], &[Noted::TAGS]),
            ("RFC 9211 §2", &["cache-status"], &[Noted::STATUS]),
            (
                "all of them, in any order",
                &[
                    "cache-tag",
                    "cache-status",
                    "etag",
                    "location",
                    "cache-group-invalidation",
                ],
                &all,
            ),
            (
                "what is for everybody",
                &["cache-groups", "cache-control", "content-type", "link"],
                &[],
            ),
        ];
        for (name, fields, expected) in cases {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(*field, HeaderValue::from_static("x"));
            }
            let noted = Noted::of(&headers);
            for kind in all {
                assert_eq!(noted.have(kind), expected.contains(&kind), "{name}");
            }
        }
    }
}

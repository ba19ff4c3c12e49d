//! What `Cache-Control` says, read in the simplest way that is right for what
//! the script can say.

use http::{HeaderMap, header::CACHE_CONTROL};

/// Directives by name, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Directives(Vec<(String, Option<String>)>);

impl Directives {
    /// Each line has one directive: the script makes no others.
    pub(crate) fn of(fields: &HeaderMap) -> Self {
        let lines = fields.get_all(CACHE_CONTROL).iter();
        let read = lines.map(|line| {
            let line = line.to_str().unwrap();
            let (name, value) = match line.split_once('=') {
                Some((name, value)) => (name, Some(value.trim_matches('"').to_owned())),
                None => (line, None),
            };
            (name.to_ascii_lowercase(), value)
        });
        Self(read.collect())
    }

    /// The one line of a targeted field, which is written like that one.
    pub(crate) fn of_line(line: &str) -> Self {
        let mut fields = HeaderMap::new();
        fields.insert(CACHE_CONTROL, line.parse().unwrap());
        Self::of(&fields)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Whether it is there as such, and not for certain fields only.
    pub(crate) fn has_plain(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(known, value)| known == name && value.is_none())
    }

    /// Whether it is there for certain fields.
    pub(crate) fn has_qualified(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(known, value)| known == name && value.is_some())
    }

    /// The longest that it says: more than a cache may go by, never less.
    pub(crate) fn seconds(&self, name: &str) -> Option<u64> {
        let named = self.0.iter().filter(|(known, _)| known == name);
        named
            .filter_map(|(_, value)| value.as_ref()?.parse().ok())
            .max()
    }
}

use std::fmt;

use http::HeaderMap;

use crate::{key::Key, policy::vary::Vary};

/// What a flight is found by: the primary key, and what the request has in the
/// fields by which the latest response is known to be chosen, so that different
/// variants are fetched beside one another.
///
/// Known is not sure. Who finds out that the response is not for it goes on by
/// what it has learned (RFC 9111 §4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlightKey {
    key: Key,
    selecting: Box<[u8]>,
}

impl FlightKey {
    /// `vary` is of the latest response, if there was any.
    pub(crate) fn new(key: &Key, vary: Option<&Vary>, request: &HeaderMap) -> Self {
        Self {
            key: key.clone(),
            selecting: vary.map_or_else(Box::default, |vary| vary.selecting_key(request)),
        }
    }
}

impl fmt::Display for FlightKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

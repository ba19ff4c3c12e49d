//! Which stored response does a request select? RFC 9111 §4.1.

use http::{HeaderMap, HeaderName, header::VARY};

/// The request fields that a response says it was chosen by, each once, in the
/// order of their names. None for a response without `Vary`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vary(Box<[HeaderName]>);

/// What the request had in those fields when the response was stored, normalised
/// in ways that keep the meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection(Box<[(HeaderName, Option<Box<[u8]>>)]>);

/// `Vary: *`, or one that cannot be read: nothing is ever known to match it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariesByAnything;

impl Vary {
    /// Reads all `Vary` lines of a response.
    pub(crate) fn of(response: &HeaderMap) -> Result<Self, VariesByAnything> {
        let mut names = Vec::new();
        for line in response.get_all(VARY) {
            for member in line.as_bytes().split(|byte| *byte == b',') {
                match member.trim_ascii() {
                    b"" => {}
                    b"*" => return Err(VariesByAnything),
                    name => {
                        names.push(HeaderName::from_bytes(name).map_err(|_| VariesByAnything)?);
                    }
                }
            }
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Ok(Self(names.into()))
    }

    /// There is but one response for all requests.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `request` has in the fields, to be kept with its response, which
    /// says in `response` how it is encoded.
    pub(crate) fn selection(&self, request: &HeaderMap, _response: &HeaderMap) -> Selection {
        Selection(
            self.0
                .iter()
                .map(|name| (name.clone(), value(request, name)))
                .collect(),
        )
    }

    /// The same as bytes: two requests with the same bytes select the same
    /// response.
    pub(crate) fn selecting_key(&self, request: &HeaderMap) -> Box<[u8]> {
        let mut key = Vec::new();
        for name in &self.0 {
            key.extend_from_slice(name.as_str().as_bytes());
            key.push(0);
            if let Some(value) = value(request, name) {
                key.extend_from_slice(&value);
                key.push(0);
            }
            key.push(0);
        }
        key.into()
    }
}

impl Selection {
    /// Whether `request` selects the response that this is kept with.
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.0
            .iter()
            .all(|(name, stored)| value(request, name) == *stored)
    }
}

fn value(request: &HeaderMap, name: &HeaderName) -> Option<Box<[u8]>> {
    let mut lines = request.get_all(name).iter();
    let mut value = lines.next()?.as_bytes().trim_ascii().to_vec();
    for line in lines {
        value.push(b',');
        value.extend_from_slice(line.as_bytes().trim_ascii());
    }
    Some(value.into())
}

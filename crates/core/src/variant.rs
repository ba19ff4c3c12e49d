//! Which variant of a page a request is for.
//!
//! Somebody in front of a cache knows that one address has several pages: one
//! for visitors, one for members, one for each user. It tells the cache by a
//! [`Variant`] on the request. Somebody behind the cache knows for whom the
//! application has answered, and says so by a [`RenderedFor`] on the response.
//! The cache stores a response only where the two agree.
//!
//! ```
//! use peregrine_core::variant::{RenderedFor, Variant, VariantName};
//!
//! let staff = VariantName::new("staff");
//! let asked = Variant::Known(staff.clone());
//! assert_eq!(asked.stored_under(None), Some(&staff));
//!
//! // The session has changed its level since it was looked up.
//! let said = RenderedFor::Variant(VariantName::new("member"));
//! assert_eq!(asked.stored_under(Some(&said)), None);
//!
//! // Nobody knew until the application said it.
//! assert_eq!(
//!     Variant::ToldByResponse.stored_under(Some(&said)),
//!     Some(&VariantName::new("member")),
//! );
//! ```

use std::fmt;

use bytes::Bytes;

/// Rides on a request: what of a page with several variants it may read, and
/// what becomes of its answer.
///
/// A cache that finds none of these on a request has pages with one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// It is certain: it reads what is stored under this name, and its answer is
    /// stored there.
    Known(VariantName),
    /// It is what the application has said before, which may have changed since.
    /// It reads and writes under this name as if that were certain. But where it
    /// goes forward it must get a whole answer: one that says no more than "not
    /// modified" might be said of another variant than ours.
    Expected(VariantName),
    /// Nobody knows until the response says it by a [`RenderedFor`]. It reads
    /// nothing, shares no answer with other requests, and its answer is stored
    /// under what the response says; not at all if it says nothing.
    ToldByResponse,
    /// It passes the cache by: it reads nothing, and nothing of its answer is
    /// stored. With the reason, a token (RFC 9651 §3.3.4) for logs and for
    /// `Cache-Status`.
    Pass(&'static str),
}

/// Rides on a response: whom the application has rendered it for, in its own
/// word. Never to be kept with a stored response; a cache asks for it once, when
/// the response comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderedFor {
    /// For all whose variant this is.
    Variant(VariantName),
    /// For the client who asked, and nobody else.
    OneClient,
}

/// The name of a variant: any bytes, compared in full, NUL included.
///
/// It may tell who somebody is, so `Debug` prints no more than its length.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VariantName(Bytes);

impl Variant {
    /// The name under which it reads.
    pub const fn name(&self) -> Option<&VariantName> {
        match self {
            Self::Known(name) | Self::Expected(name) => Some(name),
            Self::ToldByResponse | Self::Pass(_) => None,
        }
    }

    /// Under which name a response may be stored and shared, `said` being what
    /// it says itself. `None`: it is for the client who asked alone.
    pub fn stored_under<'a>(&'a self, said: Option<&'a RenderedFor>) -> Option<&'a VariantName> {
        match (self, said) {
            (Self::Known(name) | Self::Expected(name), None) => Some(name),
            (Self::Known(name) | Self::Expected(name), Some(RenderedFor::Variant(said)))
                if name == said =>
            {
                Some(name)
            }
            (Self::ToldByResponse, Some(RenderedFor::Variant(said))) => Some(said),
            _ => None,
        }
    }
}

impl VariantName {
    /// Any bytes.
    pub fn new(name: impl Into<Bytes>) -> Self {
        Self(name.into())
    }

    /// A name that needs no memory.
    pub const fn from_static(name: &'static [u8]) -> Self {
        Self(Bytes::from_static(name))
    }

    /// The bytes of the name, to be mixed into a key in full.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VariantName({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_stored_only_where_request_and_response_agree() {
        let staff = || VariantName::new("staff");
        let member = || VariantName::new("member");
        let known = || Variant::Known(staff());
        let expected = || Variant::Expected(staff());
        let said = RenderedFor::Variant;
        let cases = [
            ("known, nothing said", known(), None, Some(staff())),
            (
                "known, the same said",
                known(),
                Some(said(staff())),
                Some(staff()),
            ),
            (
                "known, something else said",
                known(),
                Some(said(member())),
                None,
            ),
            (
                "known, for one client",
                known(),
                Some(RenderedFor::OneClient),
                None,
            ),
            ("expected, nothing said", expected(), None, Some(staff())),
            (
                "expected, the same said",
                expected(),
                Some(said(staff())),
                Some(staff()),
            ),
            (
                "expected, something else said",
                expected(),
                Some(said(member())),
                None,
            ),
            (
                "told by the response",
                Variant::ToldByResponse,
                Some(said(member())),
                Some(member()),
            ),
            (
                "not told by the response",
                Variant::ToldByResponse,
                None,
                None,
            ),
            (
                "told that it is for one client",
                Variant::ToldByResponse,
                Some(RenderedFor::OneClient),
                None,
            ),
            (
                "a pass, whatever is said",
                Variant::Pass("cookie"),
                Some(said(member())),
                None,
            ),
            ("a pass, nothing said", Variant::Pass("cookie"), None, None),
        ];
        for (name, asked, said, expected) in cases {
            assert_eq!(
                asked.stored_under(said.as_ref()),
                expected.as_ref(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_is_not_printed() {
        let printed = format!("{:?}", Variant::Known(VariantName::new("alice")));
        assert!(!printed.contains("alice"), "{printed}");
    }
}

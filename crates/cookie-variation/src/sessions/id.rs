use std::fmt;

use cookie::Key;
use hmac::{Hmac, Mac};
use http::{
    HeaderMap, HeaderName, Request,
    header::{FORWARDED, HOST},
};
use peregrine_core::TargetOrigin;
use sha2::Sha256;

use crate::{cookies::Values, name::CookieName};

/// One session: a keyed hash of its cookie's name and full value, so that whoever
/// reads our memory has no session from it.
///
/// Nothing else is part of it. A logout ends a session for whoever has its cookie,
/// in whatever other words he asks for whatever site.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId([u8; 32]);

/// With what a session's cookie was sent, as far as the application may go by it
/// when it says for whom it renders: a keyed hash of the site, and of all cookies
/// that say who somebody is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SentWith([u8; 32]);

/// Makes both, with a key of its own for each run.
#[derive(Clone)]
pub(crate) struct SessionHasher(Hmac<Sha256>);

impl SessionId {
    pub(super) const fn first_byte(&self) -> u8 {
        self.0[0]
    }

    #[cfg(test)]
    pub(super) const fn of_number(number: u8) -> Self {
        Self([number; 32])
    }
}

#[cfg(test)]
impl SentWith {
    pub(super) const fn to_site(number: u8) -> Self {
        Self([number; 32])
    }
}

impl SessionHasher {
    pub(crate) fn random() -> Self {
        let key = Key::generate();
        Self(Hmac::new_from_slice(key.signing()).expect("a key of any length will do"))
    }

    /// The session of a cookie.
    pub(crate) fn id(&self, name: &CookieName, value: &[u8]) -> SessionId {
        let mut hash = Parts(self.0.clone());
        hash.add(b'n', name.as_bytes());
        hash.add(b'v', value);
        SessionId(hash.finish())
    }

    /// With what `request` sends its sessions, which has these values for `names`.
    ///
    /// Whatever may tell an application which site it is asked for is part of
    /// it: what holds for a session on one site may not hold on another one,
    /// though both have the same cookie.
    pub(crate) fn sent_with<B>(
        &self,
        request: &Request<B>,
        names: &[CookieName],
        values: &Values<'_>,
    ) -> SentWith {
        let mut hash = Parts(self.0.clone());
        if let Some(origin) = request.extensions().get::<TargetOrigin>() {
            hash.add(b's', origin.scheme.as_str().as_bytes());
            hash.add(b'a', origin.authority.as_str().as_bytes());
        }
        if let Some(scheme) = request.uri().scheme_str() {
            hash.add(b'S', scheme.as_bytes());
        }
        if let Some(authority) = request.uri().authority() {
            hash.add(b'A', authority.as_str().as_bytes());
        }
        for (name, value) in site_fields(request.headers()) {
            hash.add(b'f', name.as_str().as_bytes());
            hash.add(b'=', value);
        }
        for (place, name) in names.iter().enumerate() {
            if let Some(value) = values.get(place) {
                hash.add(b'n', name.as_bytes());
                hash.add(b'v', value);
            }
        }
        SentWith(hash.finish())
    }
}

/// `Host` and what proxies say instead of it. The client's own address, which
/// changes as it moves, is not among them where it has a field of its own.
fn site_fields(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &[u8])> {
    headers
        .iter()
        .filter(
            |(name, _)| match name.as_str().strip_prefix("x-forwarded-") {
                Some(what) => what != "for",
                None => *name == HOST || *name == FORWARDED,
            },
        )
        .map(|(name, value)| (name, value.as_bytes()))
}

/// Parts with their kinds and lengths, so that no two lists look the same.
struct Parts(Hmac<Sha256>);

impl Parts {
    fn add(&mut self, kind: u8, part: &[u8]) {
        self.0.update(&[kind]);
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

impl fmt::Debug for SentWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentWith")
    }
}

impl fmt::Debug for SessionHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionHasher")
    }
}

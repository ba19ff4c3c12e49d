//! What proves that a cookie was made by the application.
//!
//! A [`Verifier`] holds one key or several, of one kind or several. A cookie
//! counts if one of them vouches for it, and what counts is the value inside:
//!
//! ```
//! use cookie::{Cookie, CookieJar, Key};
//! use peregrine_cookie_variation::{CookieVariation, Verifier};
//!
//! # let (new, old) = (Key::generate(), Key::generate());
//! // The key was changed last week, and there are still cookies of the old one.
//! let verifier = Verifier::signed_jar(new).or(Verifier::signed_jar(old));
//! let cookies = CookieVariation::signed("user_id", verifier);
//! # drop(cookies);
//! ```
//!
//! # What a key vouches for
//!
//! | made by | vouches for | not for |
//! |---|---|---|
//! | [`signed_jar`](Verifier::signed_jar) | the value | the name: what the application signs for another cookie with the same key counts as well |
//! | [`private_jar`](Verifier::private_jar) | name and value, which nobody can read | |
//! | [`rails`](Verifier::rails) | name, value and expiry | |
//!
//! None of them knows whether the application has revoked the cookie since: who
//! has kept it can send it again. An application that looks into a table of
//! revoked sessions wants [`CookieVariation::asserted`].
//!
//! [`CookieVariation::asserted`]: crate::CookieVariation::asserted

#[cfg(feature = "rails")]
pub mod rails;

use std::{fmt, time::SystemTime};

use bytes::Bytes;
use cookie::{Cookie, CookieJar, Key};

/// Keys that vouch for a cookie. See the [module's page](self).
#[derive(Clone)]
pub struct Verifier(Vec<Scheme>);

#[derive(Clone)]
enum Scheme {
    Signed(Key),
    Private(Key),
    #[cfg(feature = "rails")]
    Rails(rails::RailsKey),
}

impl Verifier {
    /// Cookies from a [`SignedJar`](cookie::SignedJar), such as `axum-extra`'s
    /// `SignedCookieJar` makes.
    ///
    /// Use a key that signs nothing else which clients may choose: such a
    /// signature does not cover the cookie's name.
    pub fn signed_jar(key: Key) -> Self {
        Self(vec![Scheme::Signed(key)])
    }

    /// Cookies from a [`PrivateJar`](cookie::PrivateJar), such as `axum-extra`'s
    /// `PrivateCookieJar` makes.
    pub fn private_jar(key: Key) -> Self {
        Self(vec![Scheme::Private(key)])
    }

    /// Cookies that Rails has signed: `cookies.signed[:user_id] = 42`.
    #[cfg(feature = "rails")]
    pub fn rails(key: rails::RailsKey) -> Self {
        Self(vec![Scheme::Rails(key)])
    }

    /// These keys, and `older` ones, whose cookies are still about.
    pub fn or(mut self, older: Self) -> Self {
        self.0.extend(older.0);
        self
    }

    /// The value inside a cookie that one of the keys vouches for at `now`.
    pub(crate) fn verify(&self, name: &str, value: &[u8], now: SystemTime) -> Option<Bytes> {
        let value = std::str::from_utf8(value).ok()?;
        self.0
            .iter()
            .find_map(|scheme| scheme.verify(name, value, now))
    }
}

impl From<Key> for Verifier {
    /// [`Verifier::signed_jar`].
    fn from(key: Key) -> Self {
        Self::signed_jar(key)
    }
}

impl Scheme {
    #[cfg_attr(
        not(feature = "rails"),
        expect(
            unused_variables,
            reason = "jars do not put an expiry into their cookies"
        )
    )]
    fn verify(&self, name: &str, value: &str, now: SystemTime) -> Option<Bytes> {
        let decoded = |key: &Key, open: fn(&Key, Cookie<'static>) -> Option<Cookie<'static>>| {
            // As `axum-extra` reads it.
            let value = percent_encoding::percent_decode_str(value);
            let value = value.decode_utf8().ok()?.into_owned();
            let cookie = open(key, Cookie::new(name.to_owned(), value))?;
            Some(Bytes::copy_from_slice(cookie.value().as_bytes()))
        };
        match self {
            Self::Signed(key) => decoded(key, |key, cookie| {
                CookieJar::new().signed(key).verify(cookie)
            }),
            Self::Private(key) => decoded(key, |key, cookie| {
                CookieJar::new().private(key).decrypt(cookie)
            }),
            #[cfg(feature = "rails")]
            Self::Rails(key) => key.verify(name, value, now),
        }
        // An empty value is as good as none, and nobody vouches for none.
        .filter(|value| !value.is_empty())
    }
}

/// Keys are not printed.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed(_) => "signed jar",
            Self::Private(_) => "private jar",
            #[cfg(feature = "rails")]
            Self::Rails(_) => "Rails",
        })
    }
}

#[cfg(test)]
mod tests;

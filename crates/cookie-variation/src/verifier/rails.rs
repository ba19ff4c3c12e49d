//! Cookies that Rails has signed: `cookies.signed[:user_id] = 42`.
//!
//! The cookie is `DATA--SIGNATURE`. The signature is an HMAC with a key that
//! Rails derives by PBKDF2 from `secret_key_base`, and the data says in Base64
//! what the value is, for which cookie, and until when. Which digests there are
//! depends on the age of the application's settings:
//!
//! | `config.load_defaults` | derivation | signature |
//! |---|---|---|
//! | 5.2 to 6.1 | SHA-1 | SHA-1 |
//! | 7.0 and later | SHA-256 | SHA-1 |
//!
//! with `config.active_support.key_generator_hash_digest_class` and
//! `config.action_dispatch.signed_cookie_digest` to say otherwise. Cookies of
//! before 5.2, which do not say for which cookie they were signed
//! (`use_cookies_with_metadata`), do not count.
//!
//! ```
//! use peregrine_cookie_variation::{CookieVariation, Verifier, verifier::rails::{Digest, RailsKey}};
//!
//! let secret_key_base = "0123456789abcdef".repeat(8);
//! let key = RailsKey::rails_7(&secret_key_base).signed_cookie_digest(Digest::Sha256);
//! let cookies = CookieVariation::signed("user_id", Verifier::rails(key));
//! # drop(cookies);
//! ```

use std::{fmt, time::SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// `config.action_dispatch.signed_cookie_salt`.
const SALT: &[u8] = b"signed cookie";
/// `ActiveSupport::KeyGenerator`, as `Rails.application.key_generator` makes it.
const ITERATIONS: u32 = 1000;
const KEY_BYTES: usize = 64;

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// The key with which a Rails application signs its cookies.
#[derive(Clone)]
pub struct RailsKey {
    key: [u8; KEY_BYTES],
    digest: Digest,
}

impl RailsKey {
    /// Of an application with the defaults of Rails 5.2, 6.0 or 6.1. Derived at
    /// once, which takes about a millisecond.
    pub fn rails_5_2(secret_key_base: &str) -> Self {
        Self::derived(secret_key_base, Digest::Sha1)
    }

    /// Of an application with the defaults of Rails 7.0 or later. Derived at
    /// once, which takes about a millisecond.
    pub fn rails_7(secret_key_base: &str) -> Self {
        Self::derived(secret_key_base, Digest::Sha256)
    }

    /// `config.action_dispatch.signed_cookie_digest`. SHA-1 by default, as in
    /// Rails.
    pub fn signed_cookie_digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    fn derived(secret: &str, digest: Digest) -> Self {
        let mut key = [0; KEY_BYTES];
        let secret = secret.as_bytes();
        match digest {
            Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(secret, SALT, ITERATIONS, &mut key),
            Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(secret, SALT, ITERATIONS, &mut key),
        }
        Self {
            key,
            digest: Digest::Sha1,
        }
    }

    /// The value inside, as Rails has serialised it.
    pub(super) fn verify(&self, name: &str, value: &str, now: SystemTime) -> Option<Bytes> {
        // Rack encodes values.
        let value = percent_encoding::percent_decode_str(value);
        let value = value.decode_utf8().ok()?;
        let (data, signature) = value.rsplit_once("--")?;
        let signature = from_hex(signature)?;
        let vouched = match self.digest {
            Digest::Sha1 => is_signed::<Hmac<Sha1>>(&self.key, data, &signature),
            Digest::Sha256 => is_signed::<Hmac<Sha256>>(&self.key, data, &signature),
        };
        // Nothing of it is read before.
        if !vouched {
            return None;
        }
        let envelope = STANDARD.decode(data).ok()?;
        let Envelope { metadata } = serde_json::from_slice(&envelope).ok()?;
        let for_this_cookie = metadata.purpose.strip_prefix("cookie.") == Some(name);
        if !for_this_cookie || metadata.has_expired(now) {
            return None;
        }
        STANDARD.decode(metadata.message).ok().map(Bytes::from)
    }
}

/// `ActiveSupport::Messages::Metadata`.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "_rails")]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    message: String,
    #[serde(rename = "exp")]
    expires: Option<String>,
    #[serde(rename = "pur")]
    purpose: String,
}

impl Metadata {
    /// Also if nobody can say when it does.
    fn has_expired(&self, now: SystemTime) -> bool {
        let Some(expires) = &self.expires else {
            return false;
        };
        match OffsetDateTime::parse(expires, &Rfc3339) {
            Ok(expires) => OffsetDateTime::from(now) >= expires,
            Err(_) => true,
        }
    }
}

fn is_signed<M: Mac + hmac::digest::KeyInit>(key: &[u8], data: &str, signature: &[u8]) -> bool {
    let mut mac =
        <M as hmac::digest::KeyInit>::new_from_slice(key).expect("a key of any length will do");
    mac.update(data.as_bytes());
    mac.verify_slice(signature).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    // Not by `from_str_radix`, which takes a sign.
    let digit = |byte: u8| {
        (byte as char)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    text.len().is_multiple_of(2).then_some(())?;
    text.chunks(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// The key is not printed.
impl fmt::Debug for RailsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RailsKey")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

//! Which cookies pages depend on, and the keys that prove them.

use std::{env, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use cookie::Key;
use peregrine::cookie_variation::{
    CookieVariation, Verifier,
    verifier::rails::{Digest, RailsKey},
};

use crate::{
    cli::{CookieKeyKind, CookieOptions},
    settings::CacheMode,
    start_error::StartError,
};

/// Where keys are if they are in no file. Never on the command line, which every
/// user of the machine can read.
const VARIABLE: &str = "PEREGRINE_COOKIE_KEY";

/// Rails asks for 128 hexadecimal digits, and takes no less than this.
const SHORTEST_SECRET: usize = 30;

/// What the options ask for, if anything.
pub(super) fn variation(
    options: CookieOptions,
    cache: CacheMode,
) -> Result<Option<CookieVariation>, StartError> {
    let CookieOptions {
        turbocache_without_cookie: visitors,
        vary_turbocache_by_session: sessions,
        vary_turbocache_by_signed_cookie: signed,
        vary_turbocache_by_cookie: unverified,
        i_trust_clients,
        vary_turbocache_by_preference: preferences,
        ref cookie_key_file,
        cookie_key_kind,
    } = options;
    let cookies = if !visitors.is_empty() {
        CookieVariation::anonymous_unless(visitors.iter().map(String::as_str))
    } else if !sessions.is_empty() {
        CookieVariation::asserted(sessions.iter().map(String::as_str))
    } else if let Some((name, kind)) = signed.as_deref().zip(cookie_key_kind) {
        let keys = match cookie_key_file {
            Some(path) => fs::read_to_string(path).map_err(|error| {
                StartError::new(format!(
                    "cannot read the cookies' key from {}: {error}; see --cookie-key-file",
                    path.display()
                ))
            })?,
            None => env::var(VARIABLE).map_err(|_| {
                StartError::new(format!(
                    "there is no key for the cookie {name}; name a file with \
                     --cookie-key-file, or put it into the variable {VARIABLE}"
                ))
            })?,
        };
        CookieVariation::signed(name, verifier(kind, &keys)?)
    } else if let Some(name) = unverified {
        if !i_trust_clients {
            return Err(StartError::new(format!(
                "--vary-turbocache-by-cookie {name} gives the pages of one user to everybody \
                 who makes up the same cookie; use --vary-turbocache-by-session or \
                 --vary-turbocache-by-signed-cookie, or say --i-trust-clients"
            )));
        }
        CookieVariation::unverified_by_name(&name)
    } else if preferences.is_empty() {
        return Ok(None);
    } else {
        return Err(StartError::new(
            "--vary-turbocache-by-preference says nothing about whom pages are for; add \
             --turbocache-without-cookie with the name of the session's cookie",
        ));
    };
    if cache == CacheMode::Off {
        return Err(StartError::new(
            "pages cannot vary by cookies without a cache; leave out --cache off, or the \
             options about cookies",
        ));
    }
    Ok(Some(
        cookies.preferences(preferences.iter().map(String::as_str)),
    ))
}

/// One key in each line, the newest first. What is wrong with one is said without
/// it.
fn verifier(kind: CookieKeyKind, keys: &str) -> Result<Verifier, StartError> {
    let lines = keys.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| one_key(kind, line))
        .reduce(|newer, older| Ok(newer?.or(older?)))
        .unwrap_or_else(|| {
            Err(StartError::new(
                "the key of the cookies is empty; write one",
            ))
        })
}

fn one_key(kind: CookieKeyKind, text: &str) -> Result<Verifier, StartError> {
    let in_base64 = || {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        Key::try_from(&bytes[..]).map_err(|_| {
            StartError::new(
                "a key of the cookies is not 64 bytes or more in Base64; make one with \
                 `openssl rand -base64 64 | tr -d '\\n'`",
            )
        })
    };
    let of_rails = |derive: fn(&str) -> RailsKey, digest| {
        if text.len() < SHORTEST_SECRET {
            return Err(StartError::new(
                "a key of the cookies is too short to be a secret_key_base; copy it from the \
                 application's credentials",
            ));
        }
        let key = derive(text).signed_cookie_digest(digest);
        Ok(Verifier::rails(key))
    };
    match kind {
        CookieKeyKind::SignedJar => in_base64().map(Verifier::signed_jar),
        CookieKeyKind::PrivateJar => in_base64().map(Verifier::private_jar),
        CookieKeyKind::Rails5_2 => of_rails(RailsKey::rails_5_2, Digest::Sha1),
        CookieKeyKind::Rails5_2Sha256 => of_rails(RailsKey::rails_5_2, Digest::Sha256),
        CookieKeyKind::Rails7 => of_rails(RailsKey::rails_7, Digest::Sha1),
        CookieKeyKind::Rails7Sha256 => of_rails(RailsKey::rails_7, Digest::Sha256),
    }
}

#[cfg(test)]
mod tests;

//! Who is logged in: a name in a cookie that only the demo's processes can
//! sign.

use cookie::{Cookie, CookieJar, Key, SameSite};
use http::{HeaderMap, HeaderValue, header};

const COOKIE: &str = "peregrine_demo_session";

/// Longer names do not make a demo better.
const LONGEST_NAME: usize = 40;

/// The key that signs the cookies.
#[derive(Clone)]
pub(super) struct SessionKey(Key);

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionKey").finish_non_exhaustive()
    }
}

impl SessionKey {
    /// One that nobody has seen.
    pub(super) fn random() -> Self {
        Self(Key::generate())
    }

    /// For the environment of the processes.
    pub(super) fn to_text(&self) -> String {
        let bytes = self.0.master().iter();
        let digits: Vec<_> = bytes.map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    }

    /// From that environment.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        // `from_str_radix` would take a sign.
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let bytes: Option<Vec<_>> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
            .collect();
        Key::try_from(bytes?.as_slice()).ok().map(Self)
    }

    /// The name under which a request's client is logged in.
    pub(super) fn name(&self, headers: &HeaderMap) -> Option<String> {
        let mut jar = CookieJar::new();
        for value in headers.get_all(header::COOKIE) {
            let cookies = Cookie::split_parse_encoded(value.to_str().ok()?);
            for cookie in cookies.flatten() {
                jar.add_original(cookie.into_owned());
            }
        }
        let session = jar.signed(&self.0).get(COOKIE)?;
        Some(session.value().to_owned())
    }

    /// A `Set-Cookie` that logs a client in as `name`.
    pub(super) fn login(&self, name: &Name) -> HeaderValue {
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.0).add(cookie(name.0.clone()));
        let signed = jar.get(COOKIE).expect("it was just added");
        header(signed)
    }
}

/// A `Set-Cookie` that logs a client out.
pub(super) fn logout() -> HeaderValue {
    let mut removed = cookie(String::new());
    removed.make_removal();
    header(&removed)
}

fn cookie(value: String) -> Cookie<'static> {
    Cookie::build((COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .build()
}

fn header(cookie: &Cookie<'static>) -> HeaderValue {
    HeaderValue::try_from(cookie.encoded().to_string())
        .expect("percent-encoded, a cookie is visible ASCII whatever the name")
}

/// What a visitor wants to be called.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl Name {
    /// Without spaces around it, not empty, and not too long.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= LONGEST_NAME;
        fits.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_cookie(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn pair(set_cookie: &HeaderValue) -> &str {
        let text = set_cookie.to_str().unwrap();
        text.split(';').next().unwrap()
    }

    #[test]
    fn whoever_logs_in_is_known_by_name_to_every_process() {
        let key = SessionKey::random();
        let other_process = SessionKey::from_text(&key.to_text()).unwrap();
        for name in ["Ada", "Zoë; =\",", "<b>", "名前"] {
            let cookie = key.login(&Name::new(name).unwrap());
            let headers = with_cookie(&format!("theme=dark; {}; x", pair(&cookie)));
            assert_eq!(other_process.name(&headers).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_cookie_is_believed_only_as_it_was_signed() {
        let key = SessionKey::random();
        let cookie = key.login(&Name::new("Ada").unwrap());
        let signed = pair(&cookie);
        let flipped = signed.replace("Ada", "Eve");
        assert_ne!(signed, flipped);
        let cases = [
            ("another name", flipped.as_str()),
            ("no signature", "peregrine_demo_session=Ada"),
            ("empty", "peregrine_demo_session="),
            ("another cookie", &signed.replace("session", "sessiom")),
        ];
        for (name, value) in cases {
            assert_eq!(key.name(&with_cookie(value)), None, "{name}");
        }
        assert_eq!(SessionKey::random().name(&with_cookie(signed)), None);
        assert_eq!(key.name(&HeaderMap::new()), None);
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = SessionKey::random().login(&Name::new("Ada").unwrap());
        let text = cookie.to_str().unwrap();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(text.contains(attribute), "{text}");
        }
    }

    #[test]
    fn a_name_is_something_and_not_too_much() {
        let cases = [
            ("plain", "Ada", true),
            ("spaces around", "  Ada ", true),
            ("longest", &"é".repeat(40), true),
            ("too long", &"é".repeat(41), false),
            ("empty", "", false),
            ("blank", "  ", false),
        ];
        for (name, text, taken) in cases {
            assert_eq!(Name::new(text).is_some(), taken, "{name}");
        }
    }

    #[test]
    fn a_key_is_its_text_or_nothing() {
        for text in ["", "00", "zz", &"+f".repeat(64), &"0".repeat(127)] {
            assert!(SessionKey::from_text(text).is_none(), "{text}");
        }
        assert!(SessionKey::from_text(&"0f".repeat(64)).is_some());
    }
}

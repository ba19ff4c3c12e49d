use std::{fmt, sync::Arc};

use cookie::{Cookie, CookieJar, Key, SameSite};
use http::{HeaderMap, HeaderValue, header::COOKIE};

/// The cookie that names a process.
#[derive(Clone)]
pub(super) struct RoutingCookie {
    pub(super) name: Arc<str>,
    pub(super) path: Arc<str>,
    pub(super) key: Key,
}

impl RoutingCookie {
    /// Takes the cookie out of a request, and gives the id of the process that it
    /// names. One that was made up names none. Of several, as those of applications
    /// below other paths of this host, the first that we have made counts.
    pub(super) fn take(&self, headers: &mut HeaderMap) -> Option<u32> {
        // Nearly always there is none.
        let mut lines = headers.get_all(COOKIE).iter();
        if !lines.any(|line| contains(line.as_bytes(), self.name.as_bytes())) {
            return None;
        }
        let lines: Vec<_> = headers.get_all(COOKIE).iter().cloned().collect();
        headers.remove(COOKIE);
        let mut process = None;
        for line in lines {
            let (ours, others): (Vec<_>, Vec<_>) = line
                .as_bytes()
                .split(|byte| *byte == b';')
                .map(<[u8]>::trim_ascii)
                .partition(|pair| self.value(pair).is_some());
            let mut values = ours.into_iter().filter_map(|pair| self.value(pair));
            process = process.or_else(|| values.find_map(|value| self.read(value)));
            let rest = others.join(&b"; "[..]);
            // What was a field's value still is one without a part of it.
            if let Ok(rest) = HeaderValue::from_bytes(&rest)
                && !rest.is_empty()
            {
                headers.append(COOKIE, rest);
            }
        }
        process
    }

    /// What sets the cookie.
    pub(super) fn set(&self, pid: u32, secure: bool) -> Option<HeaderValue> {
        let mut jar = CookieJar::new();
        jar.private_mut(&self.key)
            .add((self.name.to_string(), pid.to_string()));
        let mut cookie = jar.get(&self.name)?.clone();
        cookie.set_http_only(true);
        cookie.set_same_site(SameSite::Lax);
        cookie.set_path(self.path.to_string());
        if secure {
            cookie.set_secure(true);
        }
        HeaderValue::try_from(cookie.to_string()).ok()
    }

    /// The value of a pair of our name, which minds its case (RFC 6265 §4.1.1).
    fn value<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        pair.strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")
    }

    fn read(&self, value: &[u8]) -> Option<u32> {
        let value = str::from_utf8(value).ok()?;
        let cookie = Cookie::new(self.name.to_string(), value.to_owned());
        let jar = CookieJar::new();
        let cookie = jar.private(&self.key).decrypt(cookie)?;
        cookie.value().parse().ok()
    }
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

/// Without the key.
impl fmt::Debug for RoutingCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingCookie")
            .field("name", &self.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

use http::HeaderValue;

/// Values that many heads have, as they are most often written. A list for speed, and for
/// nothing else: what is not in it is a value like any other.
static COMMON: [&str; 58] = [
    "*",
    "0",
    "1; mode=block",
    "Accept",
    "Accept, Accept-Encoding",
    "Accept-Encoding",
    "Accept-Encoding, Cookie",
    "Accept-Encoding, Origin",
    "Accept-Language",
    "Cookie",
    "DENY",
    "Origin",
    "SAMEORIGIN",
    "accept-encoding",
    "application/javascript",
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/xml",
    "br",
    "bytes",
    "cookie",
    "cross-origin",
    "de",
    "deny",
    "en",
    "font/woff2",
    "gzip",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "image/webp",
    "image/x-icon",
    "max-age=31536000",
    "max-age=31536000; includeSubDomains",
    "max-age=3600",
    "max-age=60",
    "no-referrer",
    "none",
    "nosniff",
    "noopen",
    "public",
    "public, max-age=300",
    "public, max-age=31536000",
    "public, max-age=31536000, immutable",
    "public, max-age=3600",
    "public, max-age=60",
    "public, max-age=86400",
    "same-origin",
    "strict-origin-when-cross-origin",
    "text/css",
    "text/css; charset=utf-8",
    "text/html",
    "text/html; charset=UTF-8",
    "text/html; charset=utf-8",
    "text/javascript",
    "text/plain",
];

/// The same value, if it is one that many have, in memory that is not counted: to clone
/// and to drop it writes to no counter.
pub(super) fn common(value: &HeaderValue) -> Option<HeaderValue> {
    if value.is_sensitive() {
        return None;
    }
    let known = COMMON.iter().find(|known| value == **known)?;
    Some(HeaderValue::from_static(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_value_is_the_same_value() {
        for text in COMMON {
            let value = HeaderValue::from_str(text).unwrap();
            assert_eq!(common(&value).unwrap(), value);
        }
        for text in ["", "a", "text/htm", "text/html ", "TEXT/HTML"] {
            assert_eq!(
                common(&HeaderValue::from_str(text).unwrap()),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_sensitive_is_not_common() {
        let mut value = HeaderValue::from_static("gzip");
        value.set_sensitive(true);
        assert_eq!(common(&value), None);
    }
}

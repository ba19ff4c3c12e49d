use std::fmt;

/// The name of a cookie, compared byte by byte (RFC 6265bis §5.6: names count
/// case).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct CookieName(Box<str>);

impl CookieName {
    /// # Panics
    ///
    /// If `name` is no token (RFC 9110 §5.6.2), which is all that a server may
    /// call a cookie.
    pub(crate) fn new(name: &str) -> Self {
        assert!(
            !name.is_empty() && name.bytes().all(is_token_byte),
            "a cookie's name is a token, and this is none: {name:?}"
        );
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// RFC 9110 §5.6.2.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

use http::{HeaderMap, HeaderValue, header::CACHE_CONTROL};

/// The directives of `Cache-Control` (RFC 9111 §5.2), as they are written.
pub(crate) struct Directives<'a>(Vec<&'a [u8]>);

impl<'a> Directives<'a> {
    /// `None` if they cannot be told apart, because a quote does not end.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let mut directives = Vec::new();
        for line in headers.get_all(CACHE_CONTROL) {
            let (mut quoted, mut escaped) = (false, false);
            let members = line.as_bytes().split(|byte| {
                let divides = *byte == b',' && !quoted;
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    _ => {}
                }
                divides
            });
            let members = members.map(<[u8]>::trim_ascii);
            directives.extend(members.filter(|member| !member.is_empty()));
            if quoted {
                return None;
            }
        }
        Some(Self(directives))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|directive| is(directive, name))
    }

    /// Says without reserve that all of it is for anybody.
    pub(crate) fn is_public(&self) -> bool {
        self.has("public")
            && !["private", "no-store", "no-cache"]
                .iter()
                .any(|name| self.has(name))
    }

    /// The same for one client's own cache.
    pub(crate) fn made_private(&self) -> HeaderValue {
        let mut line = b"private".to_vec();
        for directive in &self.0 {
            if !["private", "public", "s-maxage"]
                .iter()
                .any(|name| is(directive, name))
            {
                line.extend_from_slice(b", ");
                line.extend_from_slice(directive);
            }
        }
        HeaderValue::from_bytes(&line).expect("parts of values, and what stands between them")
    }
}

fn is(directive: &[u8], name: &str) -> bool {
    let end = directive.iter().position(|byte| *byte == b'=');
    directive[..end.unwrap_or(directive.len())]
        .trim_ascii()
        .eq_ignore_ascii_case(name.as_bytes())
}

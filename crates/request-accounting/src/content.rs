use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};

/// What of the request's method decides whether the response has content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// HEAD: never any content.
    Head,
    /// CONNECT: no content once it succeeds.
    Tunnel,
    /// Any other method.
    Content,
}

/// How much of its body a response must have given before dropping the body
/// means that the client got everything.
///
/// A server need not poll a body to its end: hyper drops the body of a response
/// to HEAD unread, and any body as soon as `Content-Length` bytes came out of
/// it. Neither client has left.
///
/// One number, since it is moved about with each response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content(u64);

impl From<&Method> for Asked {
    fn from(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Tunnel,
            _ => Self::Content,
        }
    }
}

impl Content {
    /// This response has no content, whatever its body holds.
    pub(crate) const NOTHING: Self = Self(0);

    /// Only the end of the body tells.
    pub(crate) const UNTIL_END: Self = Self(u64::MAX);

    const fn exactly(bytes: u64) -> Self {
        Self(bytes)
    }

    /// What the head of the response announces. `exact` is what the body says
    /// of its own size, and costs less than to look the header field up.
    #[inline]
    pub(crate) fn announced(
        asked: Asked,
        status: StatusCode,
        headers: &HeaderMap,
        exact: Option<u64>,
    ) -> Self {
        // RFC 9110 §6.4.1: "Responses to the HEAD request method never include
        // content […] 2xx (Successful) responses to a CONNECT request method
        // switch the connection to tunnel mode instead of having content. All
        // 1xx (Informational), 204 (No Content), and 304 (Not Modified)
        // responses do not include content."
        let nothing = match asked {
            Asked::Head => true,
            Asked::Tunnel if status.is_success() => true,
            Asked::Tunnel | Asked::Content => {
                status.is_informational()
                    || status == StatusCode::NO_CONTENT
                    || status == StatusCode::NOT_MODIFIED
            }
        };
        if nothing {
            return Self::NOTHING;
        }
        exact
            .or_else(|| headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok())
            .map_or(Self::UNTIL_END, Self::exactly)
    }

    /// Whether `sent` bytes are all there is to this response.
    pub(crate) const fn is_complete(self, sent: u64) -> bool {
        sent >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, status, `Content-Length` and the body's exact size.
    type Head = (Method, u16, Option<&'static str>, Option<u64>);

    fn announced((method, status, length, exact): &Head) -> Content {
        let mut headers = HeaderMap::new();
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length.parse().unwrap());
        }
        let status = StatusCode::from_u16(*status).unwrap();
        Content::announced(Asked::from(method), status, &headers, *exact)
    }

    #[test]
    fn what_has_no_content_whatever_its_fields_say() {
        let cases: [(&str, Head); 6] = [
            ("HEAD", (Method::HEAD, 200, Some("4"), None)),
            ("HEAD with a body", (Method::HEAD, 200, None, Some(4))),
            ("a tunnel", (Method::CONNECT, 200, None, None)),
            ("switching protocols", (Method::GET, 101, None, None)),
            ("no content", (Method::GET, 204, None, None)),
            ("not modified", (Method::GET, 304, Some("4"), None)),
        ];
        for (name, head) in cases {
            assert_eq!(announced(&head), Content::NOTHING, "{name}");
        }
    }

    #[test]
    fn how_much_content_there_is() {
        let (exactly, until_end) = (Content::exactly, Content::UNTIL_END);
        let report = Method::from_bytes(b"REPORT").unwrap();
        let cases: [(&str, Head, Content); 7] = [
            ("known size", (Method::GET, 200, None, Some(4)), exactly(4)),
            ("by field", (Method::GET, 200, Some("4"), None), exactly(4)),
            (
                "error page",
                (Method::POST, 500, Some("4"), None),
                exactly(4),
            ),
            ("other method", (report, 200, None, Some(4)), exactly(4)),
            ("a stream", (Method::GET, 200, None, None), until_end),
            (
                "no number",
                (Method::GET, 200, Some("four"), None),
                until_end,
            ),
            (
                "refused tunnel",
                (Method::CONNECT, 502, None, None),
                until_end,
            ),
        ];
        for (name, head, expected) in cases {
            assert_eq!(announced(&head), expected, "{name}");
        }
    }

    #[test]
    fn when_it_is_complete() {
        let cases = [
            ("nothing", Content::NOTHING, 0, true),
            ("one byte short", Content::exactly(4), 3, false),
            ("to the byte", Content::exactly(4), 4, true),
            ("no byte of none", Content::exactly(0), 0, true),
            (
                "a stream is never known to be",
                Content::UNTIL_END,
                4,
                false,
            ),
        ];
        for (name, content, sent, expected) in cases {
            assert_eq!(content.is_complete(sent), expected, "{name}");
        }
    }
}

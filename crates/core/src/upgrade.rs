use http::{
    HeaderMap, HeaderValue, Method, Request, Version,
    header::{CONNECTION, UPGRADE},
};

/// The protocols that a client offers to speak instead of HTTP on its
/// connection, as far as they may be passed on (RFC 9110 §7.8).
///
/// Whoever can hand the client's connection over puts it into the extensions of
/// the request. Only then does the offer go to the application; and if that
/// takes it, the response has status 101 and [`Upgraded`](crate::Upgraded) in its
/// extensions.
///
/// ```
/// use http::Request;
/// use peregrine_core::UpgradeOffer;
///
/// let request = Request::get("/chat")
///     .header("connection", "keep-alive, Upgrade")
///     .header("upgrade", "websocket, h2c")
///     .body(())?;
/// assert_eq!(UpgradeOffer::of(&request).unwrap().as_value(), "websocket");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeOffer(HeaderValue);

impl UpgradeOffer {
    /// What `request` offers. `None` if that is nothing, or nothing that may be
    /// passed on:
    ///
    /// - what an HTTP/1.0 request says, or one whose `Connection` field does not
    ///   name `Upgrade`;
    /// - HTTP itself, also as `h2c`, and TLS: in what is spoken after that, a
    ///   client could say whatever this server keeps clients from saying.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is
        // received in an HTTP/1.0 request."
        let may_offer =
            request.version() == Version::HTTP_11 && request.method() != Method::CONNECT;
        // "A sender of Upgrade MUST also send an "Upgrade" connection option in
        // the Connection header field to inform intermediaries not to forward
        // this field."
        if !may_offer || !elements(headers, &CONNECTION).any(|it| is(it, b"upgrade")) {
            return None;
        }
        let offered: Vec<_> = elements(headers, &UPGRADE)
            .filter(|it| may_pass(it))
            .collect();
        if offered.is_empty() {
            return None;
        }
        HeaderValue::from_bytes(&offered.join(&b", "[..]))
            .ok()
            .map(Self)
    }

    /// The value of the `Upgrade` field that the application gets.
    pub const fn as_value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether a response with status 101 and these fields keeps to the offer.
    ///
    /// RFC 9110 §7.8: "A server MUST NOT switch to a protocol that was not
    /// indicated by the client in the corresponding request's Upgrade header
    /// field", and it says in its own to which it has switched.
    pub fn covers(&self, headers: &HeaderMap) -> bool {
        let mut taken = elements(headers, &UPGRADE).peekable();
        taken.peek().is_some()
            && taken.all(|taken| split(self.0.as_bytes()).any(|offered| is(taken, offered)))
    }
}

/// Whether a protocol, `name ["/" version]`, is not one in which HTTP would go
/// on.
fn may_pass(protocol: &[u8]) -> bool {
    let name = protocol.split(|byte| *byte == b'/').next();
    name.is_some_and(|name| {
        !([&b"http"[..], b"tls"].iter().any(|it| is(name, it))
            || is(&name[..name.len().min(2)], b"h2"))
    })
}

fn elements<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| split(line.as_bytes()))
}

/// The elements of a list (RFC 9110 §5.6.1), without the empty ones.
fn split(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let elements = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    elements.filter(|element| !element.is_empty())
}

fn is(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in fields {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(*name, value);
        }
        request
    }

    #[test]
    fn what_is_passed_on_of_an_offer() {
        type Fields = &'static [(&'static str, &'static str)];
        let cases: [(&str, Fields, Option<&str>); 12] = [
            (
                "a WebSocket",
                &[("connection", "Upgrade"), ("upgrade", "websocket")],
                Some("websocket"),
            ),
            (
                "in any case, among others, over several lines",
                &[
                    ("connection", "keep-alive"),
                    ("connection", "x, UPGRADE"),
                    ("upgrade", "Foo/2 , "),
                    ("upgrade", "WebSocket"),
                ],
                Some("Foo/2, WebSocket"),
            ),
            (
                "a connection option is missing",
                &[("connection", "keep-alive"), ("upgrade", "websocket")],
                None,
            ),
            ("no Connection at all", &[("upgrade", "websocket")], None),
            ("nothing is offered", &[("connection", "upgrade")], None),
            (
                "an empty offer",
                &[("connection", "upgrade"), ("upgrade", " , ")],
                None,
            ),
            (
                "HTTP/2 without TLS, as curl offers it",
                &[
                    ("connection", "Upgrade, HTTP2-Settings"),
                    ("upgrade", "h2c"),
                ],
                None,
            ),
            (
                "drafts of HTTP/2",
                &[("connection", "upgrade"), ("upgrade", "H2C-14, h2")],
                None,
            ),
            (
                "any HTTP",
                &[("connection", "upgrade"), ("upgrade", "HTTP/2.0, http")],
                None,
            ),
            (
                "TLS, in which HTTP goes on (RFC 2817)",
                &[("connection", "upgrade"), ("upgrade", "TLS/1.2")],
                None,
            ),
            (
                "only what may not be passed on is left out",
                &[
                    ("connection", "upgrade"),
                    ("upgrade", "h2c, websocket, TLS/1.0"),
                ],
                Some("websocket"),
            ),
            (
                "what only begins alike",
                &[("connection", "upgrade"), ("upgrade", "httpish, h, tlsx")],
                Some("httpish, h, tlsx"),
            ),
        ];
        for (name, fields, expected) in cases {
            let offer = UpgradeOffer::of(&request(fields));
            let offer = offer
                .as_ref()
                .map(|offer| offer.as_value().to_str().unwrap());
            assert_eq!(offer, expected, "{name}");
        }
    }

    #[test]
    fn only_an_http_1_1_request_that_is_none_to_connect_can_offer() {
        let fields = [("connection", "upgrade"), ("upgrade", "websocket")];
        let mut old = request(&fields);
        *old.version_mut() = Version::HTTP_10;
        assert!(UpgradeOffer::of(&old).is_none());

        let mut connect = request(&fields);
        *connect.method_mut() = Method::CONNECT;
        assert!(UpgradeOffer::of(&connect).is_none());
    }

    #[test]
    fn an_answer_keeps_to_the_offer() {
        let cases: [(&str, &'static str, &[&'static str], bool); 6] = [
            ("the one", "websocket", &["websocket"], true),
            ("in another case", "websocket", &["WebSocket"], true),
            ("one of two", "foo/1, bar", &["bar"], true),
            ("another one", "websocket", &["h2c"], false),
            (
                "another one as well",
                "websocket",
                &["websocket, h2c"],
                false,
            ),
            ("it does not say which", "websocket", &[], false),
        ];
        for (name, offered, taken, expected) in cases {
            let offer = UpgradeOffer(HeaderValue::from_static(offered));
            let mut headers = HeaderMap::new();
            for line in taken {
                headers.append(UPGRADE, HeaderValue::from_static(line));
            }
            assert_eq!(offer.covers(&headers), expected, "{name}");
        }
    }
}

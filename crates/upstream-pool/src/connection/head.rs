use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRAILER, TRANSFER_ENCODING, UPGRADE},
};
use peregrine_core::{CloseDelimited, UpgradeOffer, hop_by_hop};

use crate::Error;

/// Makes a request that came in one that goes to the application: in origin
/// form, for this connection, with the `Host` that the client meant.
///
/// No `Via` is added (RFC 9110 §7.6.3 asks gateways for one): the process is
/// a part of this server, as one behind `FastCGI` would be, and there are
/// application servers that stop compressing when they see it.
///
/// Gives what it may be upgraded to.
pub(crate) fn for_application<B>(request: &mut Request<B>) -> Result<Option<UpgradeOffer>, Error> {
    if request.method() == Method::CONNECT {
        return Err(Error::unsupported_method());
    }
    // RFC 9112 §3.2.2: "When an origin server receives a request with an
    // absolute-form of request-target, the origin server MUST ignore the
    // received Host header field (if any) and instead use the host
    // information of the request-target."
    if let Some(authority) = request.uri().authority() {
        let host = authority.as_str();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = HeaderValue::from_str(host).map_err(Error::bad_response)?;
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        request.headers_mut().insert(HOST, host);
    }
    // Once through the names is cheaper than to look for each of these.
    let (mut has_host, mut expects) = (false, false);
    for name in request.headers().keys() {
        has_host |= *name == HOST;
        expects |= *name == EXPECT;
    }
    // An HTTP/1.0 client need not send one; RFC 9112 §3.2 makes us.
    if !has_host {
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().insert(HOST, host);
    }
    *request.version_mut() = Version::HTTP_11;
    hop_by_hop::remove(request.headers_mut());
    let offer = request.extensions().get::<UpgradeOffer>().cloned();
    if let Some(offer) = &offer {
        upgrade(request.headers_mut(), offer.as_value().clone());
    }
    // Whoever reads the client's body has told it to continue by then.
    if expects {
        request.headers_mut().remove(EXPECT);
    }
    Ok(offer)
}

/// Makes the head of a response that came one that goes to the client: without
/// what is for this connection only, but not without what that means.
pub(crate) fn for_client<B>(response: &mut Response<B>) {
    // RFC 9110 §2.5: "Intermediaries that process HTTP messages (i.e., all
    // intermediaries other than those acting as tunnels) MUST send their own
    // HTTP-version in forwarded messages". An answer in HTTP/1.0 would have the
    // client close its connection.
    *response.version_mut() = Version::HTTP_11;
    let is_upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if is_upgraded {
        let protocols = headers.remove(UPGRADE);
        hop_by_hop::remove(headers);
        if let Some(protocols) = protocols {
            upgrade(headers, protocols);
        }
        return;
    }
    // Once through the names is cheaper than to look for each of these.
    let (mut is_framed, mut has_trailers) = (false, false);
    for name in headers.keys() {
        is_framed |= *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING;
        has_trailers |= *name == TRAILER;
    }
    let announced = if has_trailers {
        announced_trailers(headers)
    } else {
        None
    };
    hop_by_hop::remove(headers);
    if let Some(announced) = announced {
        headers.insert(TRAILER, announced);
    }
    // RFC 9112 §6.3, rule 8: "Otherwise, this is a response message without a
    // declared message body length, so the message body length is determined
    // by the number of octets received prior to the server closing the
    // connection." A process that is killed closes it, too.
    if !is_framed {
        response.extensions_mut().insert(CloseDelimited);
    }
}

/// Which trailer fields a response may end with: only those that are announced
/// are passed on, and only to a client that wants them (RFC 9110 §6.5.1). Control
/// fields are for nobody out there. Those of a request end here: nothing that a
/// client may not say in the head is to reach an application by way of the end.
fn announced_trailers(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(TRAILER).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let names: Vec<_> = names
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty() && !name.starts_with(b"!~"))
        .collect();
    if names.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&names.join(&b", "[..])).ok()
}

/// The two fields that say on the next connection, too, which protocols.
fn upgrade(headers: &mut HeaderMap, protocols: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, protocols);
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn sent(mut request: Request<()>) -> Request<()> {
        for_application(&mut request).unwrap();
        request
    }

    #[test]
    fn a_request_is_sent_in_origin_form_to_the_host_that_was_meant() {
        let cases = [
            (
                "origin form",
                "/a?b=c",
                Some("x.example"),
                "/a?b=c",
                "x.example",
            ),
            (
                "absolute form beats Host",
                "http://y.example:81/a",
                Some("x.example"),
                "/a",
                "y.example:81",
            ),
            (
                "credentials in the target go no further",
                "http://u:p@y.example",
                None,
                "/",
                "y.example",
            ),
            ("HTTP/1.0 without Host", "/", None, "/", "localhost"),
            (
                "the server itself",
                "*",
                Some("x.example"),
                "*",
                "x.example",
            ),
        ];
        for (name, uri, host, target, expected) in cases {
            let mut request = Request::builder().uri(uri).version(Version::HTTP_10);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            let request = sent(request.body(()).unwrap());
            assert_eq!(request.uri(), target, "{name}");
            assert_eq!(request.headers()[HOST], expected, "{name}");
            assert_eq!(request.version(), Version::HTTP_11, "{name}");
        }
    }

    #[test]
    fn connect_is_refused() {
        let mut request = Request::connect("x.example:443").body(()).unwrap();
        let error = for_application(&mut request).unwrap_err();
        assert!(error.is_unsupported_method());
    }

    #[test]
    fn what_is_for_this_connection_only_stays_here() {
        let request = Request::builder()
            .uri("/")
            .header("connection", "upgrade, x-hop")
            .header("upgrade", "websocket")
            .header("x-hop", "1")
            .header("expect", "100-continue")
            .header("accept", "*/*");
        let request = sent(request.body(()).unwrap());
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host"]);
    }

    #[test]
    fn an_upgrade_goes_on_only_where_it_is_said_that_it_may() {
        let request = Request::builder()
            .uri("/")
            .header("connection", "upgrade, x-hop")
            .header("upgrade", "websocket, h2c")
            .header("x-hop", "1");
        let mut request = request.body(()).unwrap();
        let offer = UpgradeOffer::of(&request).unwrap();
        request.extensions_mut().insert(offer);
        let request = sent(request);
        assert_eq!(request.headers()["connection"], "Upgrade");
        assert_eq!(request.headers()["upgrade"], "websocket");
        assert!(!request.headers().contains_key("x-hop"));
    }

    #[test]
    fn a_client_learns_to_what_the_application_has_switched() {
        let response = Response::builder()
            .status(101)
            .header("connection", "upgrade, x-hop")
            .header("upgrade", "websocket")
            .header("x-hop", "1");
        let mut response = response.body(()).unwrap();
        for_client(&mut response);
        assert_eq!(response.headers()["connection"], "Upgrade");
        assert_eq!(response.headers()["upgrade"], "websocket");
        assert!(!response.headers().contains_key("x-hop"));
    }

    #[test]
    fn an_application_of_http_1_0_does_not_make_the_server_one() {
        let response = Response::builder().version(Version::HTTP_10);
        let mut response = response.body(()).unwrap();
        for_client(&mut response);
        assert_eq!(response.version(), Version::HTTP_11);
    }

    #[test]
    fn trailer_fields_are_announced_but_not_those_for_the_server_alone() {
        let cases: [(&str, &[&str], Option<&str>); 4] = [
            ("none", &[], None),
            (
                "over several lines",
                &["x-a, x-b", "x-c"],
                Some("x-a, x-b, x-c"),
            ),
            ("a control field", &["!~secret, x-a"], Some("x-a")),
            ("nothing else", &["!~secret ,"], None),
        ];
        for (name, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(TRAILER, HeaderValue::from_str(line).unwrap());
            }
            let announced = announced_trailers(&headers);
            let announced = announced.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(announced, expected, "{name}");
        }
    }

    #[test]
    fn who_keeps_responses_is_told_that_the_end_of_one_cannot_be_trusted() {
        let cases: [(&str, &[(&str, &str)], bool); 3] = [
            ("its length is known", &[("content-length", "4")], false),
            (
                "its end is marked",
                &[("transfer-encoding", "chunked")],
                false,
            ),
            ("its connection ends it", &[("connection", "close")], true),
        ];
        for (name, fields, expected) in cases {
            let mut response = Response::builder();
            for (name, value) in fields {
                response = response.header(*name, *value);
            }
            let mut response = response.body(()).unwrap();
            for_client(&mut response);
            let marked = response.extensions().get::<CloseDelimited>().is_some();
            assert_eq!(marked, expected, "{name}");
            assert!(!response.headers().contains_key("connection"), "{name}");
            assert!(
                !response.headers().contains_key("transfer-encoding"),
                "{name}"
            );
        }
    }
}

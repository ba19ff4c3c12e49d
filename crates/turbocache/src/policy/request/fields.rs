use http::{HeaderMap, HeaderValue, header::HOST};

/// Whether a proxy says in this field how the client addressed it. Applications
/// build redirects and links from these, so they are part of the key. The
/// client's own address (`X-Forwarded-For`) is not among them.
pub(crate) fn is_forwarding(name: &str) -> bool {
    match name.strip_prefix("x-forwarded-") {
        Some(what) => what != "for",
        None => name == "forwarded",
    }
}

/// The first `Host` of a request, and whether there are more of them.
pub(crate) fn host(request: &HeaderMap) -> (Option<&HeaderValue>, bool) {
    // RFC 9110 §7.2: "SHOULD send it as the first field".
    let first = match request.iter().next() {
        Some((&HOST, host)) => Some(host),
        _ => request.get(HOST),
    };
    // Most have one line of each field.
    let are_several =
        request.len() > request.keys_len() && request.get_all(HOST).iter().nth(1).is_some();
    (first, are_several)
}

use http::{HeaderMap, HeaderValue, header::HOST};

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

//! What does this request make invalid? RFC 9111 §4.4.

use http::{
    HeaderMap, HeaderName, Method, StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};

use crate::noted::is_method;

/// Whether an answer with `status`, to a request that is not [safe](is_safe), makes stored
/// responses invalid.
///
/// RFC 9111 §4.4: "A cache MUST invalidate the target URI […] when it receives a
/// non-error status code in response to an unsafe request method (including
/// methods whose safety is unknown)", and a non-error response "is one with a 2xx
/// (Successful) or 3xx (Redirection) status code".
pub(crate) fn is_non_error(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// RFC 9110 §9.2.1: "the GET, HEAD, OPTIONS, and TRACE methods are defined to be
/// safe", and QUERY is, too. A method that we do not know is not.
// Not inlined: those that are asked for most often are known before.
#[inline(never)]
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) || method.as_str() == "QUERY"
}

/// Whether a request with these fields, and a safe method, may be one with another.
pub(crate) fn is_overridden(request: &HeaderMap) -> bool {
    let mut methods = request.iter().filter(|(name, _)| is_method(name.as_str()));
    methods.any(|(_, method)| {
        let method = method.as_bytes().to_ascii_uppercase();
        Method::from_bytes(&method).map_or(true, |method| !is_safe(&method))
    })
}

/// The target URI of a request (RFC 9110 §7.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) authority: &'a str,
    pub(crate) path_and_query: &'a str,
}

/// The other URIs that the answer to an unsafe request makes invalid: path and
/// query of what `Location` and `Content-Location` refer to, on the origin of the
/// target. Two at most.
///
/// RFC 9111 §4.4: "A cache MAY invalidate other URIs when it receives a non-error
/// status code in response to an unsafe request method […]. In particular, the
/// URI(s) in the Location and Content-Location response header fields (if present)
/// are candidates for invalidation". Those of another origin "MUST NOT" be: "This
/// helps prevent denial-of-service attacks."
pub(crate) fn other_targets(target: Target<'_>, response: &HeaderMap) -> Vec<String> {
    let mut others: Vec<_> = [LOCATION, CONTENT_LOCATION]
        .into_iter()
        .filter_map(|field| target.resolve(only(response, &field)?))
        .filter(|other| other != target.path_and_query)
        .collect();
    others.dedup();
    others
}

fn only<'a>(response: &'a HeaderMap, field: &HeaderName) -> Option<&'a str> {
    let mut lines = response.get_all(field).iter();
    let line = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(line)
}

impl Target<'_> {
    /// Path and query of the URI that `reference` is for a document at this
    /// target (RFC 3986 §5.2), if it is of the same origin.
    fn resolve(&self, reference: &str) -> Option<String> {
        let reference = before_fragment(reference);
        if is_resolved(reference) {
            return Some(reference.to_owned());
        }
        let reference = match scheme(reference) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(self.scheme) => {
                // `http:page` was never legal, and means nothing certain.
                rest.starts_with("//").then_some(rest)?
            }
            Some(_) => return None,
            None => reference,
        };
        let reference = match reference.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                if !self.is_authority(authority) {
                    return None;
                }
                if !path.starts_with('/') {
                    return Some(format!("/{path}"));
                }
                path
            }
            None => reference,
        };
        if is_resolved(reference) {
            return Some(reference.to_owned());
        }
        let (path, query) = divide(reference);
        let (base_path, base_query) = divide(self.path_and_query);
        let (path, query) = match path {
            "" => (base_path.to_owned(), query.or(base_query)),
            path if path.starts_with('/') => (without_dots(path), query),
            path => {
                let folder = base_path.rfind('/').map_or("", |slash| &base_path[..slash]);
                (without_dots(&format!("{folder}/{path}")), query)
            }
        };
        Some(match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        })
    }

    /// RFC 9110 §4.3.1: the same host and port, in any case, with or without the
    /// scheme's own port.
    fn is_authority(&self, other: &str) -> bool {
        let default = match self.scheme {
            "http" => ":80",
            "https" => ":443",
            _ => ":",
        };
        let plain = |authority: &str| {
            let plain = authority.strip_suffix(default).unwrap_or(authority);
            plain
                .strip_suffix(':')
                .unwrap_or(plain)
                .to_ascii_lowercase()
        };
        !other.is_empty() && (self.authority == other || plain(self.authority) == plain(other))
    }
}

fn before_fragment(reference: &str) -> &str {
    let end = reference.bytes().position(|byte| byte == b'#');
    &reference[..end.unwrap_or(reference.len())]
}

/// Whether it is a path, with or without a query, of which nothing has to be resolved, as
/// nearly all are. One of which something has to, or may have to, is not.
fn is_resolved(reference: &str) -> bool {
    let reference = reference.as_bytes();
    let may_be_dots = |two: &[u8]| two == b"/.";
    reference.starts_with(b"/")
        && !reference.starts_with(b"//")
        && !reference.windows(2).any(may_be_dots)
}

/// RFC 3986 §3.1: what stands before the first colon, if that is a scheme.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

fn divide(path_and_query: &str) -> (&str, Option<&str>) {
    match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    }
}

/// RFC 3986 §5.2.4. The path begins with a slash.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                continue;
            }
        }
        // What ends in dots is a folder.
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;

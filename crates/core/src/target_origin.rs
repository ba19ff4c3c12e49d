use http::uri::{Authority, Scheme};

/// Scheme and authority of the target URI (RFC 9110 §7.1), where they are
/// known better than the request itself says.
///
/// Only a trusted proxy in front knows that: behind it, a request for
/// `https://forum.example/` arrives as plain HTTP for an internal host. Whoever
/// checked that the proxy may be believed puts this into the request's
/// extensions. A request without it is for what its URI and `Host` say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetOrigin {
    /// `http` or `https`, as the client of the trusted proxy used it.
    pub scheme: Scheme,
    /// The host, and the port if it is not the scheme's own.
    pub authority: Authority,
}

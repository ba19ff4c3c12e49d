use std::fmt;

use http::{HeaderName, HeaderValue, Method, Request, Uri, header::USER_AGENT, uri::PathAndQuery};
use peregrine_upstream_pool::RequestBody;

/// A control field: from outside it does not come in.
const TOKEN: HeaderName = HeaderName::from_static("!~oob-work-token");

/// The request by which a process is told to do its out-of-band work.
///
/// A usual method reserves its path: clients get nothing there, by whatever
/// method. An unusual one is itself what is reserved, on every path: an
/// application that was made for Passenger goes by its method `OOBW` alone.
///
/// ```
/// use http::Method;
/// use peregrine::process_rest::WorkRequest;
///
/// let ours = WorkRequest::default();
/// assert!(ours.reserves(&Method::GET, &"/.peregrine/oob-work?a=b".parse().unwrap()));
///
/// let oobw = Method::from_bytes(b"OOBW").unwrap();
/// let passengers = WorkRequest::new(oobw.clone(), "/").unwrap();
/// assert!(passengers.reserves(&oobw, &"/anywhere".parse().unwrap()));
/// assert!(!passengers.reserves(&Method::GET, &"/".parse().unwrap()));
///
/// // Nobody would see the front page any more.
/// assert!(WorkRequest::new(Method::POST, "/").is_err());
/// ```
#[derive(Clone)]
pub struct WorkRequest {
    method: Method,
    path: PathAndQuery,
    token: String,
}

/// The method or the path cannot be used to ask for out-of-band work.
#[derive(Debug)]
pub struct InvalidWorkRequest(&'static str);

impl WorkRequest {
    /// Asks by this method, at this path, with a new token.
    ///
    /// # Errors
    ///
    /// If the path is not plain: it begins with a slash, does not end with one,
    /// and has no query and no escapes. If it is the front page's, and the
    /// method a usual one. If the method is `CONNECT`. Or if the operating
    /// system has no random numbers.
    pub fn new(method: Method, path: &str) -> Result<Self, InvalidWorkRequest> {
        if method == Method::CONNECT {
            return Err(InvalidWorkRequest("CONNECT is not for applications"));
        }
        if is_usual(&method) && path == "/" {
            return Err(InvalidWorkRequest(
                "with a usual method it needs a path of its own",
            ));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!/@:+,".contains(&byte);
        if !path.bytes().all(plain) || simplified(path) != path.to_ascii_lowercase() {
            return Err(InvalidWorkRequest(
                "its path begins with a slash, does not end with one, and needs no escapes",
            ));
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|_| InvalidWorkRequest("there are no random numbers for its token"))?;
        Ok(Self {
            method,
            path: path
                .parse()
                .map_err(|_| InvalidWorkRequest("its path is none"))?,
            token: format!("{:032x}", u128::from_ne_bytes(random)),
        })
    }

    /// Whether a request is one that a client may not send.
    ///
    /// Application servers differ in what they decode and tidy up. So this errs
    /// on the side of too much: escapes, case, empty parts, dots and parameters
    /// make no difference.
    pub fn reserves(&self, method: &Method, uri: &Uri) -> bool {
        if !is_usual(&self.method) {
            return *method == self.method;
        }
        let (path, reserved) = (uri.path(), self.path.path());
        // Each of them makes a path longer, but case. Most requests cost no
        // more than a look at the length, and some at the letters.
        path.len() >= reserved.len()
            && (path.eq_ignore_ascii_case(reserved)
                || is_untidy(path) && simplified(path) == reserved.to_ascii_lowercase())
    }

    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("PEREGRINE_OOB_WORK_METHOD", self.method.to_string()),
            ("PEREGRINE_OOB_WORK_PATH", self.path.to_string()),
            ("PEREGRINE_OOB_WORK_TOKEN", self.token.clone()),
        ]
    }

    pub(super) fn to_request(&self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.path.clone());
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static("peregrine"));
        if let Ok(token) = HeaderValue::from_str(&self.token) {
            headers.insert(TOKEN, token);
        }
        request
    }
}

/// `POST /.peregrine/oob-work`.
///
/// # Panics
///
/// If the operating system has no random numbers.
impl Default for WorkRequest {
    fn default() -> Self {
        Self::new(Method::POST, "/.peregrine/oob-work").expect("a plain path, and a random number")
    }
}

/// Whether clients use this method: RFC 9110 §9.3, and PATCH of RFC 5789.
fn is_usual(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ]
    .contains(method)
}

/// Whether there is anything to simplify but case.
fn is_untidy(path: &str) -> bool {
    path.bytes().any(|byte| matches!(byte, b'%' | b';' | b'\\'))
        || path.ends_with('/')
        || path.contains("//")
        || path.contains("/.")
}

/// What is left of a path for those who tidy up the most: escapes decoded, no
/// parameters, no empty parts, no dots, all in lower case.
fn simplified(path: &str) -> String {
    let decoded = decoded(path);
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
        match name {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    let path = [b"/", parts.join(&b'/').as_slice()].concat();
    String::from_utf8_lossy(&path).to_ascii_lowercase()
}

/// RFC 3986 §2.1. What is no escape stays as it is.
fn decoded(path: &str) -> Vec<u8> {
    let mut rest = path.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, others @ ..] = rest {
        let escape = others.get(..2).filter(|_| *first == b'%');
        let byte = escape
            .and_then(|digits| str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = byte {
            decoded.push(byte);
            rest = &others[2..];
        } else {
            decoded.push(*first);
            rest = others;
        }
    }
    decoded
}

/// Without the token.
impl fmt::Debug for WorkRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidWorkRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no request for out-of-band work: {}", self.0)
    }
}

impl std::error::Error for InvalidWorkRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_reserved_in_all_its_disguises() {
        let cases = [
            ("as it is", "/.peregrine/oob-work", true),
            ("with a query", "/.peregrine/oob-work?a=b", true),
            (
                "absolute form",
                "http://a.example/.peregrine/oob-work",
                true,
            ),
            ("an escape", "/%2Eperegrine/oob-work", true),
            ("an escaped slash", "/.peregrine%2foob-work", true),
            ("in capitals", "/.Peregrine/OOB-WORK", true),
            ("an empty part", "//.peregrine//oob-work", true),
            ("a slash behind", "/.peregrine/oob-work/", true),
            ("dots", "/a/../.peregrine/./oob-work", true),
            ("more dots than parts", "/../../.peregrine/oob-work", true),
            ("parameters", "/.peregrine;a=b/oob-work;c", true),
            ("below it", "/.peregrine/oob-work/a", false),
            ("beside it", "/.peregrine/oob-works", false),
            ("above it", "/.peregrine", false),
            ("the front page", "/", false),
            ("no path", "*", false),
            ("half an escape", "/.peregrine/oob-work%2", false),
            ("no escape", "/.peregrine/oob-work%+1", false),
        ];
        let request = WorkRequest::default();
        for (name, uri, expected) in cases {
            let uri = uri.parse().unwrap();
            for method in [Method::GET, Method::POST] {
                assert_eq!(request.reserves(&method, &uri), expected, "{name}");
            }
        }
    }

    #[test]
    fn an_unusual_method_is_reserved_and_its_path_is_not() {
        let oobw = Method::from_bytes(b"OOBW").unwrap();
        let request = WorkRequest::new(oobw.clone(), "/").unwrap();
        for path in ["/", "/a"] {
            let uri = path.parse().unwrap();
            assert!(request.reserves(&oobw, &uri), "{path}");
            assert!(!request.reserves(&Method::GET, &uri), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_reserved_is_refused() {
        let cases = [
            ("the front page", "POST", "/", false),
            ("no slash", "POST", "work", false),
            ("nothing", "POST", "", false),
            ("a query", "POST", "/work?a", false),
            ("an escape", "POST", "/%77ork", false),
            ("a space", "POST", "/out of band", false),
            ("dots", "POST", "/a/../work", false),
            ("a slash behind", "POST", "/work/", false),
            ("a tunnel", "CONNECT", "/work", false),
            ("Passenger's method", "OOBW", "/", true),
            ("capitals", "GET", "/Work", true),
        ];
        for (name, method, path, expected) in cases {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = WorkRequest::new(method, path);
            assert_eq!(request.is_ok(), expected, "{name}: {request:?}");
        }
    }

    #[test]
    fn a_process_is_told_what_it_will_be_sent() {
        let request = WorkRequest::default();
        let environment = request.environment();
        let sent = request.to_request();
        assert_eq!(environment[0].1, sent.method().as_str());
        assert_eq!(environment[1].1, sent.uri().to_string());
        let token = &environment[2].1;
        assert_eq!(sent.headers()["!~OOB-Work-Token"], **token);
        assert_eq!(token.len(), 32);
        assert_ne!(WorkRequest::default().token, *token);
        assert!(!format!("{request:?}").contains(token));
    }
}

use std::io;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCEPT_ENCODING, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
        IF_UNMODIFIED_SINCE, RANGE,
    },
};
use http_body_util::Empty;
use tower_http::services::{ServeFile, fs::ServeFileSystemResponseBody};

use crate::folder::Found;

/// A file on its way to a client.
pub(crate) type FileBody = ServeFileSystemResponseBody;

/// The fields in which a client says which part of a file it wants, in which
/// form, and under which conditions.
const OF_WISHES: [HeaderName; 7] = [
    ACCEPT_ENCODING,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// What a client wants of a file.
#[derive(Debug)]
pub(crate) struct Wish {
    method: Method,
    headers: HeaderMap,
}

impl Wish {
    /// What `request` wants, whether it is for a file or not.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let wish = Self {
            method: request.method().clone(),
            headers: HeaderMap::new(),
        };
        if !matches!(wish.method, Method::GET | Method::HEAD) {
            return wish.for_all_of_it();
        }
        let fields = OF_WISHES.into_iter().filter_map(|name| {
            let value = request.headers().get(&name)?.clone();
            Some((name, value))
        });
        Self {
            headers: fields.collect(),
            ..wish
        }
    }

    /// All of the file, under no condition.
    pub(crate) fn for_all_of_it(self) -> Self {
        let method = match self.method {
            Method::HEAD => Method::HEAD,
            _ => Method::GET,
        };
        let headers = HeaderMap::new();
        Self { method, headers }
    }

    /// Sends `found`, or the part of it that is wanted, or says that the client
    /// has it already.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has gone meanwhile.
    pub(crate) async fn fulfil(mut self, found: &Found) -> io::Result<Response<FileBody>> {
        let response = self.send(found).await?;
        // RFC 9110 §13.1.5: "A recipient of an If-Range header field MUST ignore
        // the Range header field if the If-Range condition evaluates as false."
        let Some(condition) = self.headers.remove(IF_RANGE) else {
            return Ok(response);
        };
        let partial = [
            StatusCode::PARTIAL_CONTENT,
            StatusCode::RANGE_NOT_SATISFIABLE,
        ];
        if !partial.contains(&response.status()) || is_current(&condition, response.headers()) {
            return Ok(response);
        }
        self.headers.remove(RANGE);
        self.send(found).await
    }

    async fn send(&self, found: &Found) -> io::Result<Response<FileBody>> {
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let mut file = ServeFile::new(&found.path).ignore_multi_range_requests(true);
        if found.gzip {
            file = file.precompressed_gzip();
        }
        if found.brotli {
            file = file.precompressed_br();
        }
        file.try_call(request).await
    }
}

/// Whether a validator is that of the file. A date never is: it says nothing of
/// what happens within its second.
fn is_current(condition: &HeaderValue, headers: &HeaderMap) -> bool {
    headers.get(ETAG) == Some(condition)
}

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

use crate::fields::field;

/// Fields that are written behind those of the request in whose extensions they are.
///
/// To put a field among the others costs several times what it takes to write it. These
/// are put into words once, and are sent with as many requests as they go with. They take
/// the place of no field of the same name.
///
/// ```
/// use http::{HeaderName, HeaderValue, Request};
/// use http_body_util::Empty;
/// use peregrine_http1::client::{Conn, MoreFields};
/// # use bytes::Bytes;
///
/// let via = (HeaderName::from_static("via"), HeaderValue::from_static("1.1 a"));
/// let more = MoreFields::from_iter([via]);
///
/// let mut request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
/// request.extensions_mut().insert(more);
/// # use std::{future::poll_fn, task::Poll};
/// # use tokio::io::AsyncReadExt;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// # let (near, mut server) = tokio::io::duplex(1024);
/// let mut conn = Conn::new(near);
/// conn.begin(&mut request).unwrap();
/// # poll_fn(|cx| Poll::Ready(conn.send(cx))).await;
/// # let mut asked = [0; 30];
/// # server.read_exact(&mut asked).await.unwrap();
/// assert_eq!(&asked, b"GET / HTTP/1.1\r\nvia: 1.1 a\r\n\r\n");
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoreFields(Bytes);

impl MoreFields {
    /// The lines of a head that they are.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Fields that say where a body ends are left out: whoever sends it does that.
impl FromIterator<(HeaderName, HeaderValue)> for MoreFields {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: I) -> Self {
        let mut lines = Vec::new();
        for (name, value) in fields {
            if !matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING) {
                field(name.as_str(), value.as_bytes(), &mut lines);
            }
        }
        Self(lines.into())
    }
}

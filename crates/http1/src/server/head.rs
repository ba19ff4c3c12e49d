use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{HeaderMap, Method, Request, Uri, Version};

use super::framing::Fields;
use crate::{
    MAX_FIELDS, MAX_HEAD, Malformed,
    fields::{Place, complete, has_end, range, read},
};

/// Looks for the head of a request at the beginning of what has come.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// So many bytes have been looked through for its end.
    searched: usize,
}

impl Head {
    /// Takes the head of `request` out of `bytes`; `None` if more has to come first. Its
    /// fields come into the memory of `headers`.
    ///
    /// Empty lines before it are passed over, and a line may end without its carriage
    /// return (RFC 9112 §2.2). One that goes on in the next line (§5.2), and white space
    /// in front of a colon (§5.1), are refused.
    pub(super) fn parse<B>(
        &mut self,
        bytes: &mut BytesMut,
        request: &mut Request<B>,
        headers: impl FnOnce() -> HeaderMap,
    ) -> Result<Option<Fields>, Malformed> {
        // Whoever sends it byte by byte is not to have all of it read as often.
        if self.searched > 0 && !has_end(&bytes[self.searched.saturating_sub(3)..]) {
            return self.wait(bytes);
        }
        let mut places = [Place::default(); MAX_FIELDS];
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        let parsed = head.parse_with_uninit_headers(bytes, &mut fields);
        let Some(len) = complete(parsed)? else {
            return self.wait(bytes);
        };
        self.searched = 0;
        let method = head.method.unwrap_or_default().as_bytes();
        *request.method_mut() =
            Method::from_bytes(method).map_err(|_| Malformed::Head(httparse::Error::Token))?;
        *request.version_mut() = match head.version {
            Some(0) => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        let target = range(head.path.unwrap_or_default().as_bytes(), bytes);
        let places = Place::all(&mut places, head.headers, bytes);
        let head = bytes.split_to(len).freeze();
        let target = Uri::from_maybe_shared(head.slice(target)).map_err(|_| Malformed::Target)?;
        *request.uri_mut() = target;
        *request.headers_mut() = headers();
        let mut fields = Fields::default();
        read(&head, places, request.headers_mut(), |name, value| {
            fields.note(name, value);
        })?;
        Ok(Some(fields))
    }

    fn wait<T>(&mut self, bytes: &BytesMut) -> Result<Option<T>, Malformed> {
        self.searched = bytes.len();
        if bytes.len() < MAX_HEAD {
            return Ok(None);
        }
        let first = bytes.trim_ascii_start();
        Err(if first.contains(&b'\n') {
            Malformed::HeadTooLarge
        } else {
            Malformed::TargetTooLong
        })
    }
}

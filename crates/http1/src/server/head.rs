use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};
use http::{HeaderMap, Method, Request, Uri, Version, uri::PathAndQuery};

use super::{
    framing::Fields,
    plain::{Plain, plain},
};
use crate::{
    MAX_FIELDS, MAX_HEAD, Malformed,
    fields::{Place, complete, has_end, range, read},
    lines::Lines,
};

/// Looks for the head of a request at the beginning of what has come, once for each request
/// of a connection.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// So many bytes of empty lines are in front of it.
    begin: usize,
    /// So many bytes have been looked through for its end.
    searched: usize,
    lines: Lines,
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
        self.begin += empty_lines(&bytes[self.begin..]);
        // Whoever sends it byte by byte is not to have all of it read as often.
        let new = self.searched.saturating_sub(3).max(self.begin);
        if self.searched > 0 && bytes.len() < MAX_HEAD && !has_end(&bytes[new..]) {
            self.searched = bytes.len();
            return Ok(None);
        }
        let seen = seen(bytes, self.begin);
        if let Some(plain) = plain(seen, &mut self.lines) {
            return self.take(plain, bytes, request, headers()).map(Some);
        }
        let mut places = [Place::default(); MAX_FIELDS];
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        let parsed = head.parse_with_uninit_headers(seen, &mut fields);
        let parsed = complete(parsed).map_err(|why| self.refusal(why, bytes));
        let Some(len) = parsed? else {
            self.searched = bytes.len();
            return self.bound(bytes).map(|()| None);
        };
        let method = head.method.unwrap_or_default().as_bytes();
        *request.method_mut() =
            Method::from_bytes(method).map_err(|_| Malformed::Head(httparse::Error::Token))?;
        *request.version_mut() = match head.version {
            Some(0) => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        let target = range(head.path.unwrap_or_default().as_bytes(), bytes);
        let places = Place::all(&mut places, head.headers, bytes);
        let head = bytes.split_to(self.begin + len).freeze();
        self.rest();
        let target = Uri::from_maybe_shared(head.slice(target)).map_err(|_| Malformed::Target)?;
        if !is_target(&target, request.method()) {
            return Err(Malformed::Target);
        }
        *request.uri_mut() = target;
        *request.headers_mut() = headers();
        let mut fields = Fields::default();
        read(&head, places, request.headers_mut(), |name, value| {
            fields.note(name, value);
        })?;
        Ok(Some(fields))
    }

    /// Takes a plain head out of `bytes`, whose fields have been found.
    fn take<B>(
        &mut self,
        plain: Plain,
        bytes: &mut BytesMut,
        request: &mut Request<B>,
        headers: HeaderMap,
    ) -> Result<Fields, Malformed> {
        bytes.advance(self.begin);
        self.rest();
        let head = bytes.split_to(plain.len).freeze();
        let target = head.slice(plain.target);
        let target = PathAndQuery::from_maybe_shared(target).map_err(|_| Malformed::Target)?;
        *request.uri_mut() = target.into();
        *request.method_mut() = plain.method;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        let mut fields = Fields::default();
        let slice = |range| head.slice(range);
        let headers = request.headers_mut();
        self.lines
            .put(headers, slice, |name, value| fields.note(name, value))?;
        Ok(fields)
    }

    /// The next one is looked for.
    const fn rest(&mut self) {
        self.begin = 0;
        self.searched = 0;
    }

    /// Whether there is more than empty lines in `bytes`, after they have been looked at.
    pub(super) fn has_begun(&self, bytes: &BytesMut) -> bool {
        !matches!(bytes[self.begin..], [] | [b'\r'])
    }

    /// What to make of it that nothing comes after `bytes`. So that it is the same
    /// however they came.
    pub(super) fn end(&self, bytes: &BytesMut) -> Result<(), Malformed> {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut []);
        let parsed = head.parse_with_uninit_headers(seen(bytes, self.begin), &mut fields);
        let parsed = complete(parsed).map_err(|why| self.refusal(why, bytes));
        parsed.map(|_| ())
    }

    /// What is wrong with what does not say that it is HTTP/1.
    fn refusal(&self, why: Malformed, bytes: &BytesMut) -> Malformed {
        let mut parts = seen(bytes, self.begin).splitn(3, |byte| *byte == b' ');
        match (why, parts.nth(2)) {
            // As much of it as is there when it is known not to be that.
            (
                Malformed::Head(httparse::Error::Version),
                Some(
                    [b'H', b'T', b'T', b'P', b'/', b'2'..=b'9', ..]
                    | [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9', ..],
                ),
            ) => Malformed::Version,
            _ => why,
        }
    }

    fn bound(&self, bytes: &BytesMut) -> Result<(), Malformed> {
        if bytes.len() < MAX_HEAD {
            return Ok(());
        }
        let seen = seen(bytes, self.begin);
        Err(if seen.is_empty() || seen.contains(&b'\n') {
            Malformed::HeadTooLarge
        } else {
            Malformed::TargetTooLong
        })
    }
}

/// What is looked at: nothing behind the largest head says anything about it.
fn seen(bytes: &BytesMut, begin: usize) -> &[u8] {
    let end = bytes.len().min(MAX_HEAD);
    &bytes[begin.min(end)..end]
}

/// How many bytes of empty lines there are at the beginning.
fn empty_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let [b'\n', others @ ..] | [b'\r', b'\n', others @ ..] = rest {
        rest = others;
    }
    bytes.len() - rest.len()
}

/// Whether a target has the form that goes with the method.
///
/// RFC 9112 §3.2: the authority form "is only used for CONNECT requests", and the asterisk
/// form "for a server-wide OPTIONS request". In any other request, a host in place of a
/// path is another one than that of the `Host` field, or nothing at all.
fn is_target(target: &Uri, method: &Method) -> bool {
    let is_authority = target.scheme().is_none() && target.authority().is_some();
    if *method == Method::CONNECT || is_authority {
        return *method == Method::CONNECT && is_authority;
    }
    *method == Method::OPTIONS || target.path() != "*"
}

#[cfg(test)]
mod tests;

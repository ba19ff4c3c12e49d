use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};
use http::{HeaderMap, StatusCode, Version};
use hyper::ext::ReasonPhrase;

use super::{framing::Fields, plain::plain};
use crate::{
    Failure, MAX_FIELDS, MAX_HEAD, Malformed,
    fields::{Parsed, Place, complete, has_end, read},
    lines::Lines,
};

/// Looks for the head of an answer at the beginning of what has come, once for each answer
/// of a connection.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// So many bytes have been looked through for its end.
    searched: usize,
    lines: Lines,
}

/// What a head says beside its fields.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    /// Unless it is the usual one.
    pub(super) reason: Option<ReasonPhrase>,
    pub(super) fields: Fields,
}

impl Head {
    /// Takes the head of an answer out of `bytes`; `None` if more has to come first. Its
    /// fields take the place of whatever is in `headers`.
    ///
    /// A line may end without its carriage return (RFC 9112 §2.2). One that goes on in
    /// the next line (§5.2), and white space in front of a colon (§5.1), are refused.
    pub(super) fn parse(
        &mut self,
        bytes: &mut BytesMut,
        headers: &mut HeaderMap,
    ) -> Result<Option<Said>, Malformed> {
        // Whoever sends it byte by byte is not to have all of it read as often.
        if self.searched > 0 && !has_end(&bytes[self.searched.saturating_sub(3)..]) {
            return self.wait(bytes);
        }
        if let Some((status, len)) = plain(bytes, &mut self.lines) {
            self.searched = 0;
            return Ok(Some(Said {
                status,
                version: Version::HTTP_11,
                reason: None,
                fields: self.take(len, bytes, headers)?,
            }));
        }
        let mut places = [Place::default(); MAX_FIELDS];
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Response::new(&mut []);
        let Some(len) = complete(parse(&mut head, bytes, &mut fields))? else {
            return self.wait(bytes);
        };
        self.searched = 0;
        let status = StatusCode::from_u16(head.code.unwrap_or_default());
        let status = status.map_err(|_| Malformed::Head(httparse::Error::Status))?;
        let version = match head.version {
            Some(0) => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        let reason = head
            .reason
            .filter(|reason| Some(*reason) != status.canonical_reason())
            .and_then(|reason| ReasonPhrase::try_from(reason.as_bytes()).ok());
        let places = Place::all(&mut places, head.headers, bytes);
        let head = bytes.split_to(len).freeze();
        let mut fields = Fields::default();
        read(&head, places, headers, |name, value| {
            fields.note(name, value);
        })?;
        fields.settle(headers);
        Ok(Some(Said {
            status,
            version,
            reason,
            fields,
        }))
    }

    /// Takes the plain head of this length out of `bytes`, whose fields have been found.
    fn take(
        &mut self,
        len: usize,
        bytes: &mut BytesMut,
        headers: &mut HeaderMap,
    ) -> Result<Fields, Malformed> {
        // Only if a value is still to be a part of it.
        let mut head = None;
        let mut fields = Fields::default();
        let slice = |range| {
            let head = head.get_or_insert_with(|| bytes.split_to(len).freeze());
            head.slice(range)
        };
        self.lines
            .put(headers, slice, |name, value| fields.note(name, value))?;
        if head.is_none() {
            bytes.advance(len);
        }
        fields.settle(headers);
        Ok(fields)
    }

    /// What to make of it that nothing comes after `bytes`. So that it is the same
    /// however they came.
    pub(super) fn end(bytes: &BytesMut) -> Failure {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut head = httparse::Response::new(&mut []);
        match complete(parse(&mut head, bytes, &mut fields)) {
            Err(malformed) => malformed.into(),
            Ok(_) => Failure::cut_off(),
        }
    }

    fn wait<T>(&mut self, bytes: &BytesMut) -> Result<Option<T>, Malformed> {
        self.searched = bytes.len();
        if bytes.len() >= MAX_HEAD {
            return Err(Malformed::HeadTooLarge);
        }
        Ok(None)
    }
}

fn parse<'a, 'b>(
    head: &mut httparse::Response<'a, 'b>,
    bytes: &'b [u8],
    fields: &'a mut [MaybeUninit<httparse::Header<'b>>],
) -> Parsed {
    httparse::ParserConfig::default().parse_response_with_uninit_headers(head, bytes, fields)
}

#[cfg(test)]
mod tests;

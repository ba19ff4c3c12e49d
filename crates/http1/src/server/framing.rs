use http::{
    HeaderName, HeaderValue, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRANSFER_ENCODING},
};

use crate::{
    Malformed,
    decode::Framing,
    fields::{Options, decimal, elements},
};

/// What the fields of a request say about its end, and about the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    connection: Options,
    expects_continue: bool,
    takes_trailers: bool,
    transfer: Option<Transfer>,
    length: Option<Length>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    /// This and nothing else.
    Chunked,
    /// Something else, and then that.
    CodedAndChunked,
    /// Something that does not say where it ends.
    Endless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(u64),
    /// None, or more than one.
    Invalid,
}

impl Fields {
    /// Takes notice of a field. Called for each line in turn.
    pub(super) fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            CONTENT_LENGTH => {
                let octets = decimal(value.as_bytes()).filter(|_| self.length.is_none());
                self.length = Some(octets.map_or(Length::Invalid, Length::Known));
            }
            CONNECTION => self.connection.note(value),
            TRANSFER_ENCODING => {
                for coding in value.as_bytes().split(|byte| *byte == b',') {
                    self.note_coding(coding.trim_ascii());
                }
            }
            // RFC 9110 §10.1.1: "The Expect field value is case-insensitive."
            EXPECT => {
                self.expects_continue |= value.as_bytes().eq_ignore_ascii_case(b"100-continue");
            }
            TE => {
                let mut codings = elements(value);
                self.takes_trailers |=
                    codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
            }
            _ => {}
        }
    }

    fn note_coding(&mut self, coding: &[u8]) {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        self.transfer = Some(match self.transfer {
            None if is_chunked => Transfer::Chunked,
            Some(Transfer::Endless) if is_chunked => Transfer::CodedAndChunked,
            // Also what follows the chunks. RFC 9112 §6.1: "A sender MUST NOT apply the
            // chunked transfer coding more than once".
            _ => Transfer::Endless,
        });
    }

    /// Where the body of the request ends. `None` if there is none.
    ///
    /// The rules are those of RFC 9112 §6.3, but where it lets a server choose, the
    /// request is refused: somebody in front of us may have chosen otherwise, and have
    /// taken for a body what we would take for the next request.
    pub(super) fn framing(&self, version: Version) -> Result<Option<Framing>, Malformed> {
        match (self.transfer, self.length) {
            (None, None | Some(Length::Known(0))) => Ok(None),
            (None, Some(Length::Known(octets))) => Ok(Some(Framing::Length(octets))),
            (Some(Transfer::Chunked), None) if version == Version::HTTP_11 => {
                Ok(Some(Framing::Chunked))
            }
            // §6.1: "A server that receives a request message with a transfer coding it
            // does not understand SHOULD respond with 501".
            (Some(Transfer::CodedAndChunked), None) if version == Version::HTTP_11 => {
                Err(Malformed::UnknownCoding)
            }
            // Rule 4: "the message body length cannot be determined reliably; the server
            // MUST respond with the 400 (Bad Request) status code". §6.1: "A server or
            // client that receives an HTTP/1.0 message containing a Transfer-Encoding
            // header field MUST treat the message as if the framing is faulty". And "A
            // server MAY reject a request that contains both Content-Length and
            // Transfer-Encoding".
            (Some(_), _) => Err(Malformed::TransferEncoding),
            // Rule 5: "If the unrecoverable error is in a request message, the server MUST
            // respond with a 400 (Bad Request) status code and then close the connection."
            (None, Some(Length::Invalid)) => Err(Malformed::ContentLength),
        }
    }

    /// Whether the client takes another answer on this connection (RFC 9112 §9.3).
    pub(super) fn persists(&self, version: Version) -> bool {
        self.connection.persists(version)
    }

    /// Whether the client waits to be told that it may send its body. RFC 9110 §10.1.1: "A
    /// server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore
    /// that expectation."
    pub(super) fn expects_continue(&self, version: Version) -> bool {
        self.expects_continue && version == Version::HTTP_11
    }

    pub(super) const fn takes_trailers(&self) -> bool {
        self.takes_trailers
    }
}

#[cfg(test)]
mod tests;

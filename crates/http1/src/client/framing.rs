use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};

use crate::{
    Malformed,
    decode::Framing,
    fields::{Options, decimal},
};

/// What the fields of an answer say about its end, and about the connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    connection: Options,
    transfer: Option<Transfer>,
    length: Option<Length>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    Chunked,
    /// Words that stand for no coding.
    Unknown,
    /// Something else, or more than that.
    Other,
}

/// The registered codings (RFC 9112 §7.2), and one that was.
const CODINGS: [&[u8]; 7] = [
    b"chunked",
    b"gzip",
    b"x-gzip",
    b"deflate",
    b"compress",
    b"x-compress",
    b"identity",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// `is_repeated` if the same was said more than once.
    Known {
        octets: u64,
        is_repeated: bool,
    },
    Invalid,
}

impl Fields {
    /// Takes notice of a field. Called for each line in turn.
    pub(super) fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            CONTENT_LENGTH => self.note_lengths(value.as_bytes()),
            CONNECTION => self.connection.note(value),
            TRANSFER_ENCODING => {
                for coding in value.as_bytes().split(|byte| *byte == b',') {
                    self.note_coding(coding.trim_ascii());
                }
            }
            _ => {}
        }
    }

    fn note_coding(&mut self, coding: &[u8]) {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        self.transfer = Some(match self.transfer {
            None if is_chunked => Transfer::Chunked,
            None | Some(Transfer::Unknown) if is_unknown(coding) => Transfer::Unknown,
            // An empty element, too. To ignore it (RFC 9110 §5.6.1) is not what everybody
            // does.
            _ => Transfer::Other,
        });
    }

    fn note_lengths(&mut self, value: &[u8]) {
        match decimal(value) {
            // As nearly always.
            Some(octets) => self.note_length(Some(octets)),
            None => {
                for element in value.split(|byte| *byte == b',') {
                    self.note_length(decimal(element.trim_ascii()));
                }
            }
        }
    }

    fn note_length(&mut self, octets: Option<u64>) {
        // RFC 9112 §6.3, rule 5: "unless the field value can be successfully parsed as
        // a comma-separated list, all values in the list are valid, and all values in
        // the list are the same".
        self.length = Some(match (self.length, octets) {
            (None, Some(octets)) => Length::Known {
                octets,
                is_repeated: false,
            },
            (Some(Length::Known { octets, .. }), Some(again)) if octets == again => Length::Known {
                octets,
                is_repeated: true,
            },
            _ => Length::Invalid,
        });
    }

    /// Where the body ends of an answer to a request with this method. `None` if there
    /// is no body.
    ///
    /// The rules are those of RFC 9112 §6.3, but where it lets a client guess, the
    /// answer is refused.
    pub(super) fn framing(
        &self,
        method: &Method,
        status: StatusCode,
        version: Version,
    ) -> Result<Option<Framing>, Malformed> {
        // Rule 1: "Any response to a HEAD request and any response with a 1xx
        // (Informational), 204 (No Content), or 304 (Not Modified) status code is always
        // terminated by the first empty line after the header fields".
        if *method == Method::HEAD
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
        {
            return Ok(None);
        }
        match (self.transfer, self.length) {
            (Some(Transfer::Chunked), _) if version == Version::HTTP_11 => {
                Ok(Some(Framing::Chunked))
            }
            // Rule 4: "If a Transfer-Encoding header field is present in a response and the
            // chunked transfer coding is not the final encoding, the message body length is
            // determined by reading the connection until it is closed by the server."
            (Some(Transfer::Unknown), _) if version == Version::HTTP_11 => Ok(Some(Framing::Close)),
            // A coding that nobody has asked for (§7.4), and that the client would not hear
            // of: the field ends here. Or one that "A sender MUST NOT apply [...] more than
            // once" (§6.1). And "A server or client that receives an HTTP/1.0 message
            // containing a Transfer-Encoding header field MUST treat the message as if the
            // framing is faulty" (§6.1).
            (Some(_), _) => Err(Malformed::TransferEncoding),
            (None, Some(Length::Known { octets, .. })) => Ok(Some(Framing::Length(octets))),
            // Rule 5: "If the unrecoverable error is in a response message received by a
            // proxy, the proxy MUST close the connection to the server, discard the
            // received response, and send a 502".
            (None, Some(Length::Invalid)) => Err(Malformed::ContentLength),
            (None, None) => Ok(Some(Framing::Close)),
        }
    }

    /// Whether the connection takes another request after this answer, as far as its
    /// head says (RFC 9112 §9.3).
    pub(super) fn persists(&self, version: Version) -> bool {
        // §6.1: who sends both fields is to be answered, but "MUST close the connection
        // after": somebody may want two of us to disagree.
        let is_contradictory = self.transfer.is_some() && self.length.is_some();
        !is_contradictory && self.connection.persists(version)
    }

    /// Makes the fields say once and for all what was understood.
    pub(super) fn settle(&self, headers: &mut HeaderMap) {
        match self.length {
            // Rule 3: an intermediary "MUST first remove the received Content-Length
            // field".
            Some(_) if self.transfer.is_some() => {
                headers.remove(CONTENT_LENGTH);
            }
            Some(Length::Known {
                octets,
                is_repeated: true,
            }) => {
                headers.insert(CONTENT_LENGTH, octets.into());
            }
            _ => {}
        }
    }
}

/// Whether nobody can have coded a body in this way, nor take it for another one.
fn is_unknown(coding: &[u8]) -> bool {
    !coding.is_empty()
        && coding.iter().all(u8::is_ascii_alphabetic)
        && !CODINGS
            .iter()
            .any(|known| coding.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests;

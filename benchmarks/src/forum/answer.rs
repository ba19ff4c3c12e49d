//! What of an answer counts, and where it ends.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::Result;

/// An answer that has come whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    head: &'a [u8],
    body: &'a [u8],
    size: usize,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

impl<'a> Answer<'a> {
    /// One that took `size` bytes on the wire.
    pub(super) const fn new(head: &'a [u8], body: &'a [u8], size: usize) -> Self {
        Self { head, body, size }
    }

    pub(super) fn status(self) -> &'a [u8] {
        self.head.get(9..12).unwrap_or_default()
    }

    /// In the coding in which it came.
    pub(super) const fn body(self) -> &'a [u8] {
        self.body
    }

    /// Bytes on the wire, head and body.
    pub(super) const fn size(self) -> usize {
        self.size
    }

    /// What is compressed in it.
    ///
    /// An error if it is not compressed, or not text.
    pub(super) fn text(self) -> Result<String> {
        if self.field("content-encoding") != Some(b"gzip") {
            return Err("it is not compressed".into());
        }
        let mut text = String::new();
        GzDecoder::new(self.body).read_to_string(&mut text)?;
        Ok(text)
    }

    /// The first line of the field called `name`, which is in lower case.
    pub(super) fn field(self, name: &str) -> Option<&'a [u8]> {
        field(self.head, name)
    }

    pub(super) fn field_has(self, name: &str, part: &str) -> bool {
        let value = self.field(name).unwrap_or_default();
        value.windows(part.len()).any(|it| it == part.as_bytes())
    }
}

impl Framing {
    /// How long the head is, if the whole of it is there, and how the body ends.
    pub(super) fn of(answer: &[u8]) -> Result<Option<(usize, Self)>> {
        let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = end + 4;
        let fields = &answer[..head];
        let framing = if field(fields, "transfer-encoding") == Some(b"chunked") {
            Self::Chunked
        } else {
            let length =
                field(fields, "content-length").ok_or("it does not say how long its answer is")?;
            Self::Length(std::str::from_utf8(length)?.parse()?)
        };
        Ok(Some((head, framing)))
    }
}

/// Puts what is in these chunks (RFC 9112 §7.1) into `body`. `false` if they are not
/// all there yet.
pub(super) fn unchunk(mut chunks: &[u8], body: &mut Vec<u8>) -> Result<bool> {
    body.clear();
    loop {
        let Some(end) = chunks.windows(2).position(|it| it == b"\r\n") else {
            return Ok(false);
        };
        let (size, rest) = chunks.split_at(end + 2);
        let size = usize::from_str_radix(std::str::from_utf8(size)?.trim_end(), 16)?;
        let Some((chunk, rest)) = rest.split_at_checked(size.saturating_add(2)) else {
            return Ok(false);
        };
        body.extend_from_slice(&chunk[..size]);
        match (size, rest) {
            (0, []) => return Ok(true),
            (0, _) => return Err("it sent more than it had announced".into()),
            _ => chunks = rest,
        }
    }
}

fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (called, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        called
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let cases = [
            ("half a head", &head[..20], Ok(None)),
            ("a head", head, Ok(Some((head.len(), Framing::Length(3))))),
            (
                "chunks",
                chunked,
                Ok(Some((chunked.len(), Framing::Chunked))),
            ),
            ("no length", "HTTP/1.1 200 OK\r\n\r\n", Err(())),
            (
                "no number",
                "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
                Err(()),
            ),
        ];
        for (name, answer, expected) in cases {
            let framed = Framing::of(answer.as_bytes()).map_err(|_| ());
            assert_eq!(framed, expected, "{name}");
        }
    }

    #[test]
    fn chunks_end_with_an_empty_one() {
        let whole = "3\r\nabc\r\n00a\r\n0123456789\r\n0\r\n\r\n";
        let mut body = Vec::new();
        for end in 0..whole.len() {
            let is_whole = unchunk(&whole.as_bytes()[..end], &mut body).unwrap();
            assert!(!is_whole, "{:?}", &whole[..end]);
        }
        assert!(unchunk(whole.as_bytes(), &mut body).unwrap());
        assert_eq!(body, b"abc0123456789");
        let refused = ["x\r\nabc\r\n", "0\r\n\r\nHTTP/1.1 200 OK\r\n"];
        for chunks in refused {
            assert!(unchunk(chunks.as_bytes(), &mut body).is_err(), "{chunks:?}");
        }
    }

    #[test]
    fn fields_are_found_in_any_case() {
        let answer = Answer {
            head: b"HTTP/1.1 303 See Other\r\nX-A: 1\r\nx-varnish:  3 2 \r\n\r\n",
            body: b"",
            size: 0,
        };
        assert_eq!(answer.status(), b"303");
        assert_eq!(answer.field("x-varnish"), Some(&b"3 2"[..]));
        assert_eq!(answer.field("x"), None);
        assert!(answer.field_has("x-varnish", " ") && !answer.field_has("x-a", " "));
    }
}

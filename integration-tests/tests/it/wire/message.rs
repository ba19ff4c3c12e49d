//! Messages as they are on the wire, read as strictly as the grammar allows.

use std::{fmt, io, str};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request or an answer.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Its first line, without the end of that.
    pub(super) start: String,
    /// Its field lines: a name in lower case, and a value.
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) content: Vec<u8>,
    /// The lines of its trailer section.
    pub(super) trailers: Vec<(String, Vec<u8>)>,
    pub(super) end: End,
}

/// What said where its content ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It may have none, and nobody says that it has.
    Head,
    Length,
    Chunks,
    Connection,
    /// Nothing: it was to go on.
    BrokenOff,
}

impl Message {
    /// The values of each line of a field.
    pub(super) fn lines(&self, name: &str) -> Vec<&str> {
        let lines = self.fields.iter().filter(|(n, _)| n == name);
        lines.map(|(_, value)| text(value)).collect()
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1);
        let status = status.and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no status: {self:?}"))
    }

    /// The target of a request, without its query.
    pub(super) fn path(&self) -> &str {
        let target = self.start.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Debug for Message {
    /// As it was on the wire, as far as that can be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.start)?;
        for (name, value) in self.fields.iter().chain(&self.trailers) {
            writeln!(f, "{name}: {}", value.escape_ascii())?;
        }
        let begin = &self.content[..self.content.len().min(200)];
        let length = self.content.len();
        write!(
            f,
            "{} ({length} bytes, {:?})",
            begin.escape_ascii(),
            self.end
        )
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_else(|_| panic!("no text: {bytes:?}"))
}

/// How much is read at a time.
const PIECE: usize = 16 * 1024;

/// Reads messages from a connection, one behind the other.
pub(super) struct Reader<R> {
    io: R,
    ahead: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R) -> Self {
        let ahead = BytesMut::new();
        Self { io, ahead }
    }

    /// The next head, or `None` if nothing comes any more.
    pub(super) async fn head(&mut self) -> io::Result<Option<Message>> {
        let Some(end) = self.find(b"\r\n\r\n").await? else {
            assert_eq!(str::from_utf8(&self.ahead), Ok(""), "it ends within a head");
            return Ok(None);
        };
        let head = self.take(end);
        let (start, fields) = head.split_at(position(&head, b"\r\n").expect("it was found"));
        Ok(Some(Message {
            start: text(start).to_owned(),
            fields: field_lines(&fields[2..]),
            content: Vec::new(),
            trailers: Vec::new(),
            end: End::Head,
        }))
    }

    /// The content that belongs to a head, as RFC 9112 §6.3 has it. If nothing says where
    /// that ends, there is none, or, with `to_the_end`, all that comes is.
    pub(super) async fn content(&mut self, message: &mut Message, to_the_end: bool) {
        let codings = message.lines("transfer-encoding");
        let lengths = message.lines("content-length");
        let (end, whole) = match (&codings[..], &lengths[..]) {
            ([], [length]) => {
                assert!(
                    length.bytes().all(|byte| byte.is_ascii_digit()),
                    "{message:?}"
                );
                let length = length.parse().expect("digits");
                (
                    End::Length,
                    self.exactly(length, &mut message.content).await,
                )
            }
            (["chunked"], []) => (End::Chunks, self.chunks(message).await),
            ([], []) if to_the_end => (End::Connection, self.rest(&mut message.content).await),
            ([], []) => (End::Head, true),
            _ => panic!("its end is ambiguous: {message:?}"),
        };
        message.end = if whole { end } else { End::BrokenOff };
    }

    /// Whether all of the chunks came (RFC 9112 §7.1).
    async fn chunks(&mut self, message: &mut Message) -> bool {
        loop {
            let Ok(Some(end)) = self.find(b"\r\n").await else {
                return false;
            };
            let line = self.take(end);
            let size = text(&line[..end - 2]);
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            if size == 0 {
                break;
            }
            let mut end = Vec::new();
            if !self.exactly(size, &mut message.content).await || !self.exactly(2, &mut end).await {
                return false;
            }
            assert_eq!(end, b"\r\n", "behind a chunk");
        }
        if self.ahead_is(b"\r\n").await {
            self.take(2);
            return true;
        }
        let Ok(Some(end)) = self.find(b"\r\n\r\n").await else {
            return false;
        };
        message.trailers = field_lines(&self.take(end));
        true
    }

    /// Whether so many bytes came.
    async fn exactly(&mut self, length: usize, content: &mut Vec<u8>) -> bool {
        while self.ahead.len() < length {
            if !self.more().await.unwrap_or(false) {
                content.extend(self.ahead.split());
                return false;
            }
        }
        content.extend(self.take(length));
        true
    }

    /// Whether the connection ended as it should.
    pub(super) async fn rest(&mut self, content: &mut Vec<u8>) -> bool {
        let ended = loop {
            match self.more().await {
                Ok(true) => {}
                Ok(false) => break true,
                Err(_) => break false,
            }
        };
        content.extend(self.ahead.split());
        ended
    }

    /// Whether `bytes` come, which are still to be read then.
    pub(super) async fn has(&mut self, bytes: &[u8]) -> bool {
        matches!(self.find(bytes).await, Ok(Some(_)))
    }

    async fn ahead_is(&mut self, bytes: &[u8]) -> bool {
        while self.ahead.len() < bytes.len() {
            if !self.more().await.unwrap_or(false) {
                return false;
            }
        }
        self.ahead.starts_with(bytes)
    }

    /// Where `end` ends, or `None` if it never comes.
    async fn find(&mut self, end: &[u8]) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            if let Some(begin) = position(&self.ahead[searched..], end) {
                return Ok(Some(searched + begin + end.len()));
            }
            // It may have begun.
            searched = self.ahead.len().saturating_sub(end.len() - 1);
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    fn take(&mut self, length: usize) -> BytesMut {
        self.ahead.split_to(length)
    }

    async fn more(&mut self) -> io::Result<bool> {
        // A large content is not to come in small pieces.
        self.ahead.reserve(PIECE);
        Ok(self.io.read_buf(&mut self.ahead).await? > 0)
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|it| it == wanted)
}

/// `*( field-line CRLF ) CRLF`
fn field_lines(section: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::new();
    let mut rest = section;
    while let Some(end) = position(rest, b"\r\n").filter(|end| *end > 0) {
        let (name, value) = rest[..end].split_at(position(&rest[..end], b":").expect("a colon"));
        fields.push((
            text(name).to_ascii_lowercase(),
            value[1..].trim_ascii().to_owned(),
        ));
        rest = &rest[end + 2..];
    }
    fields
}

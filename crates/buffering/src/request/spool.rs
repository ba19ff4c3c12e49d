use std::{io, pin::pin};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use tower::BoxError;

use super::{BufferError, body::Spooled, layer::Config};
use crate::{budget::Claim, temp_file::TempFile};

/// Reads `body` to its end.
///
/// Dropped before that, what was buffered is gone: its memory at once, its file
/// when the last write to it is done.
pub(super) async fn collect<B>(body: B, config: &Config) -> Result<Spooled, BufferError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body.map_err(BufferError::client));
    let mut spool = Spool::new(config);
    let mut trailers = None;
    while !body.is_end_stream() {
        match body.frame().await {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => spool.push(data).await?,
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Some(Err(error)) => return Err(error),
            None => break,
        }
    }
    Ok(spool.finish(trailers))
}

/// A body that is being read.
///
/// Memory is filled first. Whenever it is full it goes to the file in one
/// piece, so that the file is written in large pieces, and the last one stays
/// in memory.
struct Spool<'a> {
    config: &'a Config,
    len: u64,
    memory: Pieces,
    in_memory: Claim,
    file: Option<TempFile>,
    in_file: Claim,
    file_len: u64,
}

impl<'a> Spool<'a> {
    fn new(config: &'a Config) -> Self {
        Self {
            config,
            len: 0,
            memory: Pieces::default(),
            in_memory: config.space.claim_memory(),
            file: None,
            in_file: config.space.claim_files(),
            file_len: 0,
        }
    }

    async fn push(&mut self, data: Bytes) -> Result<(), BufferError> {
        self.len += data.len() as u64;
        let max = self.config.max_body_size;
        if self.len > max {
            return Err(BufferError::too_large(max));
        }
        let fits = self.memory.len() + data.len() <= self.config.memory_per_body;
        if fits && self.in_memory.grow(data.len() as u64) {
            self.memory.push(data);
            return Ok(());
        }
        let full = self.memory.take();
        let len = full.len() as u64 + data.len() as u64;
        if !self.in_file.grow(len) {
            return Err(BufferError::no_space());
        }
        self.write(vec![full, data])
            .await
            .map_err(BufferError::storage)?;
        self.file_len += len;
        self.in_memory.clear();
        Ok(())
    }

    async fn write(&mut self, pieces: Vec<Bytes>) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(self.config.space.create_file().await?),
        };
        file.write(pieces, self.file_len).await
    }

    fn finish(mut self, trailers: Option<HeaderMap>) -> Spooled {
        let file = self.file.map(|file| (file, self.file_len));
        let claims = [self.in_memory, self.in_file];
        Spooled::new(file, self.memory.take(), trailers, claims)
    }
}

/// What is in memory: one piece as it came, as nearly always, or a copy of all
/// of them in one. A client that sends a byte at a time would otherwise have us
/// keep a whole read buffer for each.
#[derive(Default)]
enum Pieces {
    #[default]
    None,
    One(Bytes),
    Copied(BytesMut),
}

impl Pieces {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(piece) => piece.len(),
            Self::Copied(copy) => copy.len(),
        }
    }

    fn push(&mut self, piece: Bytes) {
        match self {
            Self::None => *self = Self::One(piece),
            Self::One(first) => {
                let mut copy = BytesMut::with_capacity(2 * (first.len() + piece.len()));
                copy.extend_from_slice(first);
                copy.extend_from_slice(&piece);
                *self = Self::Copied(copy);
            }
            Self::Copied(copy) => copy.extend_from_slice(&piece),
        }
    }

    fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Self::None => Bytes::new(),
            Self::One(piece) => piece,
            Self::Copied(copy) => copy.freeze(),
        }
    }
}

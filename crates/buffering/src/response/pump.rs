use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;
use tracing::warn;

use super::{
    layer::Config,
    queue::{End, Queue},
};
use crate::{budget::Claim, temp_file::TempFile};

/// How much is written to a file at a time, if that much is there.
const WRITE: usize = 128 << 10;

/// How much is read from it at a time.
const READ: usize = 64 << 10;

/// Reads a body to its end, as fast as it comes: into the queue, and what has
/// no room there into a file.
///
/// What was read is in one of three places, oldest first: the queue, the file,
/// and `held`, which is what was read last. While there is something in the
/// file, nothing goes around it.
///
/// Dropped, which is when the client has left, so is the body. A client that is
/// still there is not left waiting: a body may panic.
pub(super) struct Pump<B> {
    /// Absent once it has ended: whatever it holds is free then, however much
    /// is still on its way to the client.
    body: Option<B>,
    held: VecDeque<Bytes>,
    /// How many bytes that is.
    held_size: usize,
    queue: Arc<Queue>,
    spill: Spill,
    end: Option<End>,
    config: Arc<Config>,
}

/// The file of one response, as a queue that is written and then read.
struct Spill {
    file: Option<TempFile>,
    claim: Claim,
    read: u64,
    written: u64,
    /// Files are of no use, after one could not be written.
    broken: bool,
}

/// What to do next that takes time.
enum Step {
    /// Moves what is held to the file.
    Write,
    /// Moves the oldest part of the file to the queue.
    Read,
    Done,
}

impl<B> Pump<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// `pieces` were read from `body` already.
    pub(super) fn new(body: B, pieces: Vec<Bytes>, queue: Arc<Queue>, config: Arc<Config>) -> Self {
        Self {
            body: Some(body),
            held_size: pieces.iter().map(Bytes::len).sum(),
            held: pieces.into(),
            queue,
            spill: Spill {
                file: None,
                claim: config.space.claim_files(),
                read: 0,
                written: 0,
                broken: false,
            },
            end: None,
            config,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            match poll_fn(|cx| self.poll_step(cx)).await {
                Step::Write => self.write().await,
                Step::Read => self.read().await,
                Step::Done => return,
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if self.spill.is_empty() {
                self.hand_on(cx);
            } else if self.queue.has_less_than(READ, cx) {
                return Poll::Ready(Step::Read);
            }
            if self.held.is_empty()
                && self.spill.is_empty()
                && let Some(end) = self.end.take()
            {
                self.queue.finish(end);
                return Poll::Ready(Step::Done);
            }
            if !self.takes_more() || self.poll_body(cx).is_pending() {
                break;
            }
        }
        if !self.held.is_empty() && self.spill.reserve(self.held_size, &self.config) {
            return Poll::Ready(Step::Write);
        }
        // Woken by the body, or, if there was no room, by the queue.
        Poll::Pending
    }

    /// What is held goes to the queue, as far as there is room.
    fn hand_on(&mut self, cx: &mut Context<'_>) {
        while let Some(piece) = self.held.pop_front() {
            let size = piece.len();
            if let Err(piece) = self.queue.offer(piece, cx) {
                self.held.push_front(piece);
                return;
            }
            self.held_size -= size;
        }
    }

    /// Whether another piece may be read: one that has nowhere to go can be
    /// held, more of them only on their way to the file.
    fn takes_more(&self) -> bool {
        let held = self.held_size;
        self.body.is_some()
            && (self.held.is_empty() || held < WRITE && self.spill.has_room(held, &self.config))
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(body) = &mut self.body else {
            return Poll::Pending;
        };
        let end = match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    self.held_size += data.len();
                    self.held.push_back(data);
                    body.is_end_stream().then_some(End::Complete(None))
                }
                Err(frame) => frame
                    .into_trailers()
                    .ok()
                    .map(|fields| End::Complete(Some(Box::new(fields)))),
            },
            Poll::Ready(Some(Err(error))) => Some(End::Failed(error.into())),
            Poll::Ready(None) => Some(End::Complete(None)),
        };
        if end.is_some() {
            self.end = end;
            self.body = None;
        }
        Poll::Ready(())
    }

    async fn write(&mut self) {
        let pieces: Vec<_> = self.held.iter().cloned().collect();
        match self.spill.write(pieces, &self.config).await {
            Ok(()) => self.drop_held(),
            // It stays where it is, and the service waits for the client.
            Err(error) => {
                warn!(%error, "a response cannot be buffered in a file");
                self.spill.broken = true;
            }
        }
    }

    fn drop_held(&mut self) {
        self.held.clear();
        self.held_size = 0;
    }

    async fn read(&mut self) {
        match self.spill.read().await {
            Ok(piece) => self.queue.push(piece),
            Err(error) => {
                warn!(%error, "a buffered response cannot be read");
                self.body = None;
                self.drop_held();
                self.spill.clear();
                self.end = Some(End::Failed(error.into()));
            }
        }
    }
}

impl<B> Drop for Pump<B> {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Spill {
    fn is_empty(&self) -> bool {
        self.read == self.written
    }

    /// Whether the file may grow by `bytes`. What was read from it does not
    /// make room: it is on the disk until all was.
    fn has_room(&self, bytes: usize, config: &Config) -> bool {
        !self.broken && self.written + bytes as u64 <= config.max_file()
    }

    fn reserve(&mut self, bytes: usize, config: &Config) -> bool {
        self.has_room(bytes, config) && self.claim.grow(bytes as u64)
    }

    async fn write(&mut self, pieces: Vec<Bytes>, config: &Config) -> io::Result<()> {
        let len: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(config.space.create_file().await?),
        };
        file.write(pieces, self.written).await?;
        self.written += len;
        Ok(())
    }

    async fn read(&mut self) -> io::Result<Bytes> {
        let Some(file) = &self.file else {
            return Ok(Bytes::new());
        };
        let left = usize::try_from(self.written - self.read).unwrap_or(usize::MAX);
        let piece = file.read(self.read, left.min(READ)).await?;
        self.read += piece.len() as u64;
        if self.is_empty() {
            self.clear();
        }
        Ok(piece)
    }

    /// The file is gone. The next one begins anew.
    fn clear(&mut self) {
        self.file = None;
        self.claim.clear();
        (self.read, self.written) = (0, 0);
    }
}

use std::{
    future::poll_fn,
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{Tunnel, lane::Lane};
use crate::front::websocket::{Speaker, going_away};

/// How long the two may take to finish a frame, to say goodbye and to hang up. A
/// client whose network is gone never answers, and its process waits for it. With the
/// default of five seconds before it, it is also within the ten that `docker stop`
/// gives.
pub(in crate::front) const GOODBYE: Duration = Duration::from_secs(2);

impl<C, A> Tunnel<C, A>
where
    C: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    /// Ends it from here.
    ///
    /// Both sides of a WebSocket get a Close frame, as soon as the frame that is on
    /// its way to them is whole, unless the other one has sent them one. RFC 6455
    /// §7.1.1 wants each to be heard out then: a socket that is closed with something
    /// unread is reset, and what was sent last may be lost. Nothing of what they say
    /// is passed on any more.
    ///
    /// Whatever else they speak is cut off.
    pub(in crate::front) async fn part(&mut self) {
        let (client, application) = (&mut self.client, &mut self.application);
        let mut up = Parting::new(&mut self.up, Speaker::Client);
        let mut down = Parting::new(&mut self.down, Speaker::Server);
        let goodbye = poll_fn(|cx| {
            up.poll_say(cx, client, application);
            down.poll_say(cx, application, client);
            if up.has_nothing_to_say() && down.has_nothing_to_say() {
                return Poll::Ready(());
            }
            let said = (up.lane.has_said_close(), down.lane.has_said_close());
            up.poll_hang_up(cx, application, said.1);
            down.poll_hang_up(cx, client, said.0);
            if up.is_over() && down.is_over() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        // Who does not answer in time has been told all the same.
        let _ = timeout(GOODBYE, goodbye).await;
        self.hang_up().await;
    }

    /// Says to both that there is no more, so that nobody takes it for a fault.
    pub(in crate::front) async fn hang_up(&mut self) {
        let (client, application) = (&mut self.client, &mut self.application);
        let _ = tokio::join!(client.shutdown(), application.shutdown());
    }
}

/// One direction that is to end.
struct Parting<'a> {
    lane: &'a mut Lane,
    /// On whose behalf something is said here.
    speaker: Speaker,
    goodbye: Goodbye,
}

enum Goodbye {
    /// Not within a frame.
    Later,
    /// So much of it is still to be written.
    Saying(Bytes),
    /// By the speaker himself, or in his name.
    Said,
    /// Nobody would hear it, or it could be taken for part of something else.
    Never,
}

impl<'a> Parting<'a> {
    const fn new(lane: &'a mut Lane, speaker: Speaker) -> Self {
        Self {
            lane,
            speaker,
            goodbye: Goodbye::Later,
        }
    }

    const fn has_nothing_to_say(&self) -> bool {
        matches!(self.goodbye, Goodbye::Never)
    }

    /// Both the one who speaks and the one who listens here have ended.
    const fn is_over(&self) -> bool {
        self.lane.is_last && self.lane.is_over
    }

    /// Says goodbye to the one who listens, and then hears out the one who speaks.
    fn poll_say<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            self.goodbye = match &mut self.goodbye {
                Goodbye::Later => match self.poll_finish_frame(cx, from, to) {
                    Poll::Ready(goodbye) => goodbye.unwrap_or(Goodbye::Never),
                    Poll::Pending => return,
                },
                Goodbye::Saying(frame) if frame.is_empty() => Goodbye::Said,
                Goodbye::Saying(frame) => match Pin::new(&mut *to).poll_write(cx, frame) {
                    Poll::Ready(Ok(written @ 1..)) => {
                        frame.advance(written);
                        continue;
                    }
                    Poll::Ready(_) => Goodbye::Never,
                    Poll::Pending => return,
                },
                Goodbye::Said | Goodbye::Never => return self.lane.discard(cx, from),
            }
        }
    }

    /// Passes on what was read already, but nothing that is not whole; only what has
    /// begun is waited for.
    fn poll_finish_frame<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<Goodbye>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let lane = &mut *self.lane;
        loop {
            let frames = match &lane.frames {
                Some(frames) if !lane.is_over => frames,
                _ => return Poll::Ready(Ok(Goodbye::Never)),
            };
            if frames.is_closed() {
                return Poll::Ready(Ok(Goodbye::Said));
            }
            match frames.last_end(&lane.left) {
                Some(0) => {
                    let unheard = mem::take(&mut lane.left);
                    lane.follow(&unheard);
                    let frame = going_away(self.speaker);
                    return Poll::Ready(Ok(frame.map_or(Goodbye::Never, Goodbye::Saying)));
                }
                Some(end) => ready!(lane.poll_write_some(cx, to, end))?,
                None if frames.is_lost() => return Poll::Ready(Ok(Goodbye::Never)),
                None if !lane.left.is_empty() => ready!(lane.poll_write_left(cx, to))?,
                None if lane.is_last => return Poll::Ready(Ok(Goodbye::Never)),
                None => ready!(lane.poll_read_left(cx, from))?,
            }
        }
    }

    /// Tells the one who listens that there is no more: once he has said goodbye, too,
    /// or is not going to.
    fn poll_hang_up<W>(&mut self, cx: &mut Context<'_>, to: &mut W, has_answered: bool)
    where
        W: AsyncWrite + Unpin,
    {
        let is_due = match self.goodbye {
            Goodbye::Later | Goodbye::Saying(_) => false,
            Goodbye::Said => has_answered,
            Goodbye::Never => true,
        };
        if is_due && !self.lane.is_over {
            // Whoever fails here is gone.
            self.lane.is_over = Pin::new(to).poll_shutdown(cx).is_ready();
        }
    }
}

#[cfg(test)]
mod tests;

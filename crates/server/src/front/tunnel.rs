//! Two connections that are one: what comes from either side goes to the other.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long an application may be silent after its client has ended. A client
/// that has left looks like one that only listens.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// How long a client may be silent after the application has ended. Hardly one
/// has anything to say then but its own end; nginx does not wait for that.
const LAST_WORD: Duration = Duration::from_secs(5);

/// How much is read at a time.
const PIECE: usize = 64 * 1024;

thread_local! {
    /// What is read is nearly always written at once, so nobody needs a buffer
    /// of his own, and a thousand silent tunnels cost none.
    static DESK: RefCell<Box<[u8]>> = RefCell::new(vec![0; PIECE].into_boxed_slice());
}

/// How many bytes went through a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// From the client to the application.
    pub(super) up: u64,
    /// From the application to the client.
    pub(super) down: u64,
}

/// Carries bytes between `client` and `application` until both have ended, or
/// one of them fails, or the other one is silent for too long after one has
/// ended. The end of one side is passed on to the other, which may go on.
///
/// `heard` has come from the client already. A side that takes nothing more
/// keeps the other one waiting: no more than [`PIECE`] is on its way. Both are
/// taken for sockets, in which nothing waits to be flushed.
///
/// `carried` is kept up to date: dropped, it says what has been carried.
pub(super) async fn carry<C, A>(
    client: &mut C,
    heard: Bytes,
    application: &mut A,
    carried: &mut Carried,
) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    let mut up = Lane::new(heard);
    let mut down = Lane::new(Bytes::new());
    let mut silence: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        let ended = (
            up.poll_carry(cx, client, application)?.is_ready(),
            down.poll_carry(cx, application, client)?.is_ready(),
        );
        let before = std::mem::replace(
            carried,
            Carried {
                up: up.carried,
                down: down.carried,
            },
        );
        let patience = match ended {
            (true, true) => return Poll::Ready(Ok(())),
            (false, false) => return Poll::Pending,
            (true, false) => LAST_ANSWER,
            (false, true) => LAST_WORD,
        };
        let silence = silence.get_or_insert_with(|| Box::pin(sleep(patience)));
        if before != *carried {
            silence.as_mut().reset(Instant::now() + patience);
        }
        let silence = silence.as_mut().poll(cx);
        silence.map(|()| Err(io::ErrorKind::TimedOut.into()))
    })
    .await
}

/// One direction.
struct Lane {
    /// Was read, and is still to be written.
    left: Bytes,
    /// Nothing more comes.
    is_last: bool,
    /// Its end was passed on.
    is_over: bool,
    carried: u64,
}

impl Lane {
    const fn new(left: Bytes) -> Self {
        Self {
            left,
            is_last: false,
            is_over: false,
            carried: 0,
        }
    }

    /// Ready when the end was passed on.
    fn poll_carry<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while !self.is_over {
            while !self.left.is_empty() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.left))?;
                self.wrote(written)?;
                self.left.advance(written);
            }
            if self.is_last {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.is_over = true;
            } else {
                // Nothing that is asked for in here can come back here.
                ready!(DESK.with_borrow_mut(|desk| self.poll_piece(cx, from, to, desk)))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a piece, and keeps what of it cannot be written at once.
    fn poll_piece<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        desk: &mut [u8],
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut piece = ReadBuf::new(desk);
        ready!(Pin::new(from).poll_read(cx, &mut piece))?;
        let piece = piece.filled();
        self.is_last = piece.is_empty();
        if self.is_last {
            return Poll::Ready(Ok(()));
        }
        let written = match Pin::new(to).poll_write(cx, piece)? {
            Poll::Ready(written) => {
                self.wrote(written)?;
                written
            }
            Poll::Pending => 0,
        };
        self.left = Bytes::copy_from_slice(&piece[written..]);
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, bytes: usize) -> io::Result<()> {
        self.carried += bytes as u64;
        if bytes == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// A tunnel with `room` for each side, and both ends of it.
    fn tunnel(
        room: usize,
        heard: &'static str,
    ) -> (
        DuplexStream,
        DuplexStream,
        impl Future<Output = (io::Result<()>, Carried)>,
    ) {
        let (client, mut near) = duplex(room);
        let (application, mut far) = duplex(room);
        let carrying = async move {
            let mut carried = Carried::default();
            let heard = Bytes::from_static(heard.as_bytes());
            let end = carry(&mut near, heard, &mut far, &mut carried).await;
            (end, carried)
        };
        (client, application, carrying)
    }

    async fn read(stream: &mut DuplexStream) -> String {
        let mut read = String::new();
        stream.read_to_string(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn what_either_says_the_other_hears_until_both_have_ended() {
        let (mut client, mut application, carrying) = tunnel(64, "he");
        let talk = async {
            client.write_all(b"llo").await.unwrap();
            client.shutdown().await.unwrap();
            assert_eq!(read(&mut application).await, "hello");
            // One who has ended still listens.
            application.write_all(b"goodbye").await.unwrap();
            application.shutdown().await.unwrap();
            assert_eq!(read(&mut client).await, "goodbye");
        };
        let ((end, carried), ()) = tokio::join!(carrying, talk);
        end.unwrap();
        assert_eq!(carried, Carried { up: 5, down: 7 });
    }

    #[tokio::test]
    async fn large_things_come_whole_through_a_narrow_tunnel_both_ways_at_once() {
        let (mut client, mut application, carrying) = tunnel(7, "");
        let large: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let carrying = tokio::spawn(carrying);
        let (mut client_reads, mut client_writes) = tokio::io::split(&mut client);
        let (mut app_reads, mut app_writes) = tokio::io::split(&mut application);
        let (mut up, mut down) = (vec![0; large.len()], vec![0; large.len()]);
        let all = tokio::try_join!(
            client_writes.write_all(&large),
            app_writes.write_all(&large),
            client_reads.read_exact(&mut down),
            app_reads.read_exact(&mut up),
        );
        assert!(all.is_ok());
        assert!(up == large && down == large);
        drop((client, application));
        assert_eq!(carrying.await.unwrap().1.up, 300_000);
    }

    #[tokio::test]
    async fn who_does_not_listen_keeps_the_other_one_waiting() {
        let (mut client, _application, carrying) = tunnel(1024, "");
        let mut carrying = pin!(carrying);
        let mut sent = 0;
        loop {
            tokio::select! {
                biased;
                _ = &mut carrying => panic!("nobody has ended"),
                written = client.write(&[b'x'; 512]) => sent += written.unwrap(),
                // Everything is stuck.
                () = tokio::task::yield_now() => break,
            }
        }
        assert!((2048..=PIECE + 2048).contains(&sent), "{sent}");
    }

    /// The one side ends, the other one says something three times, with a pause
    /// that is a second less than `patience`, and then nothing more.
    async fn is_not_waited_for<E, T>(ends: &mut E, talks: &mut T, patience: Duration)
    where
        E: AsyncWrite + Unpin,
        T: AsyncWrite + Unpin,
    {
        ends.shutdown().await.unwrap();
        for _ in 0..3 {
            sleep(patience.saturating_sub(Duration::from_secs(1))).await;
            talks.write_all(b"still here").await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_more_to_one_who_has_ended_is_not_waited_for() {
        for (client_ends, patience) in [(true, LAST_ANSWER), (false, LAST_WORD)] {
            let (mut client, mut application, carrying) = tunnel(64, "");
            let carrying = tokio::spawn(carrying);
            let begun = Instant::now();
            if client_ends {
                is_not_waited_for(&mut client, &mut application, patience).await;
            } else {
                is_not_waited_for(&mut application, &mut client, patience).await;
            }
            let (end, carried) = carrying.await.unwrap();
            assert_eq!(end.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(carried.up + carried.down, 30, "all that was said");
            let expected = patience.as_secs() * 4 - 3;
            assert_eq!(begun.elapsed().as_secs(), expected);
        }
    }

    #[tokio::test]
    async fn one_who_breaks_ends_it_at_once() {
        let (mut client, application, carrying) = tunnel(64, "");
        drop(application);
        client.write_all(b"hello").await.unwrap();
        let (end, _) = carrying.await;
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

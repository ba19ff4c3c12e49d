use std::{
    io,
    os::fd::AsFd,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpStream, UnixStream},
    runtime::{self, Handle},
    time,
};

use crate::process::OwnPort;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    /// The loopback port of one of our processes.
    Port(Arc<OwnPort>),
    /// Looked up for each connection: what the name stands for may change.
    Name {
        host: String,
        port: u16,
    },
}

/// How long to wait before the next attempt while a listen queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(5);

impl Endpoint {
    /// Connects. The caller bounds the time.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        let socket = match self {
            Self::Unix(path) => loop {
                match UnixStream::connect(path).await {
                    // A Unix socket whose listen queue is full refuses at
                    // once, where TCP would let us wait.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        time::sleep(FULL_PAUSE).await;
                    }
                    connected => break Socket::Unix(connected?),
                }
            },
            Self::Port(port) => Socket::tcp(port.connect().await?)?,
            Self::Name { host, port } => {
                Socket::tcp(TcpStream::connect((host.as_str(), *port)).await?)?
            }
        };
        Ok(Stream {
            socket,
            runtime: Handle::current().id(),
            heard: false,
            deaf: false,
        })
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "the Unix socket {}", path.display()),
            Self::Port(port) => write!(f, "127.0.0.1:{}", port.port()),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// A connection's bytes.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    /// Whose driver watches the socket.
    runtime: runtime::Id,
    /// Something has come since that was forgotten.
    heard: bool,
    /// The other side takes nothing any more.
    deaf: bool,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    fn tcp(stream: TcpStream) -> io::Result<Self> {
        // Heads and small bodies are written at once; nothing is gained by
        // waiting for more.
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    /// The same, watched by the driver of the runtime that this runs in.
    fn moved(self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(TcpStream::from_std(stream.into_std()?)?),
            Self::Unix(stream) => Self::Unix(UnixStream::from_std(stream.into_std()?)?),
        })
    }
}

impl Stream {
    pub(crate) const fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// The same, of the runtime that this runs in.
    pub(crate) fn moved(self) -> io::Result<Self> {
        Ok(Self {
            socket: self.socket.moved()?,
            runtime: Handle::current().id(),
            ..self
        })
    }

    pub(crate) const fn forget_what_was_heard(&mut self) {
        self.heard = false;
    }

    /// Whether anything has come since that was forgotten.
    pub(crate) const fn heard(&self) -> bool {
        self.heard
    }

    /// Nothing has come, not even the end.
    pub(crate) fn is_silent(&self) -> bool {
        let socket = match &self.socket {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        };
        let look = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(socket, &mut [0; 1], look).err() == Some(Errno::WOULDBLOCK)
    }

    /// What was written is lost: the other side takes nothing any more.
    pub(crate) const fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// What is written to one who no longer listens is lost, but that is not
    /// how the exchange ends: an answer may have come before. RFC 9112 §9.5: a
    /// client that sends a body "SHOULD monitor the open connection for an
    /// error response while it is transmitting the request". So the bytes are
    /// dropped, and the end is found by reading.
    fn listen_on(&mut self, written: io::Result<usize>, len: usize) -> io::Result<usize> {
        written.or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                self.deaf = true;
                Ok(len)
            }
            _ => Err(error),
        })
    }

    /// Says that there will be no more from here, and waits until the other
    /// side says something or closes, too.
    pub(crate) async fn outlast(&mut self) {
        // However either ends, nobody is at work there any more.
        let _ = self.shutdown().await;
        let _ = self.read(&mut [0]).await;
    }
}

macro_rules! forward {
    ($self:ident, $method:ident($($arg:expr),*)) => {
        match &mut $self.get_mut().socket {
            Socket::Tcp(stream) => Pin::new(stream).$method($($arg),*),
            Socket::Unix(stream) => Pin::new(stream).$method($($arg),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = self.as_mut();
        let read = forward!(this, poll_read(cx, buf));
        if buf.filled().len() > before {
            self.heard = true;
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.as_mut();
        let written = forward!(this, poll_write(cx, buf));
        written.map(|written| self.listen_on(written, buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.as_mut();
        let written = forward!(this, poll_write_vectored(cx, bufs));
        let len = || bufs.iter().map(|buf| buf.len()).sum();
        written.map(|written| self.listen_on(written, len()))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Tcp(stream) => stream.is_write_vectored(),
            Socket::Unix(stream) => stream.is_write_vectored(),
        }
    }
}

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite};

/// A connection to the application on which no HTTP is spoken any more.
///
/// It rides on the response with status 101, for whoever has made the
/// [`UpgradeOffer`](crate::UpgradeOffer). Dropped, untaken or taken, the connection
/// is closed.
///
/// Whoever takes it says in the end who has ended it, to those who count the request
/// that it was: they keep a clone until the body of the response is dropped.
///
/// ```
/// use peregrine_core::{EndedBy, LeaveNotice, Upgraded};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut application, connection) = tokio::io::duplex(64);
/// // In general, a future that resolves later.
/// let leave = LeaveNotice::new(std::future::ready(()));
/// let upgraded = Upgraded::new(connection, leave);
///
/// let mut taken = upgraded.take().unwrap();
/// assert!(upgraded.take().is_none(), "there is only one");
///
/// // Whoever is to leave may still say goodbye.
/// taken.leave.await;
/// taken.stream.write_all(b"goodbye").await?;
/// drop(taken.stream);
/// let mut heard = String::new();
/// application.read_to_string(&mut heard).await?;
/// assert_eq!(heard, "goodbye");
/// upgraded.ended(EndedBy::Server);
/// assert_eq!(upgraded.ended_by(), Some(EndedBy::Server));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upgraded(Arc<Shared>);

struct Shared {
    connection: Mutex<Option<UpgradedConnection>>,
    ended_by: OnceLock<EndedBy>,
}

/// Who has ended an [`Upgraded`] connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Each side its own, in order.
    Both,
    /// The client has broken it off, or vanished.
    Client,
    /// The application has broken it off.
    Application,
    /// Whoever carried bytes between them: the process was to leave, say.
    Server,
}

/// What [`Upgraded`] holds, for the one who takes it.
pub struct UpgradedConnection {
    /// The application's side of the connection.
    pub stream: Pin<Box<dyn ByteStream>>,
    /// When to end it.
    pub leave: LeaveNotice,
}

/// Resolves when the application's process is to leave, as at a restart.
///
/// The process is waited for, but not for long. Whoever carries bytes between it and
/// a client ends that in good time, as the protocol that is spoken wants it ended. A
/// client that has been told, and not just cut off, connects to another process.
#[must_use = "nobody else tells the client"]
pub struct LeaveNotice(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

/// What can be read and written, and go to another thread.
///
/// Not to be implemented: whatever is one is one.
pub trait ByteStream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> ByteStream for T {}

impl Upgraded {
    /// For one who may take it, until `leave` resolves.
    pub fn new(connection: impl ByteStream + 'static, leave: LeaveNotice) -> Self {
        let stream = Box::pin(connection);
        Self(Arc::new(Shared {
            connection: Mutex::new(Some(UpgradedConnection { stream, leave })),
            ended_by: OnceLock::new(),
        }))
    }

    /// The connection, unless it has been taken.
    pub fn take(&self) -> Option<UpgradedConnection> {
        let connection = self.0.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// It is over. Only what is said first counts.
    pub fn ended(&self, by: EndedBy) {
        let _ = self.0.ended_by.set(by);
    }

    /// Who has ended it; `None` before that, and if nobody has taken it.
    pub fn ended_by(&self) -> Option<EndedBy> {
        self.0.ended_by.get().copied()
    }
}

impl LeaveNotice {
    /// Resolves when `leave` does.
    pub fn new(leave: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(Box::pin(leave)))
    }

    /// Of an application that stays, or does not say when it leaves.
    pub const fn never() -> Self {
        Self(None)
    }
}

impl Future for LeaveNotice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(leave) => leave.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").finish_non_exhaustive()
    }
}

impl fmt::Debug for UpgradedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradedConnection")
            .field("leave", &self.leave)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LeaveNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaveNotice")
            .field("never", &self.0.is_none())
            .finish()
    }
}

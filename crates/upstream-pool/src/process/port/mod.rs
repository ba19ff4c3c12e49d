//! The loopback port of one process: which it is given, and that it is the
//! process, and nobody else, who answers there.

mod choice;
mod holder;
mod table;

use std::{
    error::Error as StdError,
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::{net::TcpStream, sync::Mutex as AsyncMutex, task};

pub(crate) use self::choice::Claim;
use self::holder::{Owner, Verdict, Witness};
use super::Mark;

/// How often a connection is made before it is given up that whose it is could be
/// proven. The second one is, unless the process opens its listener anew just then.
const TRIES: usize = 3;

/// A port that a process was told to listen on.
///
/// A port is free when it is chosen, not necessarily when the process binds it, and
/// it is free again when the process has closed it. Another program that listens
/// there meanwhile would be asked what is meant for the application, and its pages
/// would go to the application's clients. So each new connection is made only while
/// every socket that listens there is known to be the process's own.
///
/// That is looked up in `/proc`, which takes milliseconds, when the process first
/// listens. After that it is enough that the process still has the same socket
/// open: one system call for a connection, none for a request on one that is kept.
///
/// One thing this does not see: a program of the same user that listens beside the
/// process, later on, where both have asked for that by `SO_REUSEPORT`. Other pools
/// never do: see [`Claim`].
#[derive(Debug)]
pub(crate) struct OwnPort {
    claim: Claim,
    owner: Arc<Owner>,
    closed: AtomicBool,
    listeners: Mutex<Listeners>,
    /// One look at a time, whose outcome is that of all who wait.
    look: AsyncMutex<()>,
}

/// What is known of the sockets that listen on the port.
#[derive(Clone, Debug)]
enum Listeners {
    Unknown,
    Seen(Arc<[Witness]>),
    /// They cannot be seen, nor can it be told when that changes. See
    /// [`Verdict::Veiled`].
    Veiled,
}

/// Somebody else listens where the process should, or nobody knows who does.
#[derive(Debug)]
pub(crate) struct NotOurs {
    port: u16,
    why: Why,
}

#[derive(Debug)]
enum Why {
    HeldBy { pid: i32, name: String },
    HeldByUser(u32),
    NotTold(io::Error),
}

impl OwnPort {
    /// `leader` leads the process group that was told to listen there; `mark` is
    /// what all that it has started have in their environment.
    pub(super) fn new(claim: Claim, leader: i32, mark: Option<&Mark>) -> Self {
        let owner = Arc::new(Owner::new(leader, claim.port(), mark));
        Self {
            claim,
            owner,
            closed: AtomicBool::new(false),
            listeners: Mutex::new(Listeners::Unknown),
            look: AsyncMutex::new(()),
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.claim.port()
    }

    /// No connection is made from now on: the process is gone, or its leader is, and
    /// who is left of it takes nothing more. One that is being made comes to them, or
    /// to nobody.
    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// Connects to the process. The caller bounds the time.
    ///
    /// # Errors
    ///
    /// As those of the operating system; if somebody else listens there, one
    /// [of whom we know](NotOurs::is).
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        for _ in 0..TRIES {
            if self.closed.load(Relaxed) {
                break;
            }
            // Known before the connection, and still so after it: nobody else can
            // have listened in between.
            let known = self.known();
            let stream = TcpStream::connect(("127.0.0.1", self.port())).await?;
            if known.hold() {
                return Ok(stream);
            }
            drop(stream);
            self.look().await?;
        }
        // Not at all, or anew all the time, which is as good.
        Err(io::ErrorKind::ConnectionRefused.into())
    }

    /// Who has taken the port, if somebody has.
    pub(super) async fn taken(&self) -> Option<NotOurs> {
        match self.verdict().await {
            Ok(Verdict::Stranger(why)) => Some(self.not_ours(why)),
            _ => None,
        }
    }

    async fn look(&self) -> io::Result<()> {
        let _turn = self.look.lock().await;
        if self.known().hold() {
            return Ok(());
        }
        let listeners = match self.verdict().await {
            Ok(Verdict::Ours(witnesses)) => Listeners::Seen(witnesses.into()),
            Ok(Verdict::Veiled) => {
                tracing::debug!(port = self.port(), "cannot see whose listener that is");
                Listeners::Veiled
            }
            Ok(Verdict::Nobody) => return Err(io::ErrorKind::ConnectionRefused.into()),
            Ok(Verdict::Stranger(why)) => return Err(self.not_ours(why).into()),
            Err(error) => return Err(self.not_ours(Why::NotTold(error)).into()),
        };
        *self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = listeners;
        Ok(())
    }

    async fn verdict(&self) -> io::Result<Verdict> {
        let owner = Arc::clone(&self.owner);
        // It walks over `/proc`, which may take milliseconds.
        task::spawn_blocking(move || owner.look())
            .await
            .map_err(io::Error::other)?
    }

    fn known(&self) -> Listeners {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    const fn not_ours(&self, why: Why) -> NotOurs {
        NotOurs {
            port: self.port(),
            why,
        }
    }
}

impl Listeners {
    /// Whether the process still has them all.
    fn hold(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Seen(witnesses) => witnesses.iter().all(Witness::holds),
            Self::Veiled => true,
        }
    }
}

impl NotOurs {
    /// Whether that is what an error of [`OwnPort::connect`] says.
    pub(crate) fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn StdError + Send + Sync>::is::<Self>)
    }

    /// That, if it is what an error says.
    pub(super) fn of(error: io::Error) -> Result<Self, io::Error> {
        error.downcast()
    }
}

impl From<NotOurs> for io::Error {
    fn from(error: NotOurs) -> Self {
        Self::new(io::ErrorKind::AddrInUse, error)
    }
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.why {
            Why::HeldBy { pid, name } => write!(
                f,
                "process {pid} ({name}) listens on port {port}, and is none of the application's"
            ),
            Why::HeldByUser(uid) => write!(
                f,
                "a process of user {uid} listens on port {port}, and is none of the application's"
            ),
            Why::NotTold(error) => {
                write!(f, "it cannot be told who listens on port {port}: {error}")
            }
        }
    }
}

impl StdError for NotOurs {}

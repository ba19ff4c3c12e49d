//! A line for each request that is over, as nginx and Apache write them, or as
//! JSON.
//!
//! Nobody's request waits for a disk. A line goes into a buffer of bounded size,
//! and a thread of its own writes that out. What finds no room, because the disk is
//! slow or full, is left out; how much that was is logged and counted.
//!
//! SIGUSR1 has the file opened anew, as nginx does it: whoever rotates logs moves
//! the file away and sends it.

mod client;
mod line;
mod record;
mod writer;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use http::StatusCode;
use ipnet::IpNet;
use peregrine::{
    request_accounting::{End, Observed, Observer, RequestHead},
    upstream_pool::forwarded::TrustedProxies,
};

use self::{line::Outcome, record::Record, writer::Writer};
use crate::{
    line_buffer::{LineBuffer, Lines},
    start_error::StartError,
};

/// How an access log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessLogSettings {
    pub(crate) destination: Destination,
    pub(crate) format: Format,
    /// Whether what follows a `?` is left out.
    pub(crate) omit_query: bool,
}

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Standard output.
    Stdout,
    /// The end of this file.
    File(PathBuf),
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// nginx's `combined`, which Apache has, too.
    Combined,
    /// An object on each line.
    Json,
}

/// A running access log. Dropped, it is written out, as far as that can be done in
/// a moment, and closed.
#[derive(Debug)]
pub(crate) struct AccessLog {
    log: Arc<Log>,
}

/// A way to an access log. Does not keep it open.
#[derive(Clone, Debug)]
pub(crate) struct AccessLogHandle(Arc<Log>);

/// What the log and those who write to it share.
#[derive(Debug)]
struct Log {
    buffer: LineBuffer,
    format: Format,
    omit_query: bool,
    trusted: TrustedProxies,
}

/// Those of one application.
struct ApplicationLog {
    log: Arc<Log>,
    application: Arc<str>,
}

impl AccessLog {
    /// Opens the log, and starts its thread. The client of a request that comes
    /// from one of `proxies` is whom that says.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or there is no room for a thread.
    pub(crate) fn open(
        settings: &AccessLogSettings,
        proxies: &[IpNet],
    ) -> Result<Self, StartError> {
        let writer = Writer::open(&settings.destination).map_err(|error| {
            StartError::new(format!(
                "cannot open the access log {}: {error}; see --access-log",
                settings.destination.path().display()
            ))
        })?;
        let log = Arc::new(Log {
            buffer: LineBuffer::new(),
            format: settings.format,
            omit_query: settings.omit_query,
            trusted: proxies.iter().copied().collect(),
        });
        let shared = Arc::clone(&log);
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run(&shared.buffer))
            .map_err(|error| StartError::new(format!("cannot write an access log: {error}")))?;
        Ok(Self { log })
    }

    pub(crate) fn handle(&self) -> AccessLogHandle {
        AccessLogHandle(Arc::clone(&self.log))
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.log.buffer.close();
    }
}

impl AccessLogHandle {
    /// What is told of the requests of `application`.
    pub(crate) fn of(&self, application: &str) -> Arc<dyn Observer> {
        Arc::new(ApplicationLog {
            log: Arc::clone(&self.0),
            application: application.into(),
        })
    }

    /// Writes a line for a request that no application hears of.
    pub(crate) fn refused(&self, request: RequestHead<'_>, status: StatusCode, bytes: u64) {
        let outcome = Outcome::refused(status, End::Complete, bytes);
        Record::new(&self.0, None, request).write(&outcome);
    }

    /// Writes a line for a client that has sent what is no request.
    pub(crate) fn refused_client(&self, peer: SocketAddr, status: StatusCode, end: End) {
        let outcome = Outcome::refused(status, end, 0);
        Record::of_client(&self.0, peer.ip()).write(&outcome);
    }

    /// Has the file opened anew before the next line.
    pub(crate) fn reopen(&self) {
        self.0.buffer.reopen();
    }

    /// How much has been written so far.
    pub(crate) fn lines(&self) -> Lines {
        self.0.buffer.lines()
    }
}

impl Observer for ApplicationLog {
    fn begin(&self, request: RequestHead<'_>) -> Box<dyn Observed> {
        let application = Arc::clone(&self.application);
        Box::new(Record::new(&self.log, Some(application), request))
    }
}

impl Destination {
    /// `-` is standard output.
    pub(crate) fn new(path: PathBuf) -> Self {
        if path == Path::new("-") {
            Self::Stdout
        } else {
            Self::File(path)
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Stdout => Path::new("-"),
            Self::File(path) => path,
        }
    }
}

#[cfg(test)]
mod tests;

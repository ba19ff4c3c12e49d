use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time,
};

use super::NotOurs;
use crate::connection::{Endpoint, Stream};

/// RFC 9110 §9.3.7: "An OPTIONS request with an asterisk ("*") as the request
/// target [...] the request is usually only useful as a "ping" or "no-op" type
/// of method".
const PING: &[u8] =
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nUser-Agent: peregrine\r\nConnection: close\r\n\r\n";

/// What every answer begins with.
const ANSWER: &[u8] = b"HTTP/1.";

/// The first pause between two attempts, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(20));

/// How long to let the server finish its answer to the ping, so that it logs
/// no broken connection.
const FAREWELL: Duration = Duration::from_millis(50);

/// Why there is no use in waiting any longer.
#[derive(Debug)]
pub(crate) enum Unready {
    /// It answered, but not as it should.
    Useless(String),
    /// It was not the process that listened.
    PortTaken(NotOurs),
}

/// Waits until a server answers at `endpoint`: any status line will do.
///
/// A connection that is taken but not answered is waited on: a server may
/// listen long before its application is loaded. The caller bounds the time,
/// and finds in `last` what the last attempt met. An error is final.
pub(crate) async fn wait(endpoint: &Endpoint, last: &mut String) -> Result<(), Unready> {
    let (mut pause, longest) = PAUSES;
    loop {
        match ping(endpoint, last).await {
            Ok(()) => return Ok(()),
            Err(error) => match NotOurs::of(error) {
                Ok(not_ours) => return Err(Unready::PortTaken(not_ours)),
                Err(error) => *last = error.to_string(),
            },
        }
        time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// Whether a server answers at `endpoint` within `limit`.
pub(crate) async fn answers(endpoint: &Endpoint, limit: Duration) -> bool {
    let mut last = String::new();
    let answer = time::timeout(limit, ping(endpoint, &mut last)).await;
    matches!(answer, Ok(Ok(())))
}

async fn ping(endpoint: &Endpoint, last: &mut String) -> io::Result<()> {
    let mut stream = endpoint.connect().await?;
    *last = "it took a connection, but did not answer".into();
    stream.write_all(PING).await?;
    let mut start = [0; ANSWER.len()];
    stream.read_exact(&mut start).await.map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            io::Error::other("it took a connection, and closed it without an answer")
        } else {
            error
        }
    })?;
    if start != ANSWER {
        let start = start.escape_ascii();
        return Err(io::Error::other(format!(
            "it answered \"{start}…\", which is not HTTP/1"
        )));
    }
    // However this ends, the server has answered.
    let _ = time::timeout(FAREWELL, drain(stream)).await;
    Ok(())
}

pub(super) async fn drain(mut stream: Stream) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
}

use std::io;

use http::uri::PathAndQuery;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    NotOurs,
    ready::{self, Unready},
};
use crate::connection::Endpoint;

/// How an answer begins: the version and the status (RFC 9112 §4).
const START: usize = "HTTP/1.1 200".len();

/// Asks a process that is ready for a page, and waits for the end of it, so that
/// what an application does at its first request is done. Any answer but that of
/// an error on its side will do.
///
/// The caller bounds the time, and finds in `last` what was waited for. An error
/// says what is wrong with the answer.
pub(crate) async fn warm_up(
    endpoint: &Endpoint,
    path: &PathAndQuery,
    last: &mut String,
) -> Result<(), Unready> {
    *last = format!("the warm-up request for {path} was not answered");
    let status = ask(endpoint, path)
        .await
        .map_err(|error| match NotOurs::of(error) {
            Ok(not_ours) => Unready::PortTaken(not_ours),
            Err(error) => {
                Unready::Useless(format!("the warm-up request for {path} failed: {error}"))
            }
        })?;
    if status.first() == Some(&b'5') {
        let status = status.escape_ascii();
        return Err(Unready::Useless(format!(
            "the warm-up request for {path} was answered with {status}"
        )));
    }
    Ok(())
}

async fn ask(endpoint: &Endpoint, path: &PathAndQuery) -> io::Result<Vec<u8>> {
    let mut stream = endpoint.connect().await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: peregrine\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; START];
    stream.read_exact(&mut start).await?;
    let status = start.rsplit(|byte| *byte == b' ').next();
    let status = status.unwrap_or_default().to_vec();
    ready::drain(stream).await;
    Ok(status)
}

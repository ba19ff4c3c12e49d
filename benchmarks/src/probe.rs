use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    Result,
    scenario::{AGAIN, Scenario},
    server,
};

/// Enough requests to fill a cache and to see that it is used.
const REQUESTS: u64 = 10;
const TIMEOUT: Duration = Duration::from_secs(10);

/// For what is asked beside the load, and may pass through the contender. Passenger's caches
/// look at themselves every two seconds: a single answer to a `GET` that could not be
/// stored, where none was, and all pages go to the application for ten seconds.
const NOT_FOR_A_CACHE: Method = Method::POST;

/// Asks for one page.
async fn ask(address: SocketAddr, method: Method, path: &str) -> Result<Response<Bytes>> {
    timeout(TIMEOUT, async {
        let connection = TcpStream::connect(address).await?;
        let (mut client, connection) = http1::handshake(TokioIo::new(connection)).await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", address.to_string())
            .body(Empty::<Bytes>::new())?;
        // The connection moves on only while it is polled, and ends with its
        // client.
        let answer = async move {
            let (head, body) = client.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Response::from_parts(head, body))
        };
        let (answer, _) = tokio::join!(answer, connection);
        Ok(answer?)
    })
    .await
    .map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?
}

/// Which process the application is.
pub(crate) async fn pid(app: SocketAddr) -> Result<i32> {
    let answer = ask(app, NOT_FOR_A_CACHE, server::PID).await?;
    Ok(std::str::from_utf8(answer.body())?.parse()?)
}

/// How often the application was asked for a page so far.
pub(crate) async fn count(app: SocketAddr) -> Result<u64> {
    let answer = ask(app, NOT_FOR_A_CACHE, server::COUNT).await?;
    Ok(std::str::from_utf8(answer.body())?.parse()?)
}

/// Checks that what is at `address` plays this scenario: that it returns the
/// page, byte by byte, and asks the application, if there is one that counts,
/// when it should, and only then.
pub(crate) async fn verify(
    scenario: Scenario,
    address: SocketAddr,
    app: Option<SocketAddr>,
    body_size: usize,
) -> Result<()> {
    let get = || ask(address, scenario.method(), scenario.path());
    // The first request fills the cache, or, where each thread has its own, one of
    // them.
    for _ in 0..REQUESTS {
        get().await?;
    }
    let before = match app {
        Some(app) => count(app).await?,
        None => 0,
    };
    for _ in 0..REQUESTS {
        let answer = get().await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers {}", answer.status()).into());
        }
        if *answer.body() != server::page(body_size) {
            return Err("it returns other bytes than the application".into());
        }
    }
    if let Some(app) = app {
        scenario.verify(REQUESTS, count(app).await? - before, AGAIN)?;
    }
    Ok(())
}

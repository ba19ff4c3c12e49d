//! Everyone asks for one page that nobody has: see `README.md`.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CACHE_CONTROL, HOST},
};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{client::conn::http1 as client, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Result, contender, cores::Cores, server::page};

/// How long the application takes for its page.
const WORK: Duration = Duration::from_millis(100);

/// Until when the last client must have it.
const BOUND: Duration = Duration::from_millis(250);

/// Lets `clients` ask Peregrine for one page, all at once.
pub(crate) async fn run(clients: u32, peregrine: Option<PathBuf>) -> Result<()> {
    // A connection for each client, and what the rest of the program needs.
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised)?;

    let asked = Arc::new(AtomicU64::new(0));
    let app = start_app(Arc::clone(&asked)).await?;
    let folder = tempfile::tempdir()?;
    let cores = Cores::of_this_machine().server;
    let (child, address) =
        contender::peregrine_before(app, peregrine, &cores, folder.path()).await?;

    // It has answered something before, as after any start. The application
    // may have been asked whether it is there.
    ask(connect(address).await?, address, "/warm").await?;
    let before = asked.load(Ordering::Relaxed);
    let mut connected = Vec::new();
    for _ in 0..clients {
        connected.push(connect(address).await?);
    }
    let start = Instant::now();
    let mut crowd: JoinSet<_> = connected
        .into_iter()
        .map(|connection| async move {
            ask(connection, address, "/page").await?;
            Result::<_>::Ok(start.elapsed())
        })
        .collect();
    let mut times = Vec::new();
    while let Some(time) = crowd.join_next().await {
        times.push(time??);
    }
    let asked = asked.load(Ordering::Relaxed) - before;
    child.stop().await;

    times.sort_unstable();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{clients} clients, a page that takes {WORK:?}: {asked} requests to the application, \
         half of the clients served after {median:.0?}, the last after {last:.0?}"
    );
    if asked != 1 {
        return Err(format!("{asked} requests to the application instead of 1").into());
    }
    if last > BOUND {
        return Err(format!("the last client had to wait for more than {BOUND:?}").into());
    }
    Ok(())
}

type Connection = client::SendRequest<Empty<Bytes>>;

async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    let (send, connection) = client::handshake(TokioIo::new(stream)).await?;
    // It ends with the exchange.
    tokio::spawn(connection);
    Ok(send)
}

async fn ask(mut connection: Connection, address: SocketAddr, path: &str) -> Result<()> {
    let request = Request::get(path).header(HOST, address.to_string());
    let response = connection.send_request(request.body(Empty::new())?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status != StatusCode::OK || body != page(1024) {
        return Err(format!("{status} and {} bytes", body.len()).into());
    }
    Ok(())
}

/// An application that is slow and counts. It ends with this program.
async fn start_app(asked: Arc<AtomicU64>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            let answer = service_fn(move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                async {
                    sleep(WORK).await;
                    let mut response = Response::new(Full::new(page(1024)));
                    let fresh = HeaderValue::from_static("public, max-age=3600");
                    response.headers_mut().insert(CACHE_CONTROL, fresh);
                    Ok::<_, Infallible>(response)
                }
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(connection), answer);
            tokio::spawn(served);
        }
    });
    Ok(address)
}

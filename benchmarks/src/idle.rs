//! Clients that are connected and say nothing: see `README.md`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use http::header::CACHE_CONTROL;
use procfs::process::Process;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::{Result, contender, cores::Cores, server::page};

/// What they may take, at most: 10 KiB each.
const BOUND_EACH: u64 = 10 * 1024;

/// How long nothing has to change until that is all.
const CALM: Duration = Duration::from_secs(3);

/// When that has to be.
const PATIENCE: Duration = Duration::from_secs(25);

/// What this program needs itself, and what a server does: a file for the client,
/// one for its request.
const OTHER_FILES: u64 = 300;

const MIB: u64 = 1 << 20;

/// Connects `clients`, each of which asks for one page and then says nothing, and
/// prints what they take of Peregrine's memory.
pub(crate) async fn run(clients: u32, peregrine: Option<PathBuf>) -> Result<()> {
    let limit = allow_files(2 * u64::from(clients) + OTHER_FILES)?;
    let clients = limit.map_or(clients, |clients| {
        println!("the limit on open files allows for no more than {clients} clients here");
        clients
    });

    let app = start_app().await?;
    let folder = tempfile::tempdir()?;
    let cores = Cores::of_this_machine().server;
    let (child, address) =
        contender::peregrine_before(app, peregrine, &cores, folder.path()).await?;
    // So that it has what any server has after a while.
    for _ in 0..100 {
        connect(address).await?;
    }
    let before = settled(child.pid()).await?;
    let mut connected = Vec::new();
    for _ in 0..clients {
        connected.push(connect(address).await?);
    }
    let at_once = resident(child.pid())?;
    let after = settled(child.pid()).await?;
    // They are all still there, and may speak.
    for stream in &mut connected {
        ask(stream).await?;
    }
    child.stop().await;

    let taken = after.saturating_sub(before);
    let each = taken / u64::from(clients);
    println!(
        "{clients} idle connections take {} MiB, {each} bytes each; without any, the server \
         takes {} MiB, and just after they came {}",
        taken.div_ceil(MIB),
        before.div_ceil(MIB),
        at_once.div_ceil(MIB),
    );
    if each > BOUND_EACH {
        return Err(format!("more than {BOUND_EACH} bytes each").into());
    }
    Ok(())
}

/// Raises the limit on open files to `wanted`. If that may not be, says for how
/// many clients it is enough.
fn allow_files(wanted: u64) -> Result<Option<u32>> {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(wanted).min(wanted);
    let raised = Rlimit {
        current: Some(allowed.max(limit.current.unwrap_or(allowed))),
        ..limit
    };
    setrlimit(Resource::Nofile, raised)?;
    if allowed == wanted {
        return Ok(None);
    }
    let clients = allowed.saturating_sub(OTHER_FILES) / 2;
    Ok(Some(u32::try_from(clients)?.max(1)))
}

/// A client that has its page.
async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    ask(&mut stream).await?;
    Ok(stream)
}

async fn ask(stream: &mut TcpStream) -> Result<()> {
    stream
        .write_all(b"GET /page HTTP/1.1\r\nHost: idle.example\r\n\r\n")
        .await?;
    let page = page(1024);
    let mut answer = Vec::new();
    while !answer.ends_with(&page) {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await??;
        if read == 0 {
            return Err("the server has closed a connection".into());
        }
    }
    Ok(())
}

/// The resident memory once it does not change any more.
async fn settled(pid: i32) -> Result<u64> {
    let begun = Instant::now();
    let (mut last, mut since) = (resident(pid)?, begun);
    while since.elapsed() < CALM && begun.elapsed() < PATIENCE {
        // Nobody tells when a server gives memory back.
        sleep(Duration::from_millis(100)).await;
        let now = resident(pid)?;
        // A timer's page more or less is no news.
        if now.abs_diff(last) > MIB / 4 {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(last)
}

fn resident(pid: i32) -> Result<u64> {
    let pages = Process::new(pid)?.statm()?.resident;
    Ok(pages * procfs::page_size())
}

/// An application with one page, fresh for an hour. It ends with this program.
async fn start_app() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let body = page(1024);
    let head = format!(
        "HTTP/1.1 200 OK\r\n{CACHE_CONTROL}: public, max-age=3600\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), &body].concat();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                // It comes in one piece, being short.
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(&answer).await;
                }
            });
        }
    });
    Ok(address)
}

//! What clients that take their time cost the others: see `README.md`.

mod app;
mod crowd;

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpStream,
    process::Command,
    task::JoinSet,
    time::{Instant, sleep},
};

pub(crate) use self::app::serve;
use self::crowd::Crowd;
use crate::{Result, child::Child, contender, cores::Cores};

/// Those who take no time: twice as many as there are processes, so that none
/// of these waits for them.
const FAST: u32 = 8;
const PROCESSES: &str = "4";

/// Of each kind of crowd, so that a busy minute meets all.
const ROUNDS: u32 = 3;

/// How long the fast ones are counted.
const TIME: Duration = Duration::from_secs(4);

/// From here on, slow clients cost the others something.
const BOUND: f64 = 0.9;

/// Lets fast clients ask an application of four processes, each of which does
/// one thing at a time, with and without a crowd of slow ones.
pub(crate) async fn run(clients: u32, peregrine: Option<PathBuf>) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised)?;

    let binary = match peregrine {
        Some(binary) => binary,
        None => contender::build_peregrine().await?,
    };
    let folder = tempfile::tempdir()?;
    let command = command(&binary, folder.path())?;
    let cores = Cores::of_this_machine().server;
    let mut child = Child::spawn(&command, &cores, folder.path().join("log"))?;
    let address = child.announced().await?;
    while throughput(address, Duration::from_millis(200)).await? == 0.0 {
        sleep(Duration::from_millis(100)).await;
    }

    let mut rates = [const { Vec::new() }; Crowd::ALL.len()];
    for _ in 0..ROUNDS {
        for (crowd, rates) in Crowd::ALL.iter().zip(&mut rates) {
            let crowd = crowd.gather(address, clients).await?;
            rates.push(throughput(address, TIME).await?);
            drop(crowd);
        }
    }
    child.stop().await;

    let [alone, others @ ..] = rates.map(median);
    println!("| beside them | requests/s | × nobody |");
    println!("|---|---|---|");
    println!("| nobody | {alone:.0} | 1.00 |");
    for (crowd, rate) in Crowd::ALL[1..].iter().zip(others) {
        let ratio = rate / alone;
        println!("| {clients} {} | {rate:.0} | {ratio:.2} |", crowd.name());
    }
    match others.iter().find(|rate| **rate < BOUND * alone) {
        Some(_) => {
            Err(format!("slow clients cost more than {:.0} %", 100.0 * (1.0 - BOUND)).into())
        }
        None => Ok(()),
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// This program is the application, too.
fn command(binary: &Path, folder: &Path) -> Result<Command> {
    let mut command = Command::new(binary);
    command
        .args(["start", "--port", "0", "-e", "production"])
        .args(["--min-instances", PROCESSES, "--max-pool-size", PROCESSES])
        .arg("--admin-socket")
        .arg(folder.join("admin.sock"))
        .arg(folder)
        .arg("--")
        .arg(env::current_exe()?)
        .arg("slow-clients-app");
    Ok(command)
}

/// How many requests a second the fast clients have answered.
async fn throughput(address: SocketAddr, time: Duration) -> Result<f64> {
    let until = Instant::now() + time;
    let mut clients: JoinSet<_> = (0..FAST).map(|_| ask_until(address, until)).collect();
    let mut answers = 0;
    while let Some(count) = clients.join_next().await {
        answers += count??;
    }
    Ok(f64::from(answers) / time.as_secs_f64())
}

/// Asks again and again on one connection, and counts the answers.
async fn ask_until(address: SocketAddr, until: Instant) -> Result<u32> {
    let stream = TcpStream::connect(address).await?;
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with its client.
    tokio::spawn(connection);
    let mut answers = 0;
    while Instant::now() < until {
        let request = Request::get("/page").header("host", address.to_string());
        let answer = send
            .send_request(request.body(Empty::<bytes::Bytes>::new())?)
            .await?;
        let ok = answer.status().is_success();
        answer.into_body().collect().await?;
        if !ok {
            return Err("an answer is an error".into());
        }
        answers += 1;
    }
    Ok(answers)
}

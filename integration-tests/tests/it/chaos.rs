//! Everything that may happen to processes happens at once, for a minute, and no client
//! notices.
//!
//! `CHAOS_SECONDS=3600` goes on for longer; `CHAOS_SEED`, which a failing test prints,
//! does the same things in the same order.

use std::{
    collections::BTreeSet,
    env, fs,
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use integration_tests::{
    Server,
    client::{self, request},
    processes, run, wait,
};
use rustix::process::Signal;
use tokio::task::JoinSet;

use crate::unruly;

const MAX_POOL_SIZE: usize = 4;

/// How many clients ask at the same time, most of the time.
const READERS: usize = 4;
const WRITERS: usize = 2;

#[tokio::test]
async fn whatever_happens_to_processes_no_request_is_lost_or_sent_twice() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tmp")).unwrap();
    let path = folder.path().to_str().unwrap();
    let options = [
        ("--min-instances", "2"),
        ("--max-pool-size", &MAX_POOL_SIZE.to_string()),
        ("--pool-idle-time", "1"),
        ("--max-requests", "300"),
        ("--cache", "off"),
    ];
    let options: Vec<_> = options.into_iter().flat_map(|(a, b)| [a, b]).collect();
    let args = [&["start", path], &options[..], &["--", unruly::PROGRAM]].concat();
    let server = Server::start(&args).await;
    let crowd = Crowd::gather(server.address());
    let seed = number("CHAOS_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    eprintln!("CHAOS_SEED={seed}");

    let mut dice = Dice(seed);
    let seconds = number("CHAOS_SECONDS").unwrap_or(60);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut happened = [0; 8];
    while Instant::now() < end {
        let what = dice.below(happened.len());
        happened[what] += 1;
        let victim = a_proven_process(&server, &mut dice).await;
        match what {
            0..=2 => {
                if let Some(pid) = victim {
                    processes::kill(pid);
                }
            }
            3 => tell(&server, &["restart-app"]).await,
            4 => {
                if let Some(pid) = victim {
                    tell(&server, &["detach-process", &pid.to_string()]).await;
                }
            }
            5 => processes::signal(server.pid(), Signal::HUP),
            6 => fs::write(folder.path().join("tmp/restart.txt"), "").unwrap(),
            _ => surge(server.address()).await,
        }
        // So that no request is there when two processes are killed: it is sent to
        // another one once, and not twice.
        crowd.go_on().await;
    }
    let (sure, tried) = crowd.leave().await;
    eprintln!("happened: {happened:?}");

    // Each form that was answered well was written down, and none was twice. Of one that
    // was not, nobody knows.
    let journal = fs::read_to_string(folder.path().join("journal")).unwrap();
    let written: BTreeSet<_> = journal.lines().collect();
    assert_eq!(written.len(), journal.lines().count(), "sent twice");
    for form in &sure {
        assert!(written.contains(&**form), "{form} is lost");
    }
    assert!(written.iter().all(|form| tried.contains(*form)));

    server.in_flight(0).await;
    server.sessions(0).await;
    wait::until("an end of all zombies", async || {
        processes::zombies_of(server.pid()).is_empty().then_some(())
    })
    .await;
    let status = server.status().await;
    let pool = &status["applications"][0]["pool"];
    assert!(pool["processes"].as_array().unwrap().len() <= MAX_POOL_SIZE + 1);
    assert_eq!(pool["queue"]["length"], 0, "{pool:#}");
    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

/// One that has served something: had it died before, the application might not start
/// at all, and the next start would wait.
async fn a_proven_process(server: &Server, dice: &mut Dice) -> Option<i32> {
    let status = server.status().await;
    let processes = status["applications"][0]["pool"]["processes"].as_array()?;
    let proven: Vec<_> = processes
        .iter()
        .filter(|it| it["state"] == "ready" && it["processed"].as_u64() > Some(0))
        .filter_map(|it| it["pid"].as_i64()?.try_into().ok())
        .collect();
    (!proven.is_empty()).then(|| proven[dice.below(proven.len())])
}

/// What comes of it, the clients see. A process may have gone meanwhile.
async fn tell(server: &Server, command: &[&str]) {
    let socket = server.admin_socket();
    run(&[command, &["--admin-socket", &socket]].concat()).await;
}

/// More requests at once than there are processes.
async fn surge(server: SocketAddr) {
    let mut clients = JoinSet::new();
    for number in 0..20 {
        clients.spawn(read(server, format!("/answer?surge={number}")));
    }
    clients.join_all().await;
}

/// Every third answer asks for a pause.
fn page(number: usize) -> String {
    let field = match number % 3 {
        0 => "/!~Request-OOB-Work=true",
        _ => "",
    };
    format!("/answer{field}?number={number}")
}

async fn read(server: SocketAddr, path: String) {
    let page = client::try_fetch(server, request(Method::GET, &path)).await;
    let page = page.unwrap_or_else(|error| panic!("{path}: {error:?}"));
    assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
}

/// Clients that ask one request after the other.
struct Crowd {
    stop: Arc<AtomicBool>,
    /// How many answers each of them has had.
    answers: Vec<Arc<AtomicUsize>>,
    forms: Arc<Mutex<Forms>>,
    tasks: JoinSet<()>,
}

/// Those that were answered well, and all.
type Forms = (Vec<String>, BTreeSet<String>);

impl Crowd {
    fn gather(server: SocketAddr) -> Self {
        let mut crowd = Self {
            stop: Arc::default(),
            answers: Vec::new(),
            forms: Arc::default(),
            tasks: JoinSet::new(),
        };
        for client in 0..READERS + WRITERS {
            let answers = Arc::<AtomicUsize>::default();
            crowd.answers.push(Arc::clone(&answers));
            let (stop, forms) = (Arc::clone(&crowd.stop), Arc::clone(&crowd.forms));
            crowd.tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = answers.load(Ordering::Relaxed);
                    if client < READERS {
                        read(server, page(number)).await;
                    } else {
                        write(server, format!("{client}-{number}"), &forms).await;
                    }
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        crowd
    }

    /// Waits until what each client has asked for is answered, and the next one.
    async fn go_on(&self) {
        let load = |answers: &Arc<AtomicUsize>| answers.load(Ordering::Relaxed);
        let before: Vec<_> = self.answers.iter().map(load).collect();
        wait::until("answers to every client", async || {
            let mut both = self.answers.iter().zip(&before);
            both.all(|(now, before)| load(now) >= before + 2)
                .then_some(())
        })
        .await;
    }

    /// Which forms were answered well, and which were sent at all.
    async fn leave(self) -> Forms {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        std::mem::take(&mut *self.forms.lock().unwrap())
    }
}

/// Sends a form, which a process that is killed may take with it.
async fn write(server: SocketAddr, form: String, forms: &Mutex<Forms>) {
    forms.lock().unwrap().1.insert(form.clone());
    let path = format!("/journal/{form}");
    let page = client::try_fetch(server, request(Method::POST, &path)).await;
    let page = page.unwrap_or_else(|error| panic!("{path}: {error:?}"));
    match page.status {
        StatusCode::OK => forms.lock().unwrap().0.push(form),
        StatusCode::BAD_GATEWAY => {}
        _ => panic!("{path}: {page:?}"),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// A linear congruential generator: Knuth's.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // The lower bits are less random.
        let high = usize::try_from(self.0 >> 33).expect("31 bits");
        high % bound
    }
}

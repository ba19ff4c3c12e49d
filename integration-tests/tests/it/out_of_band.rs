//! Applications that collect their garbage between requests, with the helpers
//! that are there to be copied.

use std::{collections::BTreeSet, fs, path::PathBuf};

use http::{Method, StatusCode};
use integration_tests::{Load, Server, client::request, tools, wait};
use tempfile::TempDir;

use crate::{misbehaving_apps::requests_that_reached_it, unruly};

/// The path of the request for the work.
const WORK: &str = "/.peregrine/oob-work";

/// Other ways to write it, one of which each kind of server might decode.
const DISGUISES: [&str; 4] = [
    "/%2eperegrine/oob-work",
    "//.peregrine/oob-work",
    "/x/../.peregrine/oob-work",
    "/.peregrine/oob%2Dwork?a=b",
];

struct Application {
    needs: &'static [&'static str],
    command: &'static [&'static str],
    /// Garbage collections can be kept out of requests, and are counted.
    collects_only_when_told: bool,
}

const RUBY: Application = Application {
    needs: &["ruby", "puma"],
    command: &["puma", "-b", "unix://{socket}", "-t", "1:1", "config.ru"],
    collects_only_when_told: true,
};

const PYTHON_WSGI: Application = Application {
    needs: &["python3", "gunicorn"],
    command: &["gunicorn", "--bind", "unix:{socket}", "wsgi"],
    collects_only_when_told: true,
};

const PYTHON_ASGI: Application = Application {
    needs: &["python3", "uvicorn"],
    command: &["uvicorn", "--uds", "{socket}", "asgi:application"],
    collects_only_when_told: true,
};

const NODE: Application = Application {
    needs: &["node"],
    command: &["node", "app.js"],
    collects_only_when_told: false,
};

/// What an application wrote about a request.
#[derive(Debug)]
struct Entry {
    pid: u32,
    method: String,
    path: String,
    begun: f64,
    ended: f64,
    collections: u32,
}

impl Entry {
    fn is_work(&self) -> bool {
        self.path == WORK
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.begun < other.ended && other.begun < self.ended
    }
}

struct Running {
    server: Server,
    folder: TempDir,
}

impl Application {
    /// Two processes, each of which takes `concurrency` requests.
    async fn start(&self, concurrency: &str) -> Running {
        self.needs.iter().copied().for_each(tools::require);
        let folder = tempfile::tempdir().unwrap();
        let journal = journal(&folder).into_os_string().into_string().unwrap();
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/out-of-band");
        let variable = format!("JOURNAL={journal}");
        let options = [
            "start",
            dir,
            "--envvar",
            &variable,
            // Python would leave its compiled files there.
            "--envvar",
            "PYTHONDONTWRITEBYTECODE=1",
            "--min-instances",
            "2",
            "--max-pool-size",
            "2",
            "--force-max-concurrent-requests-per-process",
            concurrency,
            "--",
        ];
        let server = Server::start(&[&options, self.command].concat()).await;
        wait::until("all processes to be ready", async || {
            (server.ready_processes().await.len() == 2).then_some(())
        })
        .await;
        Running { server, folder }
    }
}

fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join("journal")
}

impl Running {
    /// What the processes wrote, in the order of their ends, but for the pings
    /// by which Peregrine found out that they are ready.
    fn journal(&self) -> Vec<Entry> {
        let text = fs::read_to_string(journal(&self.folder)).unwrap_or_default();
        text.split_inclusive('\n')
            .filter_map(|line| {
                // The last one may be on its way.
                let fields: Vec<_> = line.strip_suffix('\n')?.split(' ').collect();
                let [pid, method, path, begun, ended, collections] = fields[..] else {
                    panic!("{line}");
                };
                Some(Entry {
                    pid: pid.parse().unwrap(),
                    method: method.to_owned(),
                    path: path.to_owned(),
                    begun: begun.parse().unwrap(),
                    ended: ended.parse().unwrap(),
                    collections: collections.parse().unwrap(),
                })
            })
            .filter(|entry| entry.method != "OPTIONS")
            .collect()
    }

    /// How often the processes have rested, as the status says.
    async fn rests(&self) -> u64 {
        let status = self.server.status().await;
        let processes = status["applications"][0]["pool"]["processes"]
            .as_array()
            .unwrap();
        let rests = processes.iter().map(|it| &it["rests"]["finished"]);
        rests.map(|count| count.as_u64().unwrap()).sum()
    }
}

/// The same tests for each application.
macro_rules! applications {
    ($($name:ident: $application:expr, $concurrency:expr;)*) => {$(
        mod $name {
            #[tokio::test]
            async fn works_between_requests_and_one_process_at_a_time() {
                super::works_between_requests(&$application, $concurrency).await;
            }

            #[tokio::test]
            async fn neither_the_header_nor_the_path_is_there_for_clients() {
                super::hides(&$application, $concurrency).await;
            }
        }
    )*};
}

applications! {
    ruby_with_puma: super::RUBY, "1";
    python_with_gunicorn: super::PYTHON_WSGI, "1";
    python_with_uvicorn: super::PYTHON_ASGI, "0";
    node: super::NODE, "0";
}

async fn works_between_requests(application: &Application, concurrency: &str) {
    let running = application.start(concurrency).await;
    // More than can run at the same time, so that some always wait.
    let load = Load::start(running.server.address(), "/page", 5);
    wait::until("both processes to rest several times", async || {
        let journal = running.journal();
        let works = journal.iter().filter(|entry| entry.is_work());
        let who: BTreeSet<_> = works.clone().map(|entry| entry.pid).collect();
        (works.count() >= 8 && who.len() == 2).then_some(())
    })
    .await;
    load.stop().await;
    // The last of them was written down before it was answered.
    wait::until("as many rests that are over", async || {
        (running.rests().await >= 8).then_some(())
    })
    .await;

    let journal = running.journal();
    let (works, pages): (Vec<_>, Vec<_>) = journal.iter().partition(|entry| entry.is_work());
    for (at, work) in works.iter().enumerate() {
        assert_eq!(work.method, "POST");
        for other in &works[at + 1..] {
            assert!(!work.overlaps(other), "both rest: {work:?} {other:?}");
        }
        for page in pages.iter().filter(|page| page.pid == work.pid) {
            assert!(!work.overlaps(page), "within a request: {work:?} {page:?}");
        }
    }
    assert!(pages.len() > works.len());
    if application.collects_only_when_told {
        // The first request of each process may begin by collecting.
        let mut begun = BTreeSet::new();
        let later = pages.iter().filter(|page| !begun.insert(page.pid));
        let inside: Vec<_> = later.filter(|page| page.collections > 0).collect();
        assert!(inside.is_empty(), "{inside:?}");
        assert!(works.iter().all(|work| work.collections > 0), "{works:?}");
    }
}

async fn hides(application: &Application, concurrency: &str) {
    let running = application.start(concurrency).await;
    let server = &running.server;
    let mut pages = 0;
    while running.rests().await < 2 {
        let page = server.get("/page").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let told = page.headers.keys().any(|name| name.as_str().contains('~'));
        assert!(!told, "{page:?}");
        pages += 1;
    }
    for path in [WORK].into_iter().chain(DISGUISES) {
        for method in [Method::POST, Method::GET] {
            let mut guess = request(method.clone(), path);
            let token = "0".repeat(32).parse().unwrap();
            guess.headers_mut().insert("!~oob-work-token", token);
            let page = server.send(guess).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
    // The application was not asked. One that is asked has written it down
    // before it answers this.
    server.get("/page").await;
    let (works, asked): (Vec<_>, Vec<_>) = running.journal().into_iter().partition(Entry::is_work);
    wait::until("each work to be one that Peregrine knows", async || {
        (works.len() as u64 <= running.rests().await).then_some(())
    })
    .await;
    assert!(asked.iter().all(|entry| entry.path == "/page"), "{asked:?}");
    assert!(asked.len() <= pages + 1);
}

#[tokio::test]
async fn an_application_made_for_passenger_is_asked_in_passenger_s_way() {
    let passenger_s = ["--oob-work-method", "OOBW", "--oob-work-path", "/head"];
    let server = unruly::start_with_one_slot(&passenger_s).await;
    let before = requests_that_reached_it(&server).await;
    server.get("/answer/!~Request-OOB-Work=true").await;
    rested(&server, 1).await;
    // The one that asked, the work, and this one.
    assert_eq!(requests_that_reached_it(&server).await, before + 3);

    // The method is reserved, wherever it leads.
    let oobw = Method::from_bytes(b"OOBW").unwrap();
    for path in ["/", "/head", "/answer"] {
        let page = server.send(request(oobw.clone(), path)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
    // The path is not.
    let page = server.get("/head").await;
    assert!(page.body.starts_with("GET /head HTTP/1.1\r\n"), "{page:?}");
    assert_eq!(requests_that_reached_it(&server).await, before + 5);
}

#[tokio::test]
async fn an_application_that_does_not_know_how_takes_requests_again() {
    for path in ["/garbage", "/nothing", "/half-a-body"] {
        let server = unruly::start_with_one_slot(&["--oob-work-path", path]).await;
        for rests in 1..=2 {
            let page = server.get("/answer/!~Request-OOB-Work=true").await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            rested(&server, rests).await;
        }
        let page = server.get("/answer").await;
        assert_eq!(page.status, StatusCode::OK, "after {path}");
        server.logs("no out-of-band work").await;
    }
}

#[tokio::test]
async fn the_last_process_stays_while_requests_queue() {
    // Without a cache: it would let all but one wait for the first answer, and
    // while they set out on their own then, nobody is in the queue.
    let server = unruly::start_with_one_slot(&["--disable-turbocaching"]).await;
    // Each answer asks for a pause. It takes a second: time for some of the
    // others to come back.
    let load = Load::start(server.address(), "/slowly/!~Request-OOB-Work=true", 5);
    load.answers(4).await;
    let status = server.status().await;
    let process = &status["applications"][0]["pool"]["processes"][0];
    assert_eq!(process["rests"]["finished"], 0, "{status:#}");
    load.stop().await;
    rested(&server, 1).await;
}

#[tokio::test]
async fn the_last_process_leaves_once_another_one_has_been_started_for_it() {
    let server = unruly::start(&["--max-pool-size", "2"]).await;
    let load = Load::start(server.address(), "/slowly/!~Request-OOB-Work=true", 5);
    wait::until("a process to rest although requests queue", async || {
        let status = server.status().await;
        let processes = status["applications"][0]["pool"]["processes"]
            .as_array()
            .unwrap();
        let rested = |process: &serde_json::Value| process["rests"]["finished"].as_u64() > Some(0);
        (processes.len() == 2 && processes.iter().any(rested)).then_some(())
    })
    .await;
    load.stop().await;
}

/// Waits until the only process has rested so often.
async fn rested(server: &Server, times: u64) {
    wait::until("the process to have rested", async || {
        let status = server.status().await;
        let process = &status["applications"][0]["pool"]["processes"][0];
        let awake = process["state"] == "ready";
        (awake && process["rests"]["finished"] == times).then_some(())
    })
    .await;
}

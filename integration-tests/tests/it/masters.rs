//! An application server whose master dies, and not its workers.

use std::fs;

use http::{Method, StatusCode};
use integration_tests::{
    Server,
    client::{self, request},
    processes, tools, wait,
};

/// A page that a `POST` gets only when there is a file `go`.
const APPLICATION: &str = "
import os, time

def application(environ, start_response):
    if environ['REQUEST_METHOD'] == 'POST':
        open('begun', 'w').close()
        while not os.path.exists('go'):
            time.sleep(0.01)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
";

#[tokio::test]
async fn a_post_in_a_worker_of_gunicorn_outlives_the_master() {
    tools::require("gunicorn");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("forms.py"), APPLICATION).unwrap();
    let start = ["start", folder.path().to_str().unwrap()];
    let one = ["--max-pool-size", "1"];
    let at_once = ["--force-max-concurrent-requests-per-process", "2"];
    let bind = "unix:{socket}";
    let gunicorn = ["--", "gunicorn", "--workers=2", "--bind", bind, "forms"];
    let server = Server::start(&[&start[..], &one, &at_once, &gunicorn].concat()).await;
    let answer = tokio::spawn(client::try_fetch(
        server.address(),
        request(Method::POST, "/"),
    ));
    wait::until("a worker at work", async || {
        folder.path().join("begun").exists().then_some(())
    })
    .await;

    let master = server.ready_processes().await[0];
    processes::kill(master);
    // Whoever comes now is served by others.
    let next = wait::until("another master", async || {
        let ready = server.ready_processes().await;
        ready.first().copied().filter(|pid| *pid != master)
    })
    .await;
    let other = worker(&server.get("/").await);
    let parent = |pid| {
        let mut all = server.processes().into_iter();
        all.find(|it| it.pid == pid).map(|it| it.parent)
    };
    assert_eq!(parent(other), Some(next));

    fs::write(folder.path().join("go"), "").unwrap();
    let answer = answer.await.unwrap().expect("an answer");
    assert_eq!(answer.status, StatusCode::OK);
    let bereaved = worker(&answer);
    assert_ne!(bereaved, other);
    wait::until("its end", async || parent(bereaved).is_none().then_some(())).await;
    wait::until("no zombies", async || {
        processes::zombies_of(server.pid()).is_empty().then_some(())
    })
    .await;
    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

fn worker(page: &client::Page) -> i32 {
    page.body.parse().expect("a process id")
}

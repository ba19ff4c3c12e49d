//! A process that dies before those that it has started, who do its work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use peregrine_upstream_pool::{
    AppCommand, Error, PoolHandle, ProcessHandle, ProcessState, RequestBody, ResponseBody,
    UpstreamPool,
};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::support::{
    Keeper, PATIENCE, get, group, kill, lines, pid, ready, script, shell, socket, text, until,
};

/// A leader that does nothing but wait, as the master of an application server.
fn led(place: &str) -> AppCommand {
    let app = script();
    shell(&format!("python3 {app} {place} & wait"))
}

fn on_a_socket() -> AppCommand {
    led("\"$0\"").arg("{socket}")
}

/// An application whose leader is to die.
struct Stage {
    dir: TempDir,
    pool: UpstreamPool,
    handle: PoolHandle,
    leader: u32,
    worker: u32,
    /// A way to the worker beside the pool.
    process: ProcessHandle,
}

impl Stage {
    async fn set(command: AppCommand, drain_timeout: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let keeper = Keeper::default();
        let (pool, handle) = UpstreamPool::builder(command.env("JOURNAL", journal))
            .max_pool_size(1)
            .drain_timeout(drain_timeout)
            // Whoever is to be alone does not wait for those.
            .unlimited_concurrency_path("/wait".parse().unwrap())
            .process_layer(keeper.clone())
            .spawn()
            .unwrap();
        let worker = pid(&pool).await;
        let leader = handle.snapshot().processes[0].pid;
        assert_ne!(worker, leader);
        Self {
            dir,
            pool,
            handle,
            leader,
            worker,
            process: keeper.handle(),
        }
    }

    /// A request that the worker is at work on, until it [may go on](Self::go_on).
    async fn post(&self) -> JoinHandle<Result<Response<ResponseBody>, Error>> {
        let path = format!("/wait{}/go", self.dir.path().display());
        let request = Request::post(&path).body(Empty::<Bytes>::new()).unwrap();
        let answer = tokio::spawn(self.pool.clone().oneshot(request));
        let begun = format!("POST {path}");
        let journal = self.dir.path().join("journal");
        until("it is at work", || lines(&journal).contains(&begun)).await;
        answer
    }

    fn go_on(&self) {
        std::fs::write(self.dir.path().join("go"), "").unwrap();
    }

    async fn drains(&self) {
        until("it drains", || {
            let processes = self.handle.snapshot().processes;
            let mut states = processes.iter().map(|it| (it.pid, it.state));
            states.any(|it| it == (self.leader, ProcessState::Draining))
        })
        .await;
    }

    async fn end(self) {
        let leader = self.leader;
        until("nothing is left", || group(leader).is_empty()).await;
        self.handle.stop().await;
    }
}

#[tokio::test]
async fn what_those_are_doing_whose_leader_has_died_is_finished_and_nobody_new_comes_to_them() {
    for command in [on_a_socket(), led("")] {
        let stage = Stage::set(command, PATIENCE).await;
        let answer = stage.post().await;
        kill("KILL", stage.leader);
        stage.drains().await;

        // Whoever comes now is served by another one.
        assert_ne!(pid(&stage.pool).await, stage.worker);
        assert_eq!(group(stage.leader).len(), 1, "the worker");
        let beside = get("/pid").map(RequestBody::new);
        let error = stage.process.send_alone(beside).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        stage.go_on();
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(text(answer).await, stage.worker.to_string());
        stage.end().await;
    }
}

#[tokio::test]
async fn those_whose_leader_has_died_have_as_long_as_any_that_leave() {
    let time = Duration::from_millis(300);
    let stage = Stage::set(on_a_socket(), time).await;
    let answer = stage.post().await;
    let killed = Instant::now();
    kill("KILL", stage.leader);
    let error = answer.await.unwrap().unwrap_err();
    assert!(error.is_closed_early(), "{error:?}");
    assert!(killed.elapsed() >= time);
    stage.end().await;
}

#[tokio::test]
async fn a_leader_that_dies_while_its_process_leaves_takes_no_request_with_it() {
    let stage = Stage::set(on_a_socket(), PATIENCE).await;
    let answer = stage.post().await;
    stage.handle.restart().await.unwrap();
    stage.drains().await;
    let socket = socket(stage.worker);
    kill("KILL", stage.leader);
    until("that is known", || !socket.exists()).await;

    stage.go_on();
    assert!(answer.await.unwrap().is_ok());
    stage.end().await;
}

#[tokio::test]
async fn a_stop_waits_for_those_whose_leader_has_died_and_leaves_none() {
    let stage = Stage::set(on_a_socket(), PATIENCE).await;
    let answer = stage.post().await;
    kill("KILL", stage.leader);
    stage.drains().await;

    let handle = stage.handle.clone();
    let stop = tokio::spawn(async move { handle.stop().await });
    until("it stops", || stage.handle.snapshot().stopping).await;
    stage.go_on();
    assert!(answer.await.unwrap().is_ok());
    stop.await.unwrap();
    assert_eq!(group(stage.leader), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_post_is_lost_or_sent_twice_while_leaders_are_killed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(on_a_socket().env("JOURNAL", &journal))
        .min_instances(3)
        .max_pool_size(3)
        .spawn()
        .unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let clients = (0..6).map(|_| {
        let (pool, over) = (pool.clone(), Arc::clone(&over));
        async move {
            let mut answers = 0;
            while !over.load(Relaxed) {
                let request = Request::post("/pid").body(Empty::<Bytes>::new()).unwrap();
                text(pool.clone().oneshot(request).await.unwrap()).await;
                answers += 1;
            }
            answers
        }
    });
    let clients: JoinSet<usize> = clients.collect();
    for _ in 0..10 {
        until("all are ready and have served", || {
            let processes = handle.snapshot().processes;
            ready(&handle) == 3 && processes.iter().all(|it| it.served > 0)
        })
        .await;
        let victim = handle.snapshot().processes[1].pid;
        kill("KILL", victim);
        until("nothing is left", || group(victim).is_empty()).await;
    }
    over.store(true, Relaxed);
    let answers: usize = clients.join_all().await.into_iter().sum();
    assert_eq!(lines(&journal).len(), answers);
    handle.stop().await;
}

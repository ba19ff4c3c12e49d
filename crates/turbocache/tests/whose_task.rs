//! In whose task the inner service runs: an application may go by what is said of it, as
//! by a task-local that holds who is logged in, or by its runtime.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::header::{CACHE_CONTROL, CONTENT_LENGTH},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use tokio::{
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};
use tower::{Service, ServiceExt};
use turbocache::TurboCache;

tokio::task_local! {
    static USER: String;
}

fn ask(user: &str) -> Request {
    let request = Request::get("/me").header("host", "forum.example");
    request.header("x-user", user).body(Body::empty()).unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// A page for who is logged in, in front of which is a cache, in front of which is what
/// says who that is.
fn app() -> Router {
    async fn me() -> impl IntoResponse {
        // A database.
        sleep(Duration::from_millis(5)).await;
        let user = USER.try_with(Clone::clone);
        ([(CACHE_CONTROL, "private")], user.unwrap_or_default())
    }
    async fn log_in(request: Request, next: Next) -> Response {
        let user = request.headers()["x-user"].to_str().unwrap().to_owned();
        USER.scope(user, next.run(request)).await
    }
    Router::new()
        .route("/me", get(me))
        .layer(TurboCache::conservative())
        .layer(middleware::from_fn(log_in))
}

/// Many ask at once; each third of them leaves before there is an answer.
async fn everybody_gets_his_own(some_leave: bool) {
    for _ in 0..20 {
        let app = app();
        let users: Vec<_> = (0..9)
            .map(|at| {
                let (app, user) = (app.clone(), format!("user{at}"));
                let patience = if some_leave && at % 3 == 0 { 2 } else { 10_000 };
                let patience = Duration::from_millis(patience);
                tokio::spawn(async move {
                    let answer = timeout(patience, app.oneshot(ask(&user))).await;
                    if let Ok(response) = answer {
                        assert_eq!(text(response.unwrap()).await, user);
                    }
                })
            })
            .collect();
        for user in users {
            user.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_taken_for_another_one_who_waits_on_another_thread() {
    everybody_gets_his_own(false).await;
}

#[tokio::test]
async fn nobody_is_taken_for_another_one_who_waits_on_the_same_thread() {
    everybody_gets_his_own(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_taken_for_another_one_who_has_left() {
    everybody_gets_his_own(true).await;
}

/// The application says that its page is for one user, if it is; which it finds out when
/// it has made it.
#[tokio::test]
async fn what_is_begun_for_one_who_leaves_is_not_finished_for_others() {
    async fn me() -> impl IntoResponse {
        let user = USER.try_with(Clone::clone).unwrap_or_default();
        sleep(Duration::from_millis(50)).await;
        let is_logged_in = USER.try_with(|_| ()).is_ok();
        let said = if is_logged_in {
            "private"
        } else {
            "max-age=60"
        };
        ([(CACHE_CONTROL, said)], user)
    }
    let router = Router::new().route("/me", get(me));
    let app = router.layer(TurboCache::conservative());
    let alice = USER.scope("Alice".to_owned(), app.clone().oneshot(ask("a")));
    let alice = timeout(Duration::from_millis(20), alice);
    let bob = USER.scope("Bob".to_owned(), async {
        sleep(Duration::from_millis(10)).await;
        text(app.clone().oneshot(ask("b")).await.unwrap()).await
    });
    let (alice, bob) = tokio::join!(alice, bob);
    assert!(alice.is_err(), "she has left");
    assert_eq!(bob, "Bob");
    let nobody = app.oneshot(ask("nobody")).await.unwrap();
    assert_eq!(text(nobody).await, "");
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What an application needs a runtime for.
fn slow(for_so_long: Duration) -> Router {
    let page = move || async move {
        tokio::task::yield_now().await;
        sleep(for_so_long).await;
        ([(CACHE_CONTROL, "max-age=60")], "page")
    };
    let router = Router::new().route("/me", get(page));
    router.layer(TurboCache::conservative())
}

#[test]
fn one_who_waits_outside_of_the_runtime_does_no_harm() {
    let mut app = slow(Duration::from_millis(1));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let in_runtime = runtime.enter();
    let mut leader = pin!(Service::<Request>::call(&mut app, ask("a")));
    assert!(poll_once(leader.as_mut()).is_pending());
    drop(in_runtime);
    let mut follower = pin!(Service::<Request>::call(&mut app, ask("b")));
    assert!(poll_once(follower.as_mut()).is_pending());
    assert_eq!(runtime.block_on(leader).unwrap().status(), 200);
}

#[test]
fn one_who_waits_in_a_runtime_that_ends_does_no_harm() {
    let mut app = slow(Duration::from_millis(100));
    let (mine, others) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let in_runtime = mine.enter();
    let mut leader = pin!(Service::<Request>::call(&mut app, ask("a")));
    assert!(poll_once(leader.as_mut()).is_pending());
    drop(in_runtime);
    let follower = Service::<Request>::call(&mut app, ask("b"));
    let follower = others.spawn(follower);
    std::thread::sleep(Duration::from_millis(20));
    others.shutdown_background();
    drop(follower);
    let response = mine.block_on(async { timeout(Duration::from_secs(10), leader).await });
    let response = response.expect("it waits for nothing").unwrap();
    assert_eq!(response.status(), 200);
}

/// Whoever reads a body polls it, and that need not be where it came.
#[test]
fn one_who_reads_along_outside_of_the_runtime_does_no_harm() {
    async fn page() -> impl IntoResponse {
        let text = stream::once(async {
            sleep(Duration::from_millis(1)).await;
            Ok::<_, Infallible>("page")
        });
        let fields = [(CACHE_CONTROL, "max-age=60"), (CONTENT_LENGTH, "4")];
        (fields, Body::from_stream(text))
    }
    let router = Router::new().route("/me", get(page));
    let mut app = router.layer(TurboCache::conservative());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let in_runtime = runtime.enter();
    let mut leader = pin!(Service::<Request>::call(&mut app, ask("a")));
    let mut follower = pin!(Service::<Request>::call(&mut app, ask("b")));
    let Poll::Ready(led) = poll_once(leader.as_mut()) else {
        panic!("the head is there");
    };
    drop(in_runtime);
    let Poll::Ready(shared) = poll_once(follower.as_mut()) else {
        panic!("for all who wait");
    };
    let mut reading = pin!(text(shared.unwrap()));
    assert!(poll_once(reading.as_mut()).is_pending());
    assert_eq!(runtime.block_on(text(led.unwrap())), "page");
    assert_eq!(poll_once(reading.as_mut()), Poll::Ready("page".to_owned()));
}

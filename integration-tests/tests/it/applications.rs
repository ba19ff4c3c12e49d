//! Each kind of application that `peregrine start` serves does all of what
//! every one must do.

use std::time::UNIX_EPOCH;

use http::{Method, StatusCode, header::AGE};
use http_body_util::BodyExt;
use integration_tests::{
    Load, Server, binary,
    client::{self, request},
    processes, tools, wait,
};
use tokio::net::TcpStream;

/// An application, and how to have it served.
struct Application {
    /// What this machine must have.
    needs: &'static [&'static str],
    /// Its folder below `examples/apps`.
    folder: &'static str,
    /// The arguments after the folder and the options: the command, if
    /// Peregrine is not to find out by itself.
    command: &'static [&'static str],
    /// The server that Peregrine must have found, or was told.
    server: &'static str,
}

const RUBY: Application = Application {
    needs: &["ruby", "puma"],
    folder: "ruby",
    command: &[],
    server: "puma",
};

const PYTHON_WSGI: Application = Application {
    needs: &["python3", "gunicorn"],
    folder: "python",
    command: &[],
    server: "gunicorn",
};

const PYTHON_ASGI: Application = Application {
    needs: &["python3", "uvicorn"],
    folder: "python",
    command: &["--", "uvicorn", "--uds", "{socket}", "asgi:application"],
    server: "uvicorn",
};

const NODE: Application = Application {
    needs: &["node"],
    folder: "node",
    command: &[],
    server: "node",
};

impl Application {
    async fn start(&self, options: &[&str]) -> Server {
        self.needs.iter().copied().for_each(tools::require);
        let folder = binary::example_app(self.folder);
        let args = [&["start", folder.as_str()], options, self.command].concat();
        Server::start(&args).await
    }

    /// With `count` processes, all of which answer.
    async fn start_processes(&self, count: usize) -> Server {
        let count_text = count.to_string();
        let options = [
            "--min-instances",
            &count_text,
            "--max-pool-size",
            &count_text,
        ];
        let server = self.start(&options).await;
        wait::until("all processes to be ready", async || {
            (server.ready_processes().await.len() == count).then_some(())
        })
        .await;
        server
    }
}

/// The same tests for each application.
macro_rules! applications {
    ($($name:ident: $application:expr,)*) => {$(
        mod $name {
            applications! { @tests $application,
                the_server_is_found_and_named,
                a_page_is_served,
                a_head_is_answered_without_its_body,
                a_posted_body_arrives_as_it_was_sent,
                a_posted_body_arrives_although_its_length_was_not_known,
                a_second_visitor_gets_the_page_without_reaching_the_application,
                a_private_page_is_rendered_for_each_visitor,
                a_streamed_answer_begins_before_it_is_finished,
                a_process_that_is_killed_loses_no_request_and_is_replaced,
                a_stop_lets_running_requests_finish_and_leaves_nothing_behind,
            }
        }
    )*};
    (@tests $application:expr, $($test:ident,)*) => {$(
        #[tokio::test]
        async fn $test() {
            super::$test($application).await;
        }
    )*};
}

applications! {
    ruby_with_puma: &super::RUBY,
    python_with_gunicorn: &super::PYTHON_WSGI,
    python_with_uvicorn: &super::PYTHON_ASGI,
    node: &super::NODE,
}

async fn the_server_is_found_and_named(application: &Application) {
    let server = application.start(&[]).await;

    let told = server.stdout().lines();
    assert!(
        told.iter().any(|line| line.contains(application.server)),
        "{told:?}"
    );
}

async fn a_page_is_served(application: &Application) {
    let server = application.start(&[]).await;

    let page = server.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
    assert!(
        page.body.starts_with("A small app behind Peregrine."),
        "{page:?}"
    );

    let page = server.get("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(page.body, "no such page\n");
}

async fn a_head_is_answered_without_its_body(application: &Application) {
    let server = application.start_processes(1).await;
    let length = server.get("/").await.body.len();

    let page = server.send(request(Method::HEAD, "/")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-length"), length.to_string());
    assert_eq!(page.body, "");

    // Some applications send a body all the same, which must not be taken for
    // the next answer.
    assert_eq!(server.get("/slow?seconds=0").await.body, "worth the wait\n");
}

async fn a_posted_body_arrives_as_it_was_sent(application: &Application) {
    let server = application.start(&[]).await;

    let mut post = request(Method::POST, "/echo?a=b&c=%20d").map(|_| "name=Jürgen\n".into());
    let headers = post.headers_mut();
    headers.insert("content-type", "text/plain".parse().unwrap());
    headers.append("x-several", "1".parse().unwrap());
    headers.append("x-several", "2".parse().unwrap());

    let echo = server.send(post).await.json();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["path"], "/echo");
    assert_eq!(echo["query"], "a=b&c=%20d");
    assert_eq!(echo["body"], "name=Jürgen\n");
    assert_eq!(echo["headers"]["content-type"], "text/plain");
    assert_eq!(echo["headers"]["content-length"], "13");
    let several = echo["headers"]["x-several"].as_str().unwrap();
    assert_eq!(several.replace(' ', ""), "1,2");
}

async fn a_posted_body_arrives_although_its_length_was_not_known(application: &Application) {
    let server = application.start(&[]).await;

    let answer = server
        .exchange(
            b"POST /echo HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\
              Transfer-Encoding: chunked\r\n\r\n\
              6\r\nin two\r\n7\r\n chunks\r\n0\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#""body": "in two chunks""#), "{answer}");
}

async fn a_second_visitor_gets_the_page_without_reaching_the_application(
    application: &Application,
) {
    let server = application.start_processes(1).await;

    let first = server.get("/cached").await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(
        first.body.starts_with("rendering 1 by process "),
        "{first:?}"
    );
    assert!(!first.is_hit(), "{first:?}");

    let second = server.get("/cached").await;
    assert_eq!(second.body, first.body);
    assert!(second.is_hit(), "{second:?}");
    assert!(second.headers.contains_key(AGE), "{second:?}");

    // The application has counted, too.
    let other = server.get("/cached?other").await;
    assert!(
        other.body.starts_with("rendering 2 by process "),
        "{other:?}"
    );
}

async fn a_private_page_is_rendered_for_each_visitor(application: &Application) {
    let server = application.start_processes(1).await;

    for number in 1..=3 {
        let page = server.get("/private").await;
        let expected = format!("rendering {number} by process ");
        assert!(page.body.starts_with(&expected), "{page:?}");
    }
}

async fn a_streamed_answer_begins_before_it_is_finished(application: &Application) {
    let server = application.start(&[]).await;

    let mut answer = client::open(server.address(), request(Method::GET, "/stream?seconds=5"))
        .await
        .unwrap();
    let first = answer.body_mut().frame().await.unwrap().unwrap();
    let seconds_at_first = seconds_since_epoch();
    let rest = wait::bounded("the rest of the stream", answer.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    let text = [first.into_data().unwrap(), rest].concat();
    let text = String::from_utf8(text).unwrap();

    let written: Vec<f64> = text
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(written.len(), 5, "{text}");
    // The application's own clock says when it produced the last line: four
    // seconds after the first, which we had before that.
    assert!(seconds_at_first < written[4], "{seconds_at_first} {text}");
}

async fn a_process_that_is_killed_loses_no_request_and_is_replaced(application: &Application) {
    let server = application.start_processes(2).await;
    // At any time, each process works on a request.
    let load = Load::start(server.address(), "/slow?seconds=0.2", 2);
    load.answers(2).await;

    let before = server.ready_processes().await;
    processes::kill(before[0]);
    load.answers(20).await;

    let after = wait::until("two ready processes", async || {
        let after = server.ready_processes().await;
        (after.len() == 2 && !after.contains(&before[0])).then_some(after)
    })
    .await;
    assert!(after.contains(&before[1]), "{before:?} {after:?}");
    load.answers(2).await;
    load.stop().await;

    wait::until("no zombies", async || {
        processes::zombies_of(server.pid()).is_empty().then_some(())
    })
    .await;
    // Its own children, such as gunicorn's workers, did not survive it.
    let living: Vec<_> = after.into_iter().chain([server.pid()]).collect();
    wait::until("its children to be gone", async || {
        let mut left = server.processes();
        left.retain(|process| !living.contains(&process.pid) && !living.contains(&process.parent));
        left.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_worker_of_gunicorn_that_is_killed_loses_no_request_either() {
    let server = PYTHON_WSGI.start_processes(2).await;
    let load = Load::start(server.address(), "/slow?seconds=0.2", 2);
    load.answers(2).await;

    // Peregrine started gunicorn, and gunicorn a process for the requests.
    let worker: i32 = server.get("/pid").await.body.trim().parse().unwrap();
    assert!(!server.ready_processes().await.contains(&worker));
    processes::kill(worker);
    load.answers(20).await;
    load.stop().await;
}

async fn a_stop_lets_running_requests_finish_and_leaves_nothing_behind(application: &Application) {
    let server = application.start_processes(2).await;
    assert!(server.processes().len() >= 3, "{:?}", server.processes());

    let address = server.address();
    let running = tokio::spawn(client::try_fetch(
        address,
        request(Method::GET, "/slow?seconds=5"),
    ));
    server.in_flight(1).await;

    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
    let page = running
        .await
        .unwrap()
        .expect("a request that runs is answered");
    assert_eq!(page.body, "worth the wait\n");
    assert!(TcpStream::connect(address).await.is_err());
}

fn seconds_since_epoch() -> f64 {
    UNIX_EPOCH
        .elapsed()
        .expect("the epoch is over")
        .as_secs_f64()
}

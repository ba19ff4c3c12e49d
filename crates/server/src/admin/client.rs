use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, time::timeout};

use super::{AdminError, find, part::part, places::Places, render, status::Status};
use crate::cli::Show;

/// A server answers at once, and late on a machine that is swamped, which is when one
/// looks; this is for one that is stopped or stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server is asked for.
const STATUS: &str = "/v1/status";
const REQUESTS: &str = "/v1/requests";

/// Far above what a thousand processes take.
const LONGEST_ANSWER: usize = 16 << 20;

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Which part of a status, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    pub(crate) show: Option<Show>,
    pub(crate) json: bool,
}

/// What `peregrine status` prints: of the server at `socket`, or else of the
/// only one that runs.
pub(crate) async fn report(socket: Option<&Path>, view: View) -> Result<String, AdminError> {
    report_from(&Places::of_this_user(), socket, view).await
}

async fn report_from(
    places: &Places,
    socket: Option<&Path>,
    view: View,
) -> Result<String, AdminError> {
    let socket = choose(places, socket).await?;
    look(&socket, view).await
}

/// What the server at `socket` says now.
pub(super) async fn look(socket: &Path, view: View) -> Result<String, AdminError> {
    let read = async {
        let requests = view.show == Some(Show::Requests);
        if view.json {
            // Not by way of our types: a newer server's further fields are kept.
            let mut status = read(socket, STATUS).await?;
            if let Some(show) = view.show {
                let running = if requests {
                    Some(read(socket, REQUESTS).await?)
                } else {
                    None
                };
                status = part(show, status, running);
            }
            return Ok(serde_json::to_string_pretty(&status)? + "\n");
        }
        let status: Status = serde_json::from_value(read(socket, STATUS).await?)?;
        let now = SystemTime::now();
        if requests {
            let running = serde_json::from_value(read(socket, REQUESTS).await?)?;
            return Ok(render::render_requests(&status, &running, now));
        }
        Ok::<_, Failure>(render::render(&status, view.show, now))
    };
    read.await
        .map_err(|error| AdminError::silent(socket, &error))
}

/// The socket that was named, or else that of the only server that runs.
pub(super) async fn choose(places: &Places, named: Option<&Path>) -> Result<PathBuf, AdminError> {
    match named {
        Some(socket) => Ok(socket.to_owned()),
        None => only(find::sockets(places)).await,
    }
}

async fn only(mut sockets: Vec<PathBuf>) -> Result<PathBuf, AdminError> {
    match (sockets.pop(), sockets.is_empty()) {
        (None, _) => Err(AdminError::none()),
        (Some(socket), true) => Ok(socket),
        (Some(last), false) => {
            sockets.push(last);
            let mut servers = Vec::new();
            for socket in sockets {
                let status = read(&socket, STATUS).await;
                let address = match status.map(serde_json::from_value::<Status>) {
                    Ok(Ok(status)) => format!("{} ({})", status.address, status.serves()),
                    _ => "does not answer".to_owned(),
                };
                servers.push((socket, address));
            }
            Err(AdminError::several(&servers))
        }
    }
}

async fn read(socket: &Path, path: &str) -> Result<Value, Failure> {
    let answer = timeout(PATIENCE, ask(socket, Method::GET, path, Bytes::new()));
    let (status, body) = answer
        .await
        .map_err(|_| format!("no answer within {} seconds", PATIENCE.as_secs()))??;
    if status != StatusCode::OK {
        return Err(format!("its answer is {status}").into());
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Sends a request, with JSON if there is `body`, and gives the whole answer.
pub(super) async fn ask(
    socket: &Path,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Failure> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER);
        let body = body.collect().await?.to_bytes();
        // Without its sender, the connection comes to an end, too.
        drop(sender);
        Ok::<_, Failure>((status, body))
    };
    let (exchange, _) = tokio::join!(exchange, connection);
    exchange
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::admin::{AdminSocket, serve, served::Scripted, status::example};

    const JSON: View = View {
        show: None,
        json: true,
    };

    #[tokio::test]
    async fn a_running_server_is_found_and_tells_its_status() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        let socket = AdminSocket::bind_in(&places).unwrap();
        let server = serve(socket, None, Scripted::saying(example())).unwrap();

        let json = report_from(&places, None, JSON).await.unwrap();
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), example());
        let text = report_from(&places, None, View::default()).await.unwrap();
        assert!(text.contains("Max pool size : 5"), "{text}");

        drop(server);
        let error = report_from(&places, None, View::default())
            .await
            .unwrap_err();
        assert_eq!(error.exit_status(), 1);
        assert!(!error.to_string().contains('\n'), "{error}");
    }

    #[tokio::test]
    async fn of_several_servers_one_has_to_be_chosen() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        let folder = places.folder().unwrap();
        let paths = ["1.sock", "2.sock"].map(|name| folder.join(name));
        let bind = |path: &PathBuf| AdminSocket::bind(Some(path)).unwrap();
        let _first = serve(bind(&paths[0]), None, Scripted::saying(example())).unwrap();
        let other = Status {
            address: "http://127.0.0.1:4000".to_owned(),
            ..example()
        };
        let _second = serve(bind(&paths[1]), None, Scripted::saying(other)).unwrap();

        let error = report_from(&places, None, View::default())
            .await
            .unwrap_err();
        assert_eq!(error.exit_status(), 2);
        let listed = error.to_string();
        for part in [
            "1.sock",
            "2.sock",
            "http://127.0.0.1:3000",
            "http://127.0.0.1:4000",
        ] {
            assert!(listed.contains(part), "{listed}");
        }

        let chosen = report_from(&places, Some(&paths[1]), JSON).await.unwrap();
        assert!(chosen.contains("http://127.0.0.1:4000"), "{chosen}");
    }

    #[tokio::test]
    async fn a_socket_without_a_server_is_an_error_of_one_line() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        let nowhere = temp.path().join("nowhere.sock");
        let error = report_from(&places, Some(&nowhere), View::default()).await;
        let error = error.unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(!error.to_string().contains('\n'), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_stuck_is_not_waited_for_forever() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("stuck.sock");
        // It listens, but never takes the connection.
        let _listener = UnixListener::bind(&path).unwrap();
        let error = read(&path, STATUS).await.unwrap_err().to_string();
        assert!(error.contains("within 30 seconds"), "{error}");
    }
}

use std::{
    fmt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, time::timeout};

use super::{find, places::Places, render, status::Status};

/// A server answers at once; this is for one that is stopped or stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// Far above what a thousand processes take.
const LONGEST_ANSWER: usize = 16 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What `peregrine status` prints: of the server at `socket`, or else of the
/// only one that runs.
pub(crate) async fn report(socket: Option<&Path>, json: bool) -> Result<String, StatusError> {
    report_from(&Places::of_this_user(), socket, json).await
}

async fn report_from(
    places: &Places,
    socket: Option<&Path>,
    json: bool,
) -> Result<String, StatusError> {
    let socket = match socket {
        Some(socket) => socket.to_owned(),
        None => only(find::sockets(places)).await?,
    };
    let answer = ask(&socket)
        .await
        .map_err(|error| StatusError::silent(&socket, &*error))?;
    let printed = if json {
        // Not by way of `Status`: a newer server's further fields are kept.
        serde_json::to_string_pretty(&answer).map(|text| text + "\n")
    } else {
        serde_json::from_value(answer).map(|status| render::render(&status, SystemTime::now()))
    };
    printed.map_err(|error| StatusError::silent(&socket, &error))
}

async fn only(mut sockets: Vec<PathBuf>) -> Result<PathBuf, StatusError> {
    match (sockets.pop(), sockets.is_empty()) {
        (None, _) => Err(StatusError::none()),
        (Some(socket), true) => Ok(socket),
        (Some(last), false) => {
            sockets.push(last);
            let mut servers = Vec::new();
            for socket in sockets {
                let address = match ask(&socket).await.map(serde_json::from_value::<Status>) {
                    Ok(Ok(status)) => format!("{} ({})", status.address, status.application),
                    _ => "does not answer".to_owned(),
                };
                servers.push((socket, address));
            }
            Err(StatusError::several(&servers))
        }
    }
}

async fn ask(socket: &Path) -> Result<Value, Failure> {
    timeout(PATIENCE, ask_patiently(socket))
        .await
        .map_err(|_| format!("no answer within {} seconds", PATIENCE.as_secs()))?
}

async fn ask_patiently(socket: &Path) -> Result<Value, Failure> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/v1/status")
        .header(HOST, "localhost")
        .body(Empty::<Bytes>::new())?;
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
    let (status, body) = exchange?;
    if status != StatusCode::OK {
        return Err(format!("its answer is {status}").into());
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Why there is no status to show, for the operator.
#[derive(Debug)]
pub(crate) struct StatusError {
    message: String,
    exit_status: u8,
}

impl StatusError {
    /// 1 if no server runs, 2 if the question has to be put differently.
    pub(crate) const fn exit_status(&self) -> u8 {
        self.exit_status
    }

    fn none() -> Self {
        Self {
            message: "no server of yours is running; start one, or name its socket with \
                      --admin-socket PATH"
                .to_owned(),
            exit_status: 1,
        }
    }

    fn several(servers: &[(PathBuf, String)]) -> Self {
        let mut lines = vec![format!(
            "{} servers are running; choose one with --admin-socket PATH:",
            servers.len()
        )];
        lines.extend(
            servers
                .iter()
                .map(|(socket, server)| format!("  {}  {server}", socket.display())),
        );
        Self {
            message: lines.join("\n"),
            exit_status: 2,
        }
    }

    fn silent(socket: &Path, error: &dyn std::error::Error) -> Self {
        Self {
            message: format!(
                "the server at {} gives no status: {error}; check that it runs, and that it is \
                 of this version",
                socket.display()
            ),
            exit_status: 2,
        }
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StatusError {}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::admin::{AdminSocket, serve, status::example};

    #[tokio::test]
    async fn a_running_server_is_found_and_tells_its_status() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        let socket = AdminSocket::bind_in(&places).unwrap();
        let server = serve(socket, example).unwrap();

        let json = report_from(&places, None, true).await.unwrap();
        assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), example());
        let text = report_from(&places, None, false).await.unwrap();
        assert!(text.contains("Max pool size : 6"), "{text}");

        drop(server);
        let error = report_from(&places, None, false).await.unwrap_err();
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
        let _first = serve(bind(&paths[0]), example).unwrap();
        let other = || Status {
            address: "http://127.0.0.1:4000".to_owned(),
            ..example()
        };
        let _second = serve(bind(&paths[1]), other).unwrap();

        let error = report_from(&places, None, false).await.unwrap_err();
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

        let chosen = report_from(&places, Some(&paths[1]), true).await.unwrap();
        assert!(chosen.contains("http://127.0.0.1:4000"), "{chosen}");
    }

    #[tokio::test]
    async fn a_socket_without_a_server_is_an_error_of_one_line() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        let nowhere = temp.path().join("nowhere.sock");
        let error = report_from(&places, Some(&nowhere), false).await;
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
        let error = ask(&path).await.unwrap_err().to_string();
        assert!(error.contains("5 seconds"), "{error}");
    }
}

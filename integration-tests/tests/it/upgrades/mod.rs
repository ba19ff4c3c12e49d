//! A WebSocket, and whatever else a client and an application agree to speak.

mod carrying;
mod closing;

use futures_util::{SinkExt, StreamExt};
use integration_tests::{Server, tools, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// An application of `apps/upgrades`.
struct Application {
    needs: &'static [&'static str],
    command: &'static [&'static str],
}

const NODE: Application = Application {
    needs: &["node"],
    command: &["node", "app.js", "{socket}"],
};

const PYTHON: Application = Application {
    needs: &["python3", "uvicorn"],
    command: &["uvicorn", "--uds", "{socket}", "asgi:application"],
};

const RUBY: Application = Application {
    needs: &["ruby", "puma"],
    command: &["puma", "-b", "unix://{socket}", "-t", "4:4", "config.ru"],
};

/// More than any socket holds on its way.
const LARGE: usize = 8 << 20;

impl Application {
    async fn start(&self, options: &[&str]) -> Server {
        self.needs.iter().copied().for_each(tools::require);
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/upgrades");
        // Python would leave its compiled files there.
        let start = ["start", dir, "--envvar", "PYTHONDONTWRITEBYTECODE=1"];
        Server::start(&[&start, options, &["--"], self.command].concat()).await
    }

    /// One process that takes ten requests.
    async fn start_one(&self, options: &[&str]) -> Server {
        let one = [
            "--max-pool-size",
            "1",
            "--force-max-concurrent-requests-per-process",
            "10",
        ];
        self.start(&[&one, options].concat()).await
    }
}

type WebSocket = WebSocketStream<TcpStream>;

async fn websocket(server: &Server) -> WebSocket {
    websocket_at(server, "/socket").await
}

async fn websocket_at(server: &Server, path: &str) -> WebSocket {
    let address = format!("ws://{}{path}", server.address());
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let connecting = wait::bounded("a WebSocket", client_async(address, stream));
    let (socket, _) = connecting.await.expect("a WebSocket");
    socket
}

/// What comes back for `message`.
async fn say(socket: &mut WebSocket, message: Message) -> Message {
    let exchange = async {
        socket.send(message).await.unwrap();
        socket.next().await.unwrap().unwrap()
    };
    wait::bounded("an echo", exchange).await
}

/// Waits until the other side has ended the connection, in whatever way.
async fn closed(socket: &mut WebSocket) {
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    wait::bounded("the end of the WebSocket", end).await;
}

/// Offers `protocol`, with `more` right behind it, and gives the answer's head
/// and what it has read beyond that.
async fn offer(server: &Server, protocol: &str, more: &[u8]) -> (TcpStream, String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    );
    let bytes = [head.as_bytes(), more].concat();
    stream.write_all(&bytes).await.unwrap();
    let mut read = Vec::new();
    let end = wait::bounded("the head of an answer", async {
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            read.push(byte[0]);
            if read.ends_with(b"\r\n\r\n") {
                break read.len();
            }
        }
    });
    let end = end.await;
    let rest = read.split_off(end);
    (stream, String::from_utf8(read).unwrap(), rest)
}

/// A connection on which all bytes come back.
async fn echo(server: &Server) -> TcpStream {
    let (stream, head, _) = offer(server, "echo", b"").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

async fn hear(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut heard = vec![0; bytes];
    let reading = stream.read_exact(&mut heard);
    wait::bounded("what was said", reading).await.unwrap();
    heard
}

/// Waits until the application says that it has so many open.
async fn open(server: &Server, count: usize) {
    wait::until(&format!("{count} open connections"), async || {
        (server.get("/open").await.body == count.to_string()).then_some(())
    })
    .await;
}

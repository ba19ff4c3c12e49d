//! An application that says what a test tells it to, and remembers what it heard.

use std::{
    collections::HashMap,
    io, mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use integration_tests::wait;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::Semaphore,
    task::AbortHandle,
};

use super::message::{End, Message, Reader};

/// What it says to a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// This, when it has read all of the request.
    Whole(Bytes),
    /// The same, and no more on this connection.
    Last(Bytes),
    /// This, before it reads the content of the request, and no more on this connection.
    AtOnce(Bytes),
    /// The same as [`Whole`](Self::Whole), once the test [releases](Origin::release) it.
    Held(Bytes),
    /// The first half of this, and the second one once the test releases it.
    Halves(Bytes, Bytes),
    /// As [`Whole`](Self::Whole), but it reads the content of the request only once the
    /// test releases it.
    Deaf(Bytes),
    /// A content of which there is always more.
    Endless,
}

impl Reply {
    pub(super) fn whole(bytes: &'static str) -> Self {
        Self::Whole(Bytes::from_static(bytes.as_bytes()))
    }

    pub(super) fn last(bytes: &'static str) -> Self {
        Self::Last(Bytes::from_static(bytes.as_bytes()))
    }
}

/// What it says to any other request: which one that was.
fn usual(request: &Message) -> Reply {
    let content = &request.start;
    let length = content.len();
    Reply::Whole(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{content}").into())
}

/// It listens for as long as this is there.
pub(super) struct Origin {
    url: String,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

struct Shared {
    replies: Mutex<HashMap<&'static str, Reply>>,
    /// In the order in which they came.
    heads: Mutex<Vec<Message>>,
    /// Those of which all has come.
    requests: Mutex<Vec<Message>>,
    /// How many answers it could not give, since nobody took them.
    refused: AtomicUsize,
    released: Semaphore,
}

impl Origin {
    pub(super) async fn start(replies: Vec<(&'static str, Reply)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            heads: Mutex::default(),
            requests: Mutex::default(),
            refused: AtomicUsize::new(0),
            released: Semaphore::new(0),
        });
        let serving = shared.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                // It ends with the connection, which the server closes in the end.
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        let listening = listening.abort_handle();
        Self {
            url,
            shared,
            listening,
        }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// From now on, it says this to that path.
    pub(super) fn will_say(&self, path: &'static str, reply: Reply) {
        self.shared.replies.lock().unwrap().insert(path, reply);
    }

    /// The requests that have come as a whole since this was last asked.
    pub(super) fn take(&self) -> Vec<Message> {
        self.shared.heads.lock().unwrap().clear();
        mem::take(&mut self.shared.requests.lock().unwrap())
    }

    /// How many heads have come since then.
    pub(super) fn begun(&self) -> usize {
        self.shared.heads.lock().unwrap().len()
    }

    /// Waits until so many have.
    pub(super) async fn has_begun(&self, count: usize) {
        wait::until("a request that reaches the application", async || {
            (self.begun() >= count).then_some(())
        })
        .await;
    }

    /// One of those that are held may leave.
    pub(super) fn release(&self) {
        self.shared.released.add_permits(1);
    }

    /// Waits until an answer has found nobody to take it.
    pub(super) async fn is_refused(&self) {
        wait::until("the application to find its client gone", async || {
            (self.shared.refused.load(Relaxed) > 0).then_some(())
        })
        .await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut reader = Reader::new(reader);
        while let Ok(Some(mut request)) = reader.head().await {
            let reply = self.replies.lock().unwrap().get(request.path()).cloned();
            let reply = reply.unwrap_or_else(|| usual(&request));
            self.heads.lock().unwrap().push(request.clone());
            if let Reply::AtOnce(_) = reply {
                self.say(&reply, &mut writer).await;
                // Heard out, so that nothing is reset on the way.
                let _ = writer.shutdown().await;
                reader.rest(&mut Vec::new()).await;
                return;
            }
            if let Reply::Deaf(_) = reply {
                self.is_released().await;
            }
            reader.content(&mut request, false).await;
            if request.end == End::BrokenOff {
                return;
            }
            self.requests.lock().unwrap().push(request);
            let is_last = matches!(reply, Reply::Last(_));
            if !self.say(&reply, &mut writer).await || is_last {
                return;
            }
        }
    }

    /// Whether somebody takes it.
    async fn say(&self, reply: &Reply, writer: &mut OwnedWriteHalf) -> bool {
        if let Reply::Held(_) = reply {
            self.is_released().await;
        }
        let said = match reply {
            Reply::Whole(bytes)
            | Reply::Last(bytes)
            | Reply::AtOnce(bytes)
            | Reply::Held(bytes)
            | Reply::Deaf(bytes) => writer.write_all(bytes).await,
            Reply::Halves(first, second) => self.say_in_halves(writer, first, second).await,
            Reply::Endless => say_endlessly(writer).await,
        };
        if said.is_err() {
            self.refused.fetch_add(1, Relaxed);
        }
        said.is_ok()
    }

    async fn say_in_halves(
        &self,
        writer: &mut OwnedWriteHalf,
        first: &[u8],
        second: &[u8],
    ) -> io::Result<()> {
        writer.write_all(first).await?;
        self.is_released().await;
        writer.write_all(second).await
    }

    async fn is_released(&self) {
        self.released.acquire().await.expect("open").forget();
    }
}

async fn say_endlessly(writer: &mut OwnedWriteHalf) -> io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    writer.write_all(head).await?;
    loop {
        writer.write_all(b"6\r\nfor ev\r\n").await?;
    }
}

//! A client that sends what it likes.

use std::net::SocketAddr;

use integration_tests::wait;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::message::{Message, Reader};

/// Its connection.
pub(super) struct Client {
    reader: Reader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    pub(super) async fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.expect("it listens");
        // Each piece is to leave when it is sent.
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        let reader = Reader::new(reader);
        Self { reader, writer }
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // Whoever is refused may find the connection closed; the answer says so.
        let _ = self.writer.write_all(bytes.as_ref()).await;
    }

    /// Sends `bytes` and reads at the same time: up to `most` answers, or until the
    /// connection is closed.
    pub(super) async fn send_while_hearing(
        &mut self,
        bytes: impl AsRef<[u8]>,
        most: usize,
    ) -> Vec<Message> {
        let Self { reader, writer } = self;
        let hearing = async {
            let mut answers = Vec::new();
            while answers.len() < most
                && let Ok(Some(mut answer)) = reader.head().await
            {
                reader.content(&mut answer, true).await;
                answers.push(answer);
            }
            answers
        };
        let exchange = async { tokio::join!(hearing, writer.write_all(bytes.as_ref())) };
        // As above.
        let (answers, _) = wait::bounded("the answers", exchange).await;
        answers
    }

    /// Has nothing more to say.
    pub(super) async fn hang_up(&mut self) {
        self.writer.shutdown().await.unwrap();
    }

    /// The next answer, or `None` if the connection is closed instead.
    pub(super) async fn next(&mut self, method: &str) -> Option<Message> {
        wait::bounded("an answer or the end", async {
            // A reset is a close, too.
            let mut answer = self.reader.head().await.ok()??;
            // RFC 9112 §6.3, 1.
            let is_empty = method == "HEAD" || matches!(answer.status(), 100..200 | 204 | 304);
            if !is_empty {
                self.reader.content(&mut answer, true).await;
            }
            Some(answer)
        })
        .await
    }

    /// The answer to a request that is no HEAD.
    pub(super) async fn answer(&mut self) -> Message {
        self.next("GET").await.expect("an answer")
    }

    /// The head of an answer, whose content is still to come.
    pub(super) async fn head(&mut self) -> Message {
        let head = wait::bounded("the head of an answer", self.reader.head()).await;
        head.unwrap().expect("an answer")
    }

    /// Whether `bytes` come of it, which are still to be read then.
    pub(super) async fn has(&mut self, bytes: &[u8]) -> bool {
        wait::bounded("a part of an answer", self.reader.has(bytes)).await
    }

    /// The content to a [head](Self::head).
    pub(super) async fn content(&mut self, answer: &mut Message) {
        let reading = self.reader.content(answer, true);
        wait::bounded("the content of an answer", reading).await;
    }

    /// Waits until the connection is closed, and says whether that is by a reset.
    pub(super) async fn is_reset(&mut self) -> bool {
        let mut rest = Vec::new();
        let closing = self.reader.rest(&mut rest);
        !wait::bounded("the connection to be closed", closing).await
    }

    /// Waits until the connection is closed, and gives what came before that.
    pub(super) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let closing = self.reader.rest(&mut rest);
        wait::bounded("the connection to be closed", closing).await;
        rest
    }
}

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::answer::{self, Answer, Framing};
use crate::Result;

/// A connection that is kept, and does little beside what the kernel does: so
/// that servers, and not who asks them, are what is measured.
pub(super) struct Connection {
    stream: TcpStream,
    host: String,
    request: Vec<u8>,
    /// The answer, as it came.
    answer: Vec<u8>,
    /// Its body, if that came in chunks.
    unchunked: Vec<u8>,
}

/// What browsers take.
const CODINGS: &str = "gzip, deflate, br, zstd";

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host: address.to_string(),
            request: Vec::new(),
            answer: Vec::with_capacity(64 * 1024),
            unchunked: Vec::new(),
        })
    }

    pub(super) async fn get(&mut self, path: &str, cookies: &str) -> Result<Answer<'_>> {
        self.write("GET", path, cookies, "");
        self.exchange().await
    }

    pub(super) async fn post(
        &mut self,
        path: &str,
        cookies: &str,
        form: &str,
    ) -> Result<Answer<'_>> {
        self.write("POST", path, cookies, form);
        self.exchange().await
    }

    fn write(&mut self, method: &str, path: &str, cookies: &str, form: &str) {
        self.request.clear();
        let mut add = |parts: &[&str]| {
            for part in parts {
                self.request.extend_from_slice(part.as_bytes());
            }
        };
        add(&[method, " ", path, " HTTP/1.1\r\nhost: ", &self.host, "\r\n"]);
        add(&["accept-encoding: ", CODINGS, "\r\n"]);
        if !cookies.is_empty() {
            add(&["cookie: ", cookies, "\r\n"]);
        }
        if method == "POST" {
            let length = form.len().to_string();
            add(&[
                "sec-fetch-site: same-origin\r\n",
                "content-type: application/x-www-form-urlencoded\r\n",
                "content-length: ",
                &length,
                "\r\n",
            ]);
        }
        add(&["\r\n", form]);
    }

    async fn exchange(&mut self) -> Result<Answer<'_>> {
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let mut framed = None;
        let (head, framing) = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("it closed the connection".into());
            }
            if framed.is_none() {
                framed = Framing::of(&self.answer)?;
            }
            let Some((head, framing)) = framed else {
                continue;
            };
            let body = &self.answer[head..];
            let is_whole = match framing {
                Framing::Length(length) if body.len() > length => {
                    return Err("it sent more than it had announced".into());
                }
                Framing::Length(length) => body.len() == length,
                Framing::Chunked => answer::unchunk(body, &mut self.unchunked)?,
            };
            if is_whole {
                break (head, framing);
            }
        };
        let (head, body) = self.answer.split_at(head);
        let body = match framing {
            Framing::Length(_) => body,
            Framing::Chunked => &self.unchunked,
        };
        Ok(Answer::new(head, body, self.answer.len()))
    }
}

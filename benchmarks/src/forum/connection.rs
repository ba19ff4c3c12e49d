use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

/// A connection that is kept, and does little beside what the kernel does: so
/// that servers, and not who asks them, are what is measured.
pub(super) struct Connection {
    stream: TcpStream,
    host: String,
    request: Vec<u8>,
    /// The answer, as it came.
    answer: Vec<u8>,
}

/// The head of an answer. Its body was read, and is behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    head: &'a [u8],
    body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host: address.to_string(),
            request: Vec::new(),
            answer: Vec::with_capacity(64 * 1024),
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
        let mut lengths = None;
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("it closed the connection".into());
            }
            if lengths.is_none() {
                lengths = head_and_body(&self.answer)?;
            }
            match lengths {
                Some((head, body)) if self.answer.len() == head + body => {
                    let (head, body) = self.answer.split_at(head);
                    return Ok(Answer { head, body });
                }
                Some((head, body)) if self.answer.len() > head + body => {
                    return Err("it sent more than it had announced".into());
                }
                _ => {}
            }
        }
    }
}

impl<'a> Answer<'a> {
    pub(super) fn status(self) -> &'a [u8] {
        self.head.get(9..12).unwrap_or_default()
    }

    pub(super) const fn body(self) -> &'a [u8] {
        self.body
    }

    /// The first line of the field called `name`, which is in lower case.
    pub(super) fn field(self, name: &str) -> Option<&'a [u8]> {
        field(self.head, name)
    }

    pub(super) fn field_has(self, name: &str, part: &str) -> bool {
        let value = self.field(name).unwrap_or_default();
        value.windows(part.len()).any(|it| it == part.as_bytes())
    }
}

/// How long they are, if the whole head is there.
fn head_and_body(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = end + 4;
    let length =
        field(&answer[..head], "content-length").ok_or("it does not say how long its answer is")?;
    Ok(Some((head, std::str::from_utf8(length)?.parse()?)))
}

fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (called, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        called
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        let cases = [
            ("half a head", &head[..20], Ok(None)),
            ("a head", head, Ok(Some((head.len(), 3)))),
            ("no length", "HTTP/1.1 200 OK\r\n\r\n", Err(())),
            (
                "no number",
                "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
                Err(()),
            ),
        ];
        for (name, answer, expected) in cases {
            let lengths = head_and_body(answer.as_bytes()).map_err(|_| ());
            assert_eq!(lengths, expected, "{name}");
        }
    }

    #[test]
    fn fields_are_found_in_any_case() {
        let answer = Answer {
            head: b"HTTP/1.1 303 See Other\r\nX-A: 1\r\nx-varnish:  3 2 \r\n\r\n",
            body: b"",
        };
        assert_eq!(answer.status(), b"303");
        assert_eq!(answer.field("x-varnish"), Some(&b"3 2"[..]));
        assert_eq!(answer.field("x"), None);
        assert!(answer.field_has("x-varnish", " ") && !answer.field_has("x-a", " "));
    }
}

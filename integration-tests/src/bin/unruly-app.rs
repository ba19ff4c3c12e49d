//! An application that does whatever a request asks it to do, however wrong.
//!
//! It listens on `PORT`, serves any number of connections at a time, one
//! request on each, and keeps no promise of HTTP that a path tells it to break:
//!
//! | path | what it does |
//! |---|---|
//! | `/answer/NAME=VALUE/…` | answers with these header fields, and says how many requests have reached it and which `Cookie` and `Authorization` came with this one |
//! | `/slowly/NAME=VALUE/…` | the same, a second later |
//! | `/head` | answers with the head of the request, byte by byte as it came |
//! | `/early` | begins its answer at the first byte of the request's body, and ends it with the last |
//! | `/bytes/COUNT` | answers with so many bytes, all of them `x`, as fast as they are taken |
//! | `/events` | begins a stream of events, and never ends it |
//! | `/journal/TEXT` | writes a line to the end of the file `journal` in its folder, and answers |
//! | `/http-1.0` | answers in HTTP/1.0, without a length |
//! | `/garbage` | answers, but not in HTTP |
//! | `/nothing` | closes the connection without a word |
//! | `/half-a-head` | closes the connection in the middle of its header fields |
//! | `/half-a-body` | promises 100 bytes for any cache, and closes the connection after 10 |
//! | `/half-a-chunk` | the same in the chunked coding |
//! | `/by-close/HOW` | answers for any cache, in a coding that nobody knows, so that only the end of the connection ends it: all of it if `HOW` is `whole`; half of it, and then a reset if it is `reset`, or nothing more before the client leaves |
//! | `/never` | takes the request and says nothing until the client leaves |
//!
//! Any other path does what `/answer` does.

use std::{
    env,
    fs::OpenOptions,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use rustix::net::sockopt;

fn main() {
    let port = env::var("PORT").expect("PORT says where to listen");
    let port: u16 = port.parse().expect("PORT is a number");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("PORT is free");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            // The client left: what is there to do?
            let _ = serve(stream);
        });
    }
}

fn serve(mut client: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let request = Request::read(&mut reader)?;
    match request.path() {
        "/early" => return answer_early(&mut client, &mut reader, &request),
        "/never" => return io::copy(&mut reader, &mut io::sink()).map(drop),
        _ => request.skip_body(&mut reader)?,
    }
    match request.path() {
        "/head" => answer(&mut client, "", &request.head),
        "/events" => {
            client.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                  Transfer-Encoding: chunked\r\n\r\nd\r\ndata: first\n\n\r\n",
            )?;
            io::copy(&mut reader, &mut io::sink()).map(drop)
        }
        path if path.starts_with("/by-close/") => {
            answer_by_close(&mut client, &mut reader, &path["/by-close/".len()..])
        }
        path if path.starts_with("/journal/") => {
            write_down(&path["/journal/".len()..])?;
            answer(&mut client, "", "written")
        }
        "/http-1.0" => client.write_all(b"HTTP/1.0 200 OK\r\n\r\nold, but well"),
        "/garbage" => client.write_all(b"Good morning! This is not HTTP.\r\n\r\n"),
        "/nothing" => Ok(()),
        "/half-a-head" => client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/pl"),
        "/half-a-body" => client.write_all(
            b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\n\
              Content-Length: 100\r\n\r\n1234567890",
        ),
        "/half-a-chunk" => client.write_all(
            b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\n\
              Transfer-Encoding: chunked\r\n\r\n64\r\n1234567890",
        ),
        path => match path.strip_prefix("/bytes/").map(str::parse) {
            Some(Ok(count)) => answer_with_bytes(&mut client, count),
            _ => answer_as_asked(&mut client, path, &request),
        },
    }
}

/// In one piece, whoever else writes.
fn write_down(text: &str) -> io::Result<()> {
    let mut journal = OpenOptions::new()
        .create(true)
        .append(true)
        .open("journal")?;
    journal.write_all(format!("{text}\n").as_bytes())
}

fn answer_as_asked(client: &mut TcpStream, path: &str, request: &Request) -> io::Result<()> {
    if path.starts_with("/slowly") {
        thread::sleep(Duration::from_secs(1));
    }
    let mut fields = String::new();
    for (name, value) in path.split('/').filter_map(|part| part.split_once('=')) {
        fields.extend([name, ": ", value, "\r\n"]);
    }
    let cookie = request.field("cookie");
    let authorization = request.field("authorization");
    let number = request.number;
    let process = std::process::id();
    let body = format!(
        "request {number} of process {process}, cookie `{cookie}`, authorization `{authorization}`\n"
    );
    answer(client, &fields, &body)
}

fn answer_with_bytes(client: &mut TcpStream, count: u64) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {count}\r\n\r\n");
    client.write_all(head.as_bytes())?;
    io::copy(&mut io::repeat(b'x').take(count), client).map(drop)
}

/// The answer has no length, and ends with the connection.
fn answer_early(
    client: &mut TcpStream,
    reader: &mut impl Read,
    request: &Request,
) -> io::Result<()> {
    let mut body = reader.take(request.content_length());
    body.read_exact(&mut [0])?;
    client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nit begins, ")?;
    let rest = io::copy(&mut body, &mut io::sink())?;
    // In one piece, which nobody on the way has a reason to divide.
    let end = format!("and {rest} bytes later it ends\n");
    client.write_all(end.as_bytes())
}

fn answer_by_close(client: &mut TcpStream, reader: &mut impl Read, how: &str) -> io::Result<()> {
    client.write_all(
        b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\n\
          Transfer-Encoding: madeup\r\n\r\none half",
    )?;
    match how {
        "whole" => client.write_all(b" and the other"),
        "reset" => sockopt::set_socket_linger(&*client, Some(Duration::ZERO)).map_err(Into::into),
        _ => io::copy(reader, &mut io::sink()).map(drop),
    }
}

fn answer(client: &mut TcpStream, fields: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
    );
    client.write_all(answer.as_bytes())
}

struct Request {
    /// As it came.
    head: String,
    /// How many there were, this one included.
    number: u32,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        static REQUESTS: AtomicU32 = AtomicU32::new(0);

        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                // Someone only looked whether we are there.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let number = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Self { head, number })
    }

    /// Without the query, which only tells requests apart.
    fn path(&self) -> &str {
        let target = self.head.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }

    /// The first line of a header field, or nothing.
    fn field(&self, wanted: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map_or("", |(_, value)| value)
    }

    fn content_length(&self) -> u64 {
        self.field("content-length").parse().unwrap_or(0)
    }

    /// Takes all of the body, and fails if there is less than was promised.
    fn skip_body(&self, reader: &mut impl BufRead) -> io::Result<()> {
        if !self
            .field("transfer-encoding")
            .eq_ignore_ascii_case("chunked")
        {
            return skip(reader, self.content_length());
        }
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
            skip(reader, size + 2)?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if skipped < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

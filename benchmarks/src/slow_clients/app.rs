use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use super::crowd::LARGE;
use crate::Result;

/// What a page takes: some time, but no core, of which there are too few to
/// measure anything else.
const WORK: Duration = Duration::from_millis(2);

/// An application that serves one connection after the other, as plainly as
/// possible, until its process is ended.
pub(crate) fn serve() -> Result<()> {
    let port: u16 = env::var("PORT")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    for client in listener.incoming() {
        // Whoever leaves in the middle is none of the next one's business.
        let _ = client.and_then(|client| answer(&client));
    }
    Ok(())
}

fn answer(mut client: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
    io::copy(&mut reader.take(length.unwrap_or(0)), &mut io::sink())?;

    thread::sleep(WORK);
    let size = if head.starts_with("GET /large ") {
        LARGE
    } else {
        1024
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Length: {size}\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    io::copy(&mut io::repeat(b'x').take(size), &mut client).map(drop)
}

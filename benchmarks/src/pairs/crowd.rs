use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::{Result, cores::CoreList, options::RunOptions, scenario::Scenario};

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clients that all ask for one page at once, and ask again when the last has it.
pub(super) struct Crowd {
    connections: Vec<TcpStream>,
    request: String,
    body_size: usize,
    buffer: Vec<u8>,
    /// How many were answered.
    pub(super) requests: u64,
}

impl Crowd {
    pub(super) fn connect(
        address: SocketAddr,
        scenario: Scenario,
        options: &RunOptions,
    ) -> Result<Self> {
        let connect = |_| {
            let connection = TcpStream::connect(address)?;
            connection.set_nodelay(true)?;
            connection.set_read_timeout(Some(PATIENCE))?;
            Ok(connection)
        };
        let (method, path) = (scenario.method(), scenario.path());
        Ok(Self {
            connections: (0..options.connections)
                .map(connect)
                .collect::<Result<_>>()?,
            // As wrk asks.
            request: format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
            body_size: options.body_size as usize,
            buffer: vec![0; 64 * 1024],
            requests: 0,
        })
    }

    /// Each asks once.
    pub(super) fn ask(&mut self) -> Result<()> {
        for connection in &mut self.connections {
            connection.write_all(self.request.as_bytes())?;
        }
        for connection in &mut self.connections {
            receive(connection, &mut self.buffer, self.body_size)?;
            self.requests += 1;
        }
        Ok(())
    }

    /// Each asks once, when the one before it has its page. Passenger's threads have a cache
    /// each, which may take a crowd that finds it empty for pages of no use to it.
    pub(super) fn ask_in_turn(&mut self) -> Result<()> {
        for connection in &mut self.connections {
            connection.write_all(self.request.as_bytes())?;
            receive(connection, &mut self.buffer, self.body_size)?;
            self.requests += 1;
        }
        Ok(())
    }
}

/// One answer, with a body of `body_size`.
fn receive(connection: &mut impl Read, buffer: &mut [u8], body_size: usize) -> Result<()> {
    let mut received = 0;
    loop {
        let read = connection.read(&mut buffer[received..])?;
        if read == 0 {
            return Err("an answer that breaks off, or is too long".into());
        }
        received += read;
        let so_far = &buffer[..received];
        let Some(head) = so_far.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        if !so_far.starts_with(b"HTTP/1.1 200 ") {
            let line = so_far
                .split(|byte| *byte == b'\r')
                .next()
                .unwrap_or_default();
            return Err(format!("it answers {}", line.escape_ascii()).into());
        }
        match received.cmp(&(head + 4 + body_size)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => return Err("more than one answer".into()),
        }
    }
}

/// From now on this thread runs on `cores` only.
pub(super) fn run_on(cores: &CoreList) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores.iter() {
        set.set(core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what is behind each `|` only when it is asked again.
    struct Parts<'a>(std::str::Split<'a, char>);

    impl Read for Parts<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let part = self.0.next().unwrap_or_default().as_bytes();
            buffer[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    #[test]
    fn an_answer_is_all_there_and_a_page() {
        let cases = [
            ("at once", "HTTP/1.1 200 OK\r\na: b\r\n\r\npage", true),
            ("in parts", "HTTP/1.1 200 OK\r|\na: b\r\n\r|\npa|ge", true),
            ("broken off", "HTTP/1.1 200 OK\r\n\r\npa", false),
            ("an error", "HTTP/1.1 502 Bad Gateway\r\n\r\npage", false),
            (
                "more than one",
                "HTTP/1.1 200 OK\r\n\r\npageHTTP/1.1",
                false,
            ),
        ];
        for (name, parts, expected) in cases {
            let received = receive(&mut Parts(parts.split('|')), &mut [0; 100], 4);
            assert_eq!(received.is_ok(), expected, "{name}");
        }
    }
}

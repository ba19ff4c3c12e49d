use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::Result;

/// What slow readers ask for, in bytes: more than their connections hold.
pub(super) const LARGE: u64 = 512 << 10;

/// What a connection of theirs holds on their side.
const RECEIVE_BUFFER: u32 = 4096;

/// One byte each.
const PACE: Duration = Duration::from_secs(1);

/// Those who take their time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Crowd {
    Nobody,
    Uploads,
    Downloads,
}

impl Crowd {
    pub(super) const ALL: [Self; 3] = [Self::Nobody, Self::Uploads, Self::Downloads];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Uploads => "who send a byte a second",
            Self::Downloads => "who read a byte a second",
        }
    }

    /// Has `clients` of them begin. They leave when this is dropped.
    pub(super) async fn gather(self, address: SocketAddr, clients: u32) -> Result<JoinSet<()>> {
        let mut crowd = JoinSet::new();
        for _ in 0..clients {
            match self {
                Self::Nobody => {}
                Self::Uploads => {
                    let mut client = TcpStream::connect(address).await?;
                    let head = "POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
                    client.write_all(head.as_bytes()).await?;
                    crowd.spawn(async move {
                        while client.write_all(b"x").await.is_ok() {
                            sleep(PACE).await;
                        }
                    });
                }
                Self::Downloads => {
                    let socket = TcpSocket::new_v4()?;
                    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
                    let mut client = socket.connect(address).await?;
                    client
                        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                        .await?;
                    // The answer has begun.
                    client.read_u8().await?;
                    crowd.spawn(async move {
                        while client.read_u8().await.is_ok() {
                            sleep(PACE).await;
                        }
                    });
                }
            }
        }
        Ok(crowd)
    }
}

//! What is larger than any buffer, and what becomes of the server's memory then.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use integration_tests::{Server, wait};
use procfs::process::Process;
use tokio::time::sleep;

/// Bytes of which no piece is like another one.
pub(super) fn content(length: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(length + 8);
    let mut number: u64 = 1;
    while bytes.len() < length {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        bytes.put_u64(number);
    }
    bytes.truncate(length);
    bytes.freeze()
}

/// The same in chunks whose sizes are of no use to anybody.
pub(super) fn in_chunks(content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in content.chunks(77_777) {
        body.extend(format!("{:x}\r\n", chunk.len()).bytes());
        body.extend(chunk);
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    body
}

/// How much memory the server has, in bytes.
pub(super) fn memory(server: &Server) -> u64 {
    let status = Process::new(server.pid()).unwrap().status().unwrap();
    status.vmrss.expect("it runs") * 1024
}

/// How much it has when it takes no more. Whoever kept all that comes would have taken
/// that by then, as fast as it can.
pub(super) async fn memory_when_full(server: &Server) -> u64 {
    wait::bounded("the server to be full", async {
        let mut last = 0;
        loop {
            // Who is slow here is not full yet, and has taken less.
            sleep(Duration::from_millis(300)).await;
            let now = memory(server);
            if now == last {
                return now;
            }
            last = now;
        }
    })
    .await
}

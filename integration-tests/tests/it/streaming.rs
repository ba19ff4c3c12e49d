//! Where they are told to, bodies stream both ways at once.

use integration_tests::{client, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::unruly;

#[tokio::test]
async fn an_answer_may_begin_before_the_request_has_ended() {
    let server = unruly::start_with_one_slot(&["--stream-requests-below", "/early"]).await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let head =
        b"POST /early HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n";
    client.write_all(head).await.unwrap();
    client.write_all(b"0").await.unwrap();

    // The application answers to the first byte: no more of them have left us.
    let mut begin = String::new();
    wait::bounded("the beginning of the answer", async {
        while !begin.contains("it begins, ") {
            let mut bytes = [0; 1024];
            let count = client.read(&mut bytes).await.unwrap();
            assert!(count > 0, "the answer broke off: {begin}");
            begin.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    })
    .await;
    assert!(begin.starts_with("HTTP/1.1 200 "), "{begin}");

    client.write_all(&[b'0'; 999]).await.unwrap();
    let end = client::read_to_end(&mut client).await;
    assert!(end.contains("and 999 bytes later it ends\n"), "{end}");
}

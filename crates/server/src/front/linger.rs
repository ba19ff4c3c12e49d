use std::time::Duration;

use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{sleep, timeout},
};

/// For how long a client may go on, and for how long it may be silent. nginx's
/// `lingering_time` and `lingering_timeout` are the same.
const AT_MOST: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(5);

/// Hears a client out that was answered while it was still sending, and is told
/// already that there is nothing more to come.
///
/// A socket that is closed with something unread resets the connection, and the
/// client may never see the answer. RFC 9112 §9.6: "The server then continues to
/// read from the connection until it receives a corresponding close by the client".
pub(super) async fn linger(mut client: TcpStream) {
    let mut nothing = [0; 4096];
    let hear = async {
        // The end, an error, and silence are all the same here.
        while let Ok(Ok(1..)) = timeout(SILENCE, client.read(&mut nothing)).await {}
    };
    tokio::select! {
        () = hear => {}
        () = sleep(AT_MOST) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener, time::Instant};

    use super::*;

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    #[tokio::test]
    async fn a_client_that_goes_on_sees_the_answer() {
        let (mut client, mut server) = connection().await;
        server.write_all(b"too large").await.unwrap();
        server.shutdown().await.unwrap();
        let sending = async {
            client.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            drop(client);
            answer
        };
        let (answer, ()) = tokio::join!(sending, linger(server));
        assert_eq!(answer, "too large");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_falls_silent_is_not_waited_for() {
        let (_client, server) = connection().await;
        let start = Instant::now();
        linger(server).await;
        assert_eq!(start.elapsed().as_secs(), SILENCE.as_secs());
    }
}

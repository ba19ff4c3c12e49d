use std::time::Duration;

use tokio::{net::TcpStream, time::sleep};

use super::stop::Stopped;

/// How a client's silence has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It has said something, or left.
    Broken,
    /// It has lasted for too long.
    TooLong,
    /// The server stops.
    Stopped,
}

/// Waits for `patience` for a client to say something.
///
/// At a stop, what a client had sent before is heard all the same.
pub(super) async fn silence(
    client: &TcpStream,
    patience: Duration,
    stopped: &mut Stopped,
) -> Silence {
    tokio::select! {
        biased;
        // Whatever is wrong with the socket shows when it is read.
        _ = client.readable() => Silence::Broken,
        () = stopped.told() => Silence::Stopped,
        () = sleep(patience) => Silence::TooLong,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;
    use crate::front::stop::Stop;

    const PATIENCE: Duration = Duration::from_secs(29);

    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        // It is taken for readable until somebody has tried.
        assert!(server.try_read(&mut [0]).is_err());
        (client, server)
    }

    #[tokio::test]
    async fn it_is_broken_by_a_word_and_by_leaving() {
        let stop = Stop::new();
        let mut stopped = stop.stopped();
        let (mut client, server) = connection().await;
        client.write_all(b"G").await.unwrap();
        let end = silence(&server, PATIENCE, &mut stopped).await;
        assert_eq!(end, Silence::Broken);

        let (client, server) = connection().await;
        drop(client);
        let end = silence(&server, PATIENCE, &mut stopped).await;
        assert_eq!(end, Silence::Broken);
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_last_too_long() {
        let stop = Stop::new();
        let (_client, server) = connection().await;
        let end = silence(&server, PATIENCE, &mut stop.stopped()).await;
        assert_eq!(end, Silence::TooLong);
    }

    #[tokio::test]
    async fn a_stop_ends_it_but_not_for_one_who_had_spoken() {
        let stop = Stop::new();
        let (mut stopped, mut spoken) = (stop.stopped(), stop.stopped());
        let (_client, server) = connection().await;
        let (mut talker, heard) = connection().await;
        talker.write_all(b"G").await.unwrap();
        let told = async {
            let both = tokio::join!(
                silence(&server, PATIENCE, &mut stopped),
                silence(&heard, PATIENCE, &mut spoken),
            );
            drop((stopped, spoken));
            both
        };
        let (ends, ()) = tokio::join!(told, stop.stop());
        assert_eq!(ends, (Silence::Stopped, Silence::Broken));
    }
}

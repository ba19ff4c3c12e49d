use std::pin::pin;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{lane::PIECE, *};

/// A tunnel with `room` for each side, and both ends of it.
fn tunnel(
    room: usize,
    heard: &'static str,
) -> (
    DuplexStream,
    DuplexStream,
    impl Future<Output = (Result<(), Broken>, Carried)>,
) {
    let (client, near) = duplex(room);
    let (application, far) = duplex(room);
    let carrying = async move {
        let heard = Bytes::from_static(heard.as_bytes());
        let mut tunnel = Tunnel::new(near, heard, far, None);
        let end = tunnel.carry().await;
        (end, tunnel.carried())
    };
    (client, application, carrying)
}

async fn read(stream: &mut DuplexStream) -> String {
    let mut read = String::new();
    stream.read_to_string(&mut read).await.unwrap();
    read
}

#[tokio::test]
async fn what_either_says_the_other_hears_until_both_have_ended() {
    let (mut client, mut application, carrying) = tunnel(64, "he");
    let talk = async {
        client.write_all(b"llo").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut application).await, "hello");
        // One who has ended still listens.
        application.write_all(b"goodbye").await.unwrap();
        application.shutdown().await.unwrap();
        assert_eq!(read(&mut client).await, "goodbye");
    };
    let ((end, carried), ()) = tokio::join!(carrying, talk);
    end.unwrap();
    assert_eq!(carried, Carried { up: 5, down: 7 });
}

#[tokio::test]
async fn large_things_come_whole_through_a_narrow_tunnel_both_ways_at_once() {
    let (mut client, mut application, carrying) = tunnel(7, "");
    let large: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let carrying = tokio::spawn(carrying);
    let (mut client_reads, mut client_writes) = tokio::io::split(&mut client);
    let (mut app_reads, mut app_writes) = tokio::io::split(&mut application);
    let (mut up, mut down) = (vec![0; large.len()], vec![0; large.len()]);
    let all = tokio::try_join!(
        client_writes.write_all(&large),
        app_writes.write_all(&large),
        client_reads.read_exact(&mut down),
        app_reads.read_exact(&mut up),
    );
    assert!(all.is_ok());
    assert!(up == large && down == large);
    drop((client, application));
    assert_eq!(carrying.await.unwrap().1.up, 300_000);
}

#[tokio::test]
async fn who_does_not_listen_keeps_the_other_one_waiting() {
    let (mut client, _application, carrying) = tunnel(1024, "");
    let mut carrying = pin!(carrying);
    let mut sent = 0;
    loop {
        tokio::select! {
            biased;
            _ = &mut carrying => panic!("nobody has ended"),
            written = client.write(&[b'x'; 512]) => sent += written.unwrap(),
            // Everything is stuck.
            () = tokio::task::yield_now() => break,
        }
    }
    assert!((2048..=PIECE + 2048).contains(&sent), "{sent}");
}

/// The one side ends, the other one says something three times, with a pause
/// that is a second less than `patience`, and then nothing more.
async fn is_not_waited_for<E, T>(ends: &mut E, talks: &mut T, patience: Duration)
where
    E: AsyncWrite + Unpin,
    T: AsyncWrite + Unpin,
{
    ends.shutdown().await.unwrap();
    for _ in 0..3 {
        sleep(patience.saturating_sub(Duration::from_secs(1))).await;
        talks.write_all(b"still here").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_more_to_one_who_has_ended_is_not_waited_for() {
    for (client_ends, patience) in [(true, LAST_ANSWER), (false, LAST_WORD)] {
        let (mut client, mut application, carrying) = tunnel(64, "");
        let carrying = tokio::spawn(carrying);
        let begun = Instant::now();
        if client_ends {
            is_not_waited_for(&mut client, &mut application, patience).await;
        } else {
            is_not_waited_for(&mut application, &mut client, patience).await;
        }
        let (end, carried) = carrying.await.unwrap();
        assert!(end.unwrap_err().is_silence());
        assert_eq!(carried.up + carried.down, 30, "all that was said");
        let expected = patience.as_secs() * 4 - 3;
        assert_eq!(begun.elapsed().as_secs(), expected);
    }
}

#[tokio::test]
async fn one_who_breaks_ends_it_at_once_and_is_known() {
    for by in [Speaker::Server, Speaker::Client] {
        let (client, application, carrying) = tunnel(64, "");
        let (gone, mut other) = match by {
            Speaker::Server => (application, client),
            Speaker::Client => (client, application),
        };
        drop(gone);
        other.write_all(b"hello").await.unwrap();
        let broken = carrying.await.0.unwrap_err();
        assert_eq!(broken.error.kind(), io::ErrorKind::BrokenPipe, "{by:?}");
        assert_eq!(broken.by, by);
    }
}

use tokio::net::UnixListener;

use super::*;
use crate::connection::Endpoint;

fn unused(idle: &Idle) -> usize {
    let shelves = idle.shelves.iter();
    shelves.map(|shelf| shelf.lock().connections.len()).sum()
}

async fn until(begun: time::Instant, millis: u64) {
    time::sleep_until(begun + Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_uses_is_kept_for_half_a_second_and_not_for_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let endpoint = Endpoint::Unix(path);
    let connection = async || Box::new(Connection::new(endpoint.connect().await.unwrap()));
    let runtime = Handle::current().id();
    let begun = time::Instant::now();

    let idle = Idle::default();
    idle.shelf().keep(connection().await);
    for millis in [600, 1_100, 1_900] {
        until(begun, millis).await;
        let Some(Taken::AtHome(connection)) = idle.take(runtime) else {
            panic!("it was used less than half a second before the look at {millis} ms");
        };
        assert_eq!(unused(&idle), 0);
        idle.shelf().keep(connection);
    }
    until(begun, 2_400).await;
    // Used last, used next: this one is not needed any more.
    let newer = connection().await;
    idle.shelf().keep(newer);
    for (millis, expected) in [(2_450, 2), (2_550, 1), (2_950, 1), (3_050, 0)] {
        until(begun, millis).await;
        assert_eq!(unused(&idle), expected, "at {millis} ms");
    }

    // Who looked has gone, and comes again.
    idle.shelf().keep(connection().await);
    for (millis, expected) in [(4_000, 1), (4_100, 0)] {
        until(begun, millis).await;
        assert_eq!(unused(&idle), expected, "at {millis} ms");
    }
}

#[tokio::test]
async fn what_is_closed_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    let endpoint = Endpoint::Unix(path);
    let idle = Idle::default();
    for _ in 0..2 {
        let connection = Box::new(Connection::new(endpoint.connect().await.unwrap()));
        idle.shelf().keep(connection);
    }
    assert_eq!(unused(&idle), 2);
    idle.close();
    assert_eq!(unused(&idle), 0);
    let connection = Box::new(Connection::new(endpoint.connect().await.unwrap()));
    idle.shelf().keep(connection);
    assert_eq!(unused(&idle), 0);
}

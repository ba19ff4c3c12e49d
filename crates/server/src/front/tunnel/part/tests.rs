use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue};
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex, join, repeat},
    time::Instant,
};

use super::*;
use crate::front::websocket::WebSocket;

/// What a client hears, and what one says.
const GOING_AWAY: &[u8] = b"\x88\x02\x03\xE9";
const CLIENT_CLOSES: &[u8] = b"\x88\x82\0\0\0\0\x03\xE9";

/// A tunnel, and both ends of it.
struct Ends {
    client: DuplexStream,
    application: DuplexStream,
    tunnel: Tunnel<DuplexStream, DuplexStream>,
}

/// What somebody does who hears of the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Says goodbye, and hangs up when the other one has.
    Answers,
    /// Only hangs up.
    HangsUp,
    Stays,
}
use Manners::{Answers, HangsUp, Stays};

fn websocket() -> Option<WebSocket> {
    let fields = [("upgrade", "websocket"), ("sec-websocket-accept", "x")];
    let headers: HeaderMap = fields
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .into_iter()
        .collect();
    WebSocket::of(&headers)
}

impl Ends {
    fn new(websocket: Option<WebSocket>) -> Self {
        let (client, near) = duplex(64);
        let (application, far) = duplex(64);
        Self {
            client,
            application,
            tunnel: Tunnel::new(near, Bytes::new(), far, websocket),
        }
    }

    fn websocket() -> Self {
        Self::new(websocket())
    }

    /// The client says `up` and the application `down`, and it is carried as far as
    /// there is room.
    async fn say(&mut self, up: &[u8], down: &[u8]) {
        self.client.write_all(up).await.unwrap();
        self.application.write_all(down).await.unwrap();
        assert!(self.tunnel.carry().now_or_never().is_none(), "nobody ended");
    }

    /// What each of them hears, the client first, and how long it took.
    async fn part(mut self, client: Manners, application: Manners) -> (Vec<u8>, Vec<u8>, u64) {
        let begun = Instant::now();
        let (client, application, ()) = tokio::join!(
            hear(&mut self.client, client, CLIENT_CLOSES),
            hear(&mut self.application, application, GOING_AWAY),
            self.tunnel.part(),
        );
        (client, application, begun.elapsed().as_secs())
    }
}

async fn hear(stream: &mut DuplexStream, manners: Manners, answer: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    while stream.read_buf(&mut heard).await.unwrap() > 0 {
        if manners == Answers && (heard.ends_with(GOING_AWAY) || unmasked(&heard).is_some()) {
            stream.write_all(answer).await.unwrap();
        }
    }
    if manners != Stays {
        stream.shutdown().await.unwrap();
    }
    heard
}

/// What was said before the Close frame of a client that goes away.
fn unmasked(heard: &[u8]) -> Option<&[u8]> {
    let (before, close) = heard.split_last_chunk::<8>()?;
    let [0x88, 0x82, a, b, _, _, high, low] = *close else {
        return None;
    };
    (u16::from_be_bytes([high ^ a, low ^ b]) == 1001).then_some(before)
}

#[tokio::test(start_paused = true)]
async fn both_sides_of_a_websocket_are_told_that_it_goes_away() {
    for (client, application, expected) in [
        (Answers, Answers, 0),
        (HangsUp, Answers, GOODBYE.as_secs()),
        (Answers, HangsUp, GOODBYE.as_secs()),
        (Stays, Stays, GOODBYE.as_secs()),
    ] {
        let mut ends = Ends::websocket();
        ends.say(b"\x81\x82keysHi", b"\x81\x05Hello").await;
        let (down, up, elapsed) = ends.part(client, application).await;
        assert_eq!(down, [b"\x81\x05Hello", GOING_AWAY].concat());
        assert_eq!(unmasked(&up), Some(&b"\x81\x82keysHi"[..]));
        assert_eq!(elapsed, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_comes_between_frames_or_not_at_all() {
    /// What the application says before the end, and while it is waited for; what the
    /// client gets of that, and whether a Close frame follows.
    type Case = (
        &'static str,
        &'static [u8],
        &'static [u8],
        &'static [u8],
        bool,
    );
    let cases: [Case; 12] = [
        ("nothing was said", b"", b"", b"", true),
        (
            "between fragments (§5.4)",
            b"\x01\x05Hello",
            b"",
            b"\x01\x05Hello",
            true,
        ),
        (
            "the end of a frame is waited for",
            b"\x82\x09its begi",
            b"n",
            b"\x82\x09its begin",
            true,
        ),
        (
            "what is whole by then goes with it, and no more",
            b"\x82\x09its begi",
            b"n\x81\x05Hello\x81\x05Hel",
            b"\x82\x09its begin\x81\x05Hello",
            true,
        ),
        (
            "the end of a head is waited for",
            b"\x82",
            b"\x03abc",
            b"\x82\x03abc",
            true,
        ),
        (
            "nothing that begins only then",
            b"\x81\x01a",
            b"\x81\x01b",
            b"\x81\x01a",
            true,
        ),
        (
            "a frame does not end in time",
            b"\x82\x09its",
            b" beg",
            b"\x82\x09its beg",
            false,
        ),
        ("this is none (§5.2)", b"\x8F\x00", b"", b"\x8F\x00", false),
        (
            "what follows is none",
            b"\x81\x02a",
            b"b\x8F\x00",
            b"\x81\x02ab",
            true,
        ),
        (
            "it has said so itself (§5.5.1)",
            b"\x88\x02\x03\xE8",
            b"",
            b"\x88\x02\x03\xE8",
            false,
        ),
        (
            "it is about to say so",
            b"\x88\x02\x03",
            b"\xE8",
            b"\x88\x02\x03\xE8",
            false,
        ),
        (
            "it says so behind a frame",
            b"\x81\x02a",
            b"b\x88\x02\x03\xE8",
            b"\x81\x02ab\x88\x02\x03\xE8",
            false,
        ),
    ];
    for (name, before, after, expected, is_told) in cases {
        let mut ends = Ends::websocket();
        ends.say(b"", before).await;
        ends.application.write_all(after).await.unwrap();
        let (down, up, _) = ends.part(Answers, HangsUp).await;
        let close = if is_told { GOING_AWAY } else { b"" };
        assert_eq!(down, [expected, close].concat(), "{name}");
        assert_eq!(unmasked(&up), Some(&b""[..]), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_client_has_not_taken_comes_before_the_close() {
    let mut ends = Ends::websocket();
    // Each is as large as the room for it.
    let frames = [b'a', b'b', b'c'].map(|byte| [&b"\x82\x3E"[..], &[byte; 62]].concat());
    for frame in &frames {
        ends.say(b"", frame).await;
    }
    let (down, ..) = ends.part(Answers, Answers).await;
    assert_eq!(down, [&frames[0][..], &frames[1], GOING_AWAY].concat());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_cut_off_in_the_end() {
    let mut ends = Ends::websocket();
    ends.say(b"", &[&b"\x82\x3E"[..], &[b'a'; 62]].concat())
        .await;
    let begun = Instant::now();
    let hears = hear(&mut ends.application, Answers, GOING_AWAY);
    let (up, ()) = tokio::join!(hears, ends.tunnel.part());
    assert_eq!(begun.elapsed(), GOODBYE);
    assert_eq!(unmasked(&up), Some(&b""[..]), "that is not its fault");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_websocket_is_cut_off_as_it_is() {
    let mut ends = Ends::new(None);
    ends.say(b"\x81\x82keysHi", b"\x81\x05Hello").await;
    let (down, up, elapsed) = ends.part(Stays, Stays).await;
    assert_eq!(down, b"\x81\x05Hello");
    assert_eq!(up, b"\x81\x82keysHi");
    assert_eq!(elapsed, 0);
}

#[tokio::test(start_paused = true)]
async fn one_who_has_been_told_the_end_is_not_told_anything_more() {
    let mut ends = Ends::websocket();
    ends.client.shutdown().await.unwrap();
    ends.say(b"", b"\x81\x05Hello").await;
    let (down, up, elapsed) = ends.part(HangsUp, HangsUp).await;
    assert_eq!(down, [b"\x81\x05Hello", GOING_AWAY].concat());
    assert_eq!(up, b"");
    assert_eq!(elapsed, 0, "it has ended, which is an answer, too");
}

#[tokio::test(start_paused = true)]
async fn that_one_is_gone_is_not_the_other_ones_fault() {
    let Ends {
        client,
        mut application,
        mut tunnel,
    } = Ends::websocket();
    drop(client);
    let hears = hear(&mut application, Answers, GOING_AWAY);
    let (up, ()) = tokio::join!(hears, tunnel.part());
    assert_eq!(unmasked(&up), Some(&b""[..]));
}

#[tokio::test]
async fn a_client_that_never_pauses_is_told_as_well() {
    let (mut ours, near) = duplex(64);
    let (_application, far) = duplex(64);
    let client = join(repeat(0), near);
    let mut tunnel = Tunnel::new(client, Bytes::new(), far, websocket());
    let parting = tokio::spawn(async move { tunnel.part().await });
    let mut heard = [0; 4];
    ours.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, GOING_AWAY);
    parting.abort();
}

use proptest::{collection::vec, prelude::*};

use super::*;
use Speaker::{Client, Server};

/// A head with `len` bytes after it.
fn frame(head: &[u8], len: usize) -> Vec<u8> {
    [head, &vec![0x88; len]].concat()
}

/// All places in `bytes` at which `frames` would let a control frame in.
fn places(frames: &Frames, bytes: &[u8]) -> Vec<usize> {
    let mut frames = frames.clone();
    let mut places = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        frames.pass(&[*byte]);
        if frames.is_between() {
            places.push(at + 1);
        }
    }
    places
}

#[test]
fn frames_end_where_rfc_6455_says() {
    let hello = [0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let cases: [(&str, Speaker, Vec<u8>, &[usize]); 14] = [
        (
            "§5.7: a single-frame unmasked text message",
            Server,
            b"\x81\x05Hello".into(),
            &[7],
        ),
        (
            "§5.7: a single-frame masked text message",
            Client,
            [&b"\x81\x85"[..], &hello].concat(),
            &[11],
        ),
        (
            "§5.7: a fragmented unmasked text message",
            Server,
            b"\x01\x03Hel\x80\x02lo".into(),
            &[5, 9],
        ),
        (
            "§5.7: unmasked Ping request",
            Server,
            b"\x89\x05Hello".into(),
            &[7],
        ),
        (
            "§5.7: masked Ping response",
            Client,
            [&b"\x8a\x85"[..], &hello].concat(),
            &[11],
        ),
        (
            "§5.7: 256 bytes binary message in a single unmasked frame",
            Server,
            frame(b"\x82\x7E\x01\x00", 256),
            &[260],
        ),
        (
            "§5.7: 64KiB binary message in a single unmasked frame",
            Server,
            frame(b"\x82\x7F\0\0\0\0\0\x01\0\0", 65536),
            &[65546],
        ),
        (
            "§5.2: the most that seven bits say",
            Server,
            frame(b"\x82\x7D", 125),
            &[127],
        ),
        (
            "§5.2: the least that sixteen bits say",
            Server,
            frame(b"\x82\x7E\x00\x7E", 126),
            &[130],
        ),
        (
            "§5.2: the most that sixteen bits say",
            Server,
            frame(b"\x82\x7E\xFF\xFF", 65535),
            &[65539],
        ),
        (
            "§5.4: control frames between fragments",
            Server,
            b"\x01\x01a\x89\x00\x00\x00\x8A\x01p\x80\x01b".into(),
            &[3, 5, 7, 10, 13],
        ),
        (
            "§5.6: messages without content",
            Server,
            b"\x81\x00\x82\x00\x02\x00\x80\x00".into(),
            &[2, 4, 6, 8],
        ),
        (
            "§5.3: nothing but the key",
            Client,
            b"\x81\x80keys\x81\x80keys".into(),
            &[6, 12],
        ),
        (
            "a length that is not to come to its end",
            Client,
            b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFkeys and more".into(),
            &[],
        ),
    ];
    for (name, speaker, bytes, expected) in cases {
        let frames = Frames::new(speaker, false);
        assert!(frames.is_between(), "{name}");
        assert_eq!(places(&frames, &bytes), expected, "{name}");
        let last = expected.last().copied().unwrap_or(0);
        assert_eq!(frames.last_end(&bytes), Some(last), "{name}");

        let mut whole = frames;
        whole.pass(&bytes);
        assert_eq!(whole.is_between(), last == bytes.len(), "{name}");
        assert!(!whole.is_lost() && !whole.is_closed(), "{name}");
    }
}

#[test]
fn whoever_does_not_keep_to_the_protocol_is_not_followed() {
    let cases: [(&str, Speaker, &[u8]); 16] = [
        ("§5.1: a server that masks", Server, b"\x81\x80keys"),
        ("§5.1: a client that does not", Client, b"\x81\x00"),
        ("§5.2: a reserved data frame", Server, b"\x83\x00"),
        ("§5.2: the last of those", Server, b"\x87\x00"),
        ("§5.2: a reserved control frame", Server, b"\x8B\x00"),
        ("§5.2: the last of those", Server, b"\x8F\x00"),
        (
            "§5.2: the most significant bit",
            Server,
            b"\x82\x7F\x80\0\0\0\0\0\0\0",
        ),
        ("§5.2: RSV1 without an extension", Server, b"\xC1\x00"),
        ("§5.2: RSV2", Server, b"\xA1\x00"),
        ("§5.2: RSV3", Server, b"\x91\x00"),
        ("§5.2: sixteen bits for 125", Server, b"\x82\x7E\x00\x7D"),
        (
            "§5.2: 64 bits for 65535",
            Server,
            b"\x82\x7F\0\0\0\0\0\0\xFF\xFF",
        ),
        ("§5.4: it goes on with nothing", Server, b"\x80\x00"),
        (
            "§5.4: another message within one",
            Server,
            b"\x01\x00\x81\x00",
        ),
        ("§5.5: a fragment of a Ping", Server, b"\x09\x00"),
        ("§5.5: a Ping of 126 bytes", Server, b"\x89\x7E\x00\x7E"),
    ];
    for (name, speaker, bytes) in cases {
        let mut frames = Frames::new(speaker, false);
        frames.pass(bytes);
        assert!(frames.is_lost(), "{name}");
        // Not even by what would be right.
        frames.pass(b"\x81\x00\x81\x00");
        assert!(frames.is_lost() && !frames.is_between(), "{name}");
        assert_eq!(frames.last_end(b"\x81\x00"), None, "{name}");
    }
}

#[test]
fn reserved_bits_are_what_an_extension_is_for() {
    // RFC 7692 §7.2.3.1: "Hello", compressed.
    let mut frames = Frames::new(Server, true);
    frames.pass(b"\xC1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert!(frames.is_between());
}

#[test]
fn nothing_comes_after_a_close() {
    let cases: [(&str, Speaker, &[u8]); 4] = [
        ("§5.5.1: without a reason", Server, b"\x88\x00"),
        ("§7.4.1: normal closure", Server, b"\x88\x02\x03\xE8"),
        ("with a reason", Server, b"\x88\x05\x03\xE8bye"),
        ("of a client", Client, b"\x88\x82keys\x68\x8D"),
    ];
    for (name, speaker, bytes) in cases {
        let mut frames = Frames::new(speaker, false);
        let behind = [bytes, b"\x81\x00"].concat();
        assert_eq!(frames.last_end(&behind), Some(bytes.len()), "{name}");
        frames.pass(&bytes[..bytes.len() - 1]);
        assert!(!frames.is_closed() && !frames.is_between(), "{name}");
        frames.pass(&bytes[bytes.len() - 1..]);
        assert!(frames.is_closed() && !frames.is_between(), "{name}");
        frames.pass(b"\xFF");
        assert!(frames.is_closed(), "{name}");
        assert_eq!(frames.last_end(b"\x81\x00"), None, "{name}");
    }
}

#[test]
fn what_would_be_lost_leaves_the_frames_before_it() {
    let frames = Frames::new(Server, false);
    assert_eq!(frames.last_end(b"\x81\x01a\x81\x80keys"), Some(3));
}

/// A frame to come.
#[derive(Clone, Copy, Debug)]
enum Comes {
    /// The only one of its message, or one of several.
    Data {
        is_final: bool,
        len: usize,
    },
    Control {
        opcode: u8,
        len: usize,
    },
}

fn comes() -> impl Strategy<Value = Comes> {
    let len = prop_oneof![0..200_usize, Just(125), Just(126), 65_530..65_540_usize];
    prop_oneof![
        (any::<bool>(), len).prop_map(|(is_final, len)| Comes::Data { is_final, len }),
        (9..=10_u8, 0..=125_usize).prop_map(|(opcode, len)| Comes::Control { opcode, len }),
    ]
}

/// All of them, and where each ends.
fn written(speaker: Speaker, frames: &[Comes]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    let mut is_in_message = false;
    for (number, frame) in frames.iter().enumerate() {
        let (first, len) = match *frame {
            Comes::Data { is_final, len } => {
                let opcode = if is_in_message { 0 } else { 1 + number % 2 };
                is_in_message = !is_final;
                let first = u8::from(is_final) << 7 | u8::try_from(opcode).unwrap();
                (first, len)
            }
            Comes::Control { opcode, len } => (0x80 | opcode, len),
        };
        let masked = if speaker == Client { 0x80 } else { 0 };
        bytes.push(first);
        match (u8::try_from(len), u16::try_from(len)) {
            (Ok(len @ ..=125), _) => bytes.push(masked | len),
            (_, Ok(len)) => {
                bytes.push(masked | 0x7E);
                bytes.extend(len.to_be_bytes());
            }
            _ => {
                bytes.push(masked | 0x7F);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        if speaker == Client {
            bytes.extend(b"keys");
        }
        bytes.extend((0..len).map(|at| at.to_le_bytes()[0]));
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// Hands `bytes` on in `pieces`, again and again, and gives after how many bytes each
/// piece came.
fn in_pieces(bytes: &[u8], pieces: &[usize], mut take: impl FnMut(usize, &[u8])) {
    let mut passed = 0;
    for piece in pieces.iter().cycle() {
        let piece = (*piece).min(bytes.len() - passed);
        if piece == 0 {
            return;
        }
        take(passed, &bytes[passed..passed + piece]);
        passed += piece;
    }
}

proptest! {
    #[test]
    fn frames_end_at_the_same_places_however_they_are_cut(
        speaker in prop_oneof![Just(Client), Just(Server)],
        frames in vec(comes(), 0..12),
        pieces in vec(prop_oneof![1..20_usize, 1..70_000_usize], 1..8),
    ) {
        let (bytes, ends) = written(speaker, &frames);
        let mut frames = Frames::new(speaker, false);
        in_pieces(&bytes, &pieces, |before, piece| {
            let after = before + piece.len();
            let last = ends.iter().rev().find(|end| **end <= after);
            let last = last.map_or(Some(0).filter(|_| before == 0), |end| end.checked_sub(before));
            assert_eq!(frames.last_end(piece), last);
            frames.pass(piece);
            assert_eq!(frames.is_between(), last == Some(piece.len()));
            assert!(!frames.is_closed() && !frames.is_lost());
        });
        assert!(frames.is_between());
    }

    #[test]
    fn whatever_comes_is_the_same_however_it_is_cut(
        speaker in prop_oneof![Just(Client), Just(Server)],
        is_extended: bool,
        // Mostly what may be a head, as long as it goes well.
        bytes in vec(prop_oneof![Just(0), Just(0x80), Just(0x81), Just(0x88), any::<u8>()], 0..100),
        pieces in vec(1..20_usize, 1..8),
    ) {
        let mut whole = Frames::new(speaker, is_extended);
        let mut cut = whole.clone();
        let places = places(&whole, &bytes);
        whole.pass(&bytes);
        in_pieces(&bytes, &pieces, |before, piece| {
            cut.pass(piece);
            let is_place = places.contains(&(before + piece.len()));
            assert_eq!(cut.is_between(), is_place);
        });
        assert_eq!((whole.at, whole.is_in_message), (cut.at, cut.is_in_message));
    }
}

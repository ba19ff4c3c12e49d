//! What is to be known of a WebSocket (RFC 6455) to end it from between the two who
//! speak: where a frame may be put, and which one says that it is over.

mod frames;

use bytes::Bytes;
use http::{
    HeaderMap,
    header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, UPGRADE},
};

pub(super) use self::frames::Frames;

/// That a client and an application have agreed upon a WebSocket, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WebSocket {
    /// With an extension, as for compression.
    is_extended: bool,
}

/// Who speaks. The two do not do so in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Client,
    Server,
}

impl WebSocket {
    /// What a response with status 101 and these fields makes of a connection.
    /// `None` if it is something else, also an older protocol of the same name: the
    /// one in which frames are as they are here always has `Sec-WebSocket-Accept`
    /// (RFC 6455 §4.2.2).
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut upgrades = headers.get_all(UPGRADE).iter();
        let is_websocket = upgrades.next()?.as_bytes().trim_ascii();
        let is_websocket = is_websocket.eq_ignore_ascii_case(b"websocket");
        let is_one =
            is_websocket && upgrades.next().is_none() && headers.contains_key(SEC_WEBSOCKET_ACCEPT);
        is_one.then(|| Self {
            is_extended: headers.contains_key(SEC_WEBSOCKET_EXTENSIONS),
        })
    }

    /// What `speaker` is going to say.
    pub(super) const fn frames(self, speaker: Speaker) -> Frames {
        Frames::new(speaker, self.is_extended)
    }
}

/// A Close frame of `speaker` with the status 1001. RFC 6455 §7.4.1: "1001
/// indicates that an endpoint is "going away", such as a server going down".
///
/// `None` if the system gives no random numbers. RFC 6455 §5.3: "The masking key
/// needs to be unpredictable; thus, the masking key MUST be derived from a strong
/// source of entropy".
pub(super) fn going_away(speaker: Speaker) -> Option<Bytes> {
    const CLOSE: u8 = 0x88;
    const MASKED: u8 = 0x80;
    let [high, low] = 1001_u16.to_be_bytes();
    Some(match speaker {
        Speaker::Server => Bytes::copy_from_slice(&[CLOSE, 2, high, low]),
        Speaker::Client => {
            let mut key = [0; 4];
            getrandom::fill(&mut key).ok()?;
            let [a, b, c, d] = key;
            Bytes::copy_from_slice(&[CLOSE, MASKED | 2, a, b, c, d, high ^ a, low ^ b])
        }
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_known_to_be_a_websocket() {
        type Fields = &'static [(&'static str, &'static str)];
        let plain = Some(WebSocket { is_extended: false });
        let extended = Some(WebSocket { is_extended: true });
        let cases: [(&str, Fields, Option<WebSocket>); 7] = [
            (
                "the handshake of §1.3",
                &[("upgrade", "websocket"), ("sec-websocket-accept", "s3pP")],
                plain,
            ),
            (
                "in another case",
                &[("upgrade", " WebSocket"), ("sec-websocket-accept", "s3pP")],
                plain,
            ),
            (
                "compressed (RFC 7692 §5)",
                &[
                    ("upgrade", "websocket"),
                    ("sec-websocket-accept", "s3pP"),
                    ("sec-websocket-extensions", "permessage-deflate"),
                ],
                extended,
            ),
            (
                "an older protocol, or one that says less than it must",
                &[("upgrade", "websocket")],
                None,
            ),
            (
                "something else",
                &[("upgrade", "echo"), ("sec-websocket-accept", "s3pP")],
                None,
            ),
            (
                "something else on top",
                &[
                    ("upgrade", "websocket"),
                    ("upgrade", "echo"),
                    ("sec-websocket-accept", "s3pP"),
                ],
                None,
            ),
            ("nothing", &[("sec-websocket-accept", "s3pP")], None),
        ];
        for (name, fields, expected) in cases {
            let headers: HeaderMap = fields
                .iter()
                .map(|(name, value)| {
                    let name = HeaderName::from_static(name);
                    (name, HeaderValue::from_static(value))
                })
                .collect();
            assert_eq!(WebSocket::of(&headers), expected, "{name}");
        }
    }

    #[test]
    fn a_close_frame_says_that_its_speaker_goes_away() {
        let frame = going_away(Speaker::Server).unwrap();
        assert_eq!(&frame[..], [0x88, 0x02, 0x03, 0xE9]);

        let frames = [(); 8].map(|()| going_away(Speaker::Client).unwrap());
        for frame in &frames {
            assert_eq!(frame[..2], [0x88, 0x82]);
            assert_eq!([frame[6] ^ frame[2], frame[7] ^ frame[3]], [0x03, 0xE9]);
        }
        assert!(
            frames.iter().any(|frame| frame != &frames[0]),
            "a key is never used again but by chance"
        );
    }
}

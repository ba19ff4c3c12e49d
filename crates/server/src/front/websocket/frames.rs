use super::Speaker;

/// The head of a frame without the masking key: flags, and a length of up to eight
/// bytes beside the one that says how long that is.
const LONGEST_HEAD: usize = 10;

/// The key with which each byte of a client's payload is changed (RFC 6455 §5.3).
const MASKING_KEY: u64 = 4;

/// Where the frames begin and end that one side of a WebSocket sends.
///
/// It is told of all bytes that pass, and keeps a head of which the end has not come
/// yet, and else a number: what is in a frame is no business of its own. Of one who does
/// not keep to the protocol it knows nothing any more, for good.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-------+-+-------------+-------------------------------+
/// |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
/// |I|S|S|S|  (4)  |A|     (7)     |            (16/64)            |
/// |N|V|V|V|       |S|             |  (if payload len==126/127)    |
/// | |1|2|3|       |K|             |                               |
/// +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
/// ```
/// (RFC 6455 §5.2)
#[derive(Clone, Debug)]
pub(in crate::front) struct Frames {
    speaker: Speaker,
    /// An extension was agreed upon, so that the reserved bits may mean something.
    is_extended: bool,
    /// More fragments of a message are to come.
    is_in_message: bool,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Nothing of the next frame has passed.
    Between,
    Head([u8; LONGEST_HEAD], usize),
    /// What follows a head.
    Payload {
        left: u64,
        is_close: bool,
    },
    /// Nothing comes any more.
    Closed,
    /// Nobody knows.
    Lost,
}

impl Frames {
    pub(super) const fn new(speaker: Speaker, is_extended: bool) -> Self {
        Self {
            speaker,
            is_extended,
            is_in_message: false,
            at: At::Between,
        }
    }

    /// Whether a control frame may be put here. RFC 6455 §5.4: "Control frames MAY be
    /// injected in the middle of a fragmented message", but not of a frame.
    pub(in crate::front) const fn is_between(&self) -> bool {
        matches!(self.at, At::Between)
    }

    /// Whether a Close frame has passed. RFC 6455 §5.5.1: "The application MUST NOT
    /// send any more data frames after sending a Close frame."
    pub(in crate::front) const fn is_closed(&self) -> bool {
        matches!(self.at, At::Closed)
    }

    /// Whether what passes is not what it was said to be.
    pub(in crate::front) const fn is_lost(&self) -> bool {
        matches!(self.at, At::Lost)
    }

    /// These bytes pass next.
    pub(in crate::front) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let passed = self.pass_some(bytes);
            bytes = &bytes[passed..];
        }
    }

    /// How many of `bytes`, which would pass next, would pass with the last frame that
    /// ends among them; `None` if none does.
    pub(in crate::front) fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        let mut frames = self.clone();
        let mut passed = 0;
        let mut end = frames.is_between().then_some(0);
        while passed < bytes.len() && !(frames.is_closed() || frames.is_lost()) {
            passed += frames.pass_some(&bytes[passed..]);
            if frames.is_between() || frames.is_closed() {
                end = Some(passed);
            }
        }
        end
    }

    /// Passes the rest of a head, or that of a payload, as far as it is there, and
    /// says how much that is: something, if there is something.
    fn pass_some(&mut self, bytes: &[u8]) -> usize {
        match self.at {
            At::Between => self.pass_head([0; LONGEST_HEAD], 0, bytes),
            At::Head(head, known) => self.pass_head(head, known, bytes),
            At::Payload { left, is_close } => {
                let passed = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                self.at = payload(left - passed as u64, is_close);
                passed
            }
            At::Closed | At::Lost => bytes.len(),
        }
    }

    fn pass_head(&mut self, mut head: [u8; LONGEST_HEAD], known: usize, bytes: &[u8]) -> usize {
        // How long it is stands in the second byte.
        let whole = if known < 2 { 2 } else { head_len(head[1]) };
        let passed = bytes.len().min(whole - known);
        let known = known + passed;
        head[known - passed..known].copy_from_slice(&bytes[..passed]);
        self.at = if known < 2 || known < head_len(head[1]) {
            At::Head(head, known)
        } else {
            self.frame(&head).unwrap_or(At::Lost)
        };
        passed
    }

    /// What follows a head that is whole. `None` if no such frame may come here.
    fn frame(&mut self, head: &[u8; LONGEST_HEAD]) -> Option<At> {
        let [first, second, rest @ ..] = *head;
        let [high, low, ..] = rest;
        let is_final = first & 0x80 != 0;
        let reserved = first & 0x70;
        let is_masked = second & 0x80 != 0;
        let len = match second & 0x7F {
            126 => u64::from(u16::from_be_bytes([high, low])),
            127 => u64::from_be_bytes(rest),
            len => u64::from(len),
        };
        // RFC 6455 §5.2: "in all cases, the minimal number of bytes MUST be used to
        // encode the length", and "the most significant bit MUST be 0".
        let is_minimal = match second & 0x7F {
            126 => len > 125,
            127 => len > u64::from(u16::MAX) && len >> 63 == 0,
            _ => true,
        };
        // "MUST be 0 unless an extension is negotiated that defines meanings for
        // non-zero values."
        let may_reserve = reserved == 0 || self.is_extended;
        // RFC 6455 §5.1: "a client MUST mask all frames that it sends to the server",
        // and "A server MUST NOT mask any frames that it sends to the client."
        let is_own_way = is_masked == (self.speaker == Speaker::Client);
        if !(is_minimal && may_reserve && is_own_way) {
            return None;
        }
        match first & 0x0F {
            // A continuation, or the beginning of a message: §5.4.
            opcode @ 0..=2 if (opcode == 0) == self.is_in_message => {
                self.is_in_message = !is_final;
            }
            // Close, Ping, Pong. §5.5: "All control frames MUST have a payload length
            // of 125 bytes or less and MUST NOT be fragmented."
            8..=10 if is_final && len <= 125 => {}
            _ => return None,
        }
        let masking_key = if is_masked { MASKING_KEY } else { 0 };
        Some(payload(len + masking_key, first & 0x0F == 8))
    }
}

const fn payload(left: u64, is_close: bool) -> At {
    match (left, is_close) {
        (1.., _) => At::Payload { left, is_close },
        (0, true) => At::Closed,
        (0, false) => At::Between,
    }
}

const fn head_len(second: u8) -> usize {
    match second & 0x7F {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;

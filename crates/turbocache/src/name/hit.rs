//! The lines about hits, one for each second that may be left: each hit has one.

use std::sync::OnceLock;

use http::HeaderValue;

/// For more than an hour.
const NUMBER: usize = 4096;

const START: &str = "turbocache; hit; ttl=";
const LONGEST: usize = START.len() + 4;

/// 200 KiB, of which only the lines that are ever asked for are touched. They refer to
/// [`TEXT`], so to clone one is to write to nothing that threads share.
static LINES: [OnceLock<HeaderValue>; NUMBER] = [const { OnceLock::new() }; NUMBER];

/// The numbers are followed by what is not sent.
static TEXT: [[u8; LONGEST]; NUMBER] = text();

/// What a cache with the default name says of a hit that is fresh for so many seconds.
/// `None` if there is no such line.
pub(super) fn line(ttl: i64) -> Option<HeaderValue> {
    let number = usize::try_from(ttl).ok()?;
    let line = LINES.get(number)?.get_or_init(|| {
        let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let text = str::from_utf8(&TEXT[number][..START.len() + digits]);
        HeaderValue::from_static(text.expect("it is plain ASCII"))
    });
    Some(line.clone())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::large_stack_arrays,
    reason = "done when it is compiled; a digit; and `try_from` is not for constants"
)]
const fn text() -> [[u8; LONGEST]; NUMBER] {
    let mut text = [[0; LONGEST]; NUMBER];
    let mut number = 0;
    while number < NUMBER {
        let line = &mut text[number];
        let mut at = 0;
        while at < START.len() {
            line[at] = START.as_bytes()[at];
            at += 1;
        }
        let mut power = 1000;
        while power > 0 {
            if number >= power || power == 1 {
                line[at] = b'0' + (number / power % 10) as u8;
                at += 1;
            }
            power /= 10;
        }
        number += 1;
    }
    text
}

//! Whole numbers in fields, without the price of formatting: each hit has two.

use bytes::Bytes;
use http::HeaderValue;

/// The numbers below this are kept as text.
const KEPT: usize = 1000;

/// `000001002…999`.
static TEXT: [u8; 3 * KEPT] = text();

#[expect(
    clippy::cast_possible_truncation,
    reason = "a digit; and `try_from` is not for constants"
)]
const fn text() -> [u8; 3 * KEPT] {
    let mut text = [b'0'; 3 * KEPT];
    let mut number = 0;
    while number < KEPT {
        text[3 * number] += (number / 100) as u8;
        text[3 * number + 1] += (number / 10 % 10) as u8;
        text[3 * number + 2] += (number % 10) as u8;
        number += 1;
    }
    text
}

/// A number as the value of a field. Small ones take no memory.
pub(crate) fn value(number: u64) -> HeaderValue {
    if let Some(text) = kept(number).and_then(|text| str::from_utf8(text).ok()) {
        return HeaderValue::from_static(text);
    }
    let mut text = Vec::with_capacity(length(number));
    push(&mut text, number);
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits are visible")
}

/// Appends a number.
fn push(text: &mut Vec<u8>, number: u64) {
    if let Some(kept) = kept(number) {
        text.extend_from_slice(kept);
        return;
    }
    push(text, number / 10);
    text.push(b'0' + u8::try_from(number % 10).expect("less than ten"));
}

/// How many bytes it takes.
fn length(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

fn kept(number: u64) -> Option<&'static [u8]> {
    let after = usize::try_from(number)
        .ok()?
        .checked_add(1)?
        .checked_mul(3)?;
    TEXT.get(..after)?
        .last_chunk::<3>()?
        .get(3 - length(number)..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_displayed() {
        let around = |number: u64| (number.saturating_sub(2)..=number.saturating_add(2)).take(4);
        let numbers = (0..25).flat_map(|digits| around(10_u64.saturating_pow(digits)));
        for number in numbers.chain(0..2000) {
            let mut pushed = b"ttl=".to_vec();
            push(&mut pushed, number);
            assert_eq!(pushed, format!("ttl={number}").into_bytes());
            assert_eq!(value(number), number.to_string());
            assert_eq!(length(number), number.to_string().len());
        }
    }
}

use std::{
    cell::RefCell,
    time::{SystemTime, UNIX_EPOCH},
};

thread_local! {
    /// The second, and how it is written. Within one, it is written again and again.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Gives `write` the time of day as RFC 9110 §5.6.7 has it.
pub(super) fn now(write: impl FnOnce(&[u8])) {
    let now = SystemTime::now();
    let second = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    LAST.with_borrow_mut(|(last, text)| {
        if *last != second || text.is_empty() {
            *text = httpdate::fmt_http_date(now);
            *last = second;
        }
        write(text.as_bytes());
    });
}

#[cfg(test)]
mod tests;

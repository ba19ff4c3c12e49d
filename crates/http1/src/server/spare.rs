//! The memory of the last answer, for the next request: it stays warm from one connection
//! of a thread to the other.

use std::cell::Cell;

use http::{Extensions, HeaderMap, response::Parts};

thread_local! {
    static HEADERS: Cell<Option<HeaderMap>> = const { Cell::new(None) };
    static EXTENSIONS: Cell<Option<Extensions>> = const { Cell::new(None) };
}

// In a thread that is ending there is none to be had.

pub(super) fn headers() -> HeaderMap {
    let spare = HEADERS.try_with(Cell::take).ok().flatten();
    spare.unwrap_or_default()
}

pub(super) fn extensions() -> Extensions {
    let spare = EXTENSIONS.try_with(Cell::take).ok().flatten();
    spare.unwrap_or_default()
}

pub(super) fn keep(answer: Parts) {
    let Parts {
        mut headers,
        mut extensions,
        ..
    } = answer;
    // Whoever comes next is somebody else.
    headers.clear();
    let _ = HEADERS.try_with(|kept| kept.set(Some(headers)));
    // Nothing may have ridden on it, in no memory.
    if !extensions.is_empty() {
        extensions.clear();
        let _ = EXTENSIONS.try_with(|kept| kept.set(Some(extensions)));
    }
}

//! The memory of the fields of the last answer, for those of the next request: it stays
//! warm from one connection of a thread to the other.

use std::cell::Cell;

use http::HeaderMap;

thread_local! {
    static SPARE: Cell<Option<HeaderMap>> = const { Cell::new(None) };
}

pub(super) fn take() -> HeaderMap {
    // In a thread that is ending there is none to be had.
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    spare.unwrap_or_default()
}

pub(super) fn keep(mut headers: HeaderMap) {
    // Whoever comes next is somebody else.
    headers.clear();
    let _ = SPARE.try_with(|spare| spare.set(Some(headers)));
}

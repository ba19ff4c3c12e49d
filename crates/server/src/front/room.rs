//! Room for what rides on a request.
//!
//! Extensions are a table on the heap that is made with the first of them, and given
//! up with the answer, on which it rides back. Each thread keeps one that has done its
//! work, emptied, for the next request that it reads.

use std::{cell::Cell, mem};

use http::Extensions;
use hyper::ext::ReasonPhrase;

thread_local! {
    static ROOM: Cell<Option<Extensions>> = const { Cell::new(None) };
}

/// Gives `extensions` room, if they have none.
pub(super) fn furnish(extensions: &mut Extensions) {
    if extensions.is_empty() {
        // In a thread that is ending there is none to be had.
        let room = ROOM.try_with(Cell::take).ok().flatten();
        *extensions = room.unwrap_or_default();
    }
}

/// Takes back what `extensions` of an answer leave behind. Nothing that they say goes
/// to the client, but for the words beside its status, where an application has its own.
pub(super) fn clear(extensions: &mut Extensions) {
    if extensions.is_empty() || extensions.get::<ReasonPhrase>().is_some() {
        return;
    }
    let mut room = mem::take(extensions);
    // Whoever comes next is somebody else.
    room.clear();
    let _ = ROOM.try_with(|kept| kept.set(Some(room)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Secret(&'static str);

    #[test]
    fn nothing_of_one_request_is_there_for_the_next() {
        let mut one = Extensions::new();
        furnish(&mut one);
        one.insert(Secret("one's"));
        clear(&mut one);
        assert!(one.is_empty(), "it rides no further");

        let mut other = Extensions::new();
        furnish(&mut other);
        assert!(other.is_empty());
        assert_eq!(other.get::<Secret>(), None);
    }

    #[test]
    fn what_is_there_already_stays() {
        let mut extensions = Extensions::new();
        extensions.insert(Secret("mine"));
        furnish(&mut extensions);
        assert_eq!(extensions.get(), Some(&Secret("mine")));
    }

    #[test]
    fn an_application_s_own_words_go_to_the_client() {
        let mut extensions = Extensions::new();
        extensions.insert(ReasonPhrase::from_static(b"Gone Fishing"));
        clear(&mut extensions);
        assert!(extensions.get::<ReasonPhrase>().is_some());
    }
}

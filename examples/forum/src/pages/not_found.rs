use http::StatusCode;
use maud::html;

use super::Place;
use crate::{caching::Keep, visit::Page};

/// There is nothing here; `keep` says for how long that will be so.
pub(crate) fn not_found(keep: Keep) -> Page {
    let content = html! {
        h1 { "Nothing here" }
        p {
            "There is no page at this address, or not any more. "
            a href="/" { "All topics" }
        }
    };
    Page {
        status: StatusCode::NOT_FOUND,
        title: "Nothing here".to_owned(),
        place: Place::Elsewhere,
        content,
        keep,
    }
}

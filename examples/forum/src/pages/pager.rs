use maud::{Markup, html};

use crate::paging::Paging;

/// The way to the other pages of a list, if there are any.
pub(super) fn pager(path: &str, paging: Paging) -> Markup {
    let link = |to: Option<u32>, rel: &str, text: &str| {
        html! {
            @if let Some(to) = to {
                a rel=(rel) href=(Paging::address(path, to)) { (text) }
            } @else {
                span aria-hidden="true" { (text) }
            }
        }
    };
    html! {
        @if paging.of() > 1 {
            nav.pager aria-label="Pages" {
                (link(paging.before(), "prev", "← Before"))
                span { "Page " (paging.number()) " of " (paging.of()) }
                (link(paging.after(), "next", "After →"))
            }
        }
    }
}

//! Parts of forms.

use maud::{Markup, html};

use crate::{forms::Refusal, moment::Moment};

/// Why something was not taken.
pub(super) fn refusal(refusal: Option<Refusal>) -> Markup {
    html! {
        @if let Some(refusal) = refusal {
            p.refusal role="alert" { (refusal) }
        }
    }
}

pub(super) fn text_area(label: &str, text: &str) -> Markup {
    html! {
        label {
            (label)
            textarea name="text" rows="5" required maxlength="10000" {
                // A browser drops a first line break, and this is it.
                "\n" (text)
            }
        }
    }
}

/// A time, for whom our script does not put it in his own words.
pub(super) fn time(moment: Moment) -> Markup {
    html! {
        time datetime=(moment.to_machine()) { (moment) }
    }
}

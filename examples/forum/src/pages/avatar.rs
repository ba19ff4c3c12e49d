use maud::{Markup, html};

/// How many colours the style sheet has for them.
const COLOURS: u32 = 8;

/// A picture of somebody who has none: the first letter, in a colour of his own.
pub(super) fn avatar(name: &str) -> Markup {
    let initial = name.chars().next().unwrap_or('?').to_uppercase();
    let colour = name
        .chars()
        .fold(0u32, |sum, c| sum.wrapping_mul(31).wrapping_add(c.into()))
        % COLOURS;
    html! {
        span class={ "avatar colour-" (colour) } aria-hidden="true" { (initial) }
    }
}

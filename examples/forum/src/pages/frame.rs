//! What is around each page, and the same on all of them.

use std::{
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    assets::{ICON, ICON_ADDRESS, SCRIPT, STYLE},
    level::Level,
    visit::Page,
};

/// Where in the forum a page is: which link of the navigation leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Open,
    Members,
    People,
    Account,
    LogIn,
    Join,
    Elsewhere,
}

impl Place {
    /// The name by which our script knows the link.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Members => "members",
            Self::People => "people",
            Self::Account => "account",
            Self::LogIn => "login",
            Self::Join => "join",
            Self::Elsewhere => "",
        }
    }
}

/// What is inside of `<main>`.
pub(crate) fn inside(page: &Page, level: Level) -> Markup {
    html! {
        (page.content)
        p.rendered { (rendered(level)) span #from-memory {} }
    }
}

/// The whole page: `inside`, and what is around it.
pub(crate) fn around(page: &Page, inside: &Markup, level: Level) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-level=(level.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · Falcon forum" }
                link rel="icon" type="image/svg+xml" href=(*ICON_ADDRESS);
                link rel="stylesheet" href=(STYLE.path());
                // Before anything is painted: it knows whether that is to be dark.
                script src=(SCRIPT.path()) {}
            }
            body {
                a.skip href="#main" { "To the page" }
                header.top {
                    a.brand href="/" {
                        (PreEscaped(ICON))
                        span { "Falcon " b { "forum" } }
                    }
                    (navigation(page.place, level))
                }
                main #main tabindex="-1" { (inside) }
                footer.bottom {
                    p {
                        "An example of "
                        strong { "Peregrine" }
                        ": pages from memory, for members, too."
                    }
                    button.theme type="button" hidden { "Dark or light" }
                }
                div #announce.unseen role="status" {}
            }
        }
    }
}

fn navigation(place: Place, level: Level) -> Markup {
    let link = |to: Place, path: &str, text: &str| {
        html! {
            a href=(path) data-place=(to.as_str()) aria-current=[(to == place).then_some("page")] {
                (text)
            }
        }
    };
    html! {
        nav.rooms aria-label="The forum" {
            (link(Place::Open, "/", "Topics"))
            (link(Place::Members, "/members", "Members’ room"))
            @if level == Level::Staff { (link(Place::People, "/people", "People")) }
        }
        nav.you aria-label="You" {
            @if level == Level::Visitor {
                (link(Place::LogIn, "/login", "Log in"))
                (link(Place::Join, "/join", "Join"))
            } @else {
                // This page is the same for all on this level. Our script puts in the
                // name; without it, the link has to do.
                (link(Place::Account, "/account", "Your account"))
                @if level == Level::Staff { span.badge { "staff" } }
                form method="post" action="/logout" {
                    button.quiet { "Log out" }
                }
            }
        }
    }
}

/// Who rendered a page, when, and for whom. From memory, it stays what it was.
fn rendered(level: Level) -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs();
    format!(
        "Rendered for {} by process {} at {:02}:{:02}:{:02}.{:03} UTC",
        match level {
            Level::Visitor => "visitors",
            Level::Member => "members",
            Level::Staff => "staff",
        },
        process::id(),
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        since.subsec_millis()
    )
}

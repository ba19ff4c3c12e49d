use http::StatusCode;
use maud::{Markup, html};

use super::{Place, form::refusal};
use crate::{
    caching::Keep,
    forms::{Local, Refusal},
    visit::Page,
};

/// What one wants with a name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    LogIn,
    Join,
}

/// Where one logs in, or becomes a member. With `refused`, why that did not work
/// for `name`.
pub(crate) fn login(purpose: Purpose, name: &str, next: &Local, refused: Option<Refusal>) -> Page {
    let (status, keep) = match refused {
        None => (StatusCode::OK, Keep::ForLevel(Vec::new())),
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, Keep::ForNobody),
    };
    let (title, place) = match purpose {
        Purpose::LogIn => ("Log in", Place::LogIn),
        Purpose::Join => ("Join", Place::Join),
    };
    Page {
        status,
        title: title.to_owned(),
        place,
        content: content(purpose, title, name, next, refused),
        keep,
    }
}

fn content(
    purpose: Purpose,
    title: &str,
    name: &str,
    next: &Local,
    refused: Option<Refusal>,
) -> Markup {
    let (action, password) = match purpose {
        Purpose::LogIn => ("/login", "current-password"),
        Purpose::Join => ("/join", "new-password"),
    };
    html! {
        h1 { (title) }
        form.card.narrow method="post" action=(action) {
            (refusal(refused))
            input type="hidden" name="next" value=(next.as_str());
            label {
                "Name"
                input name="name" value=(name) required minlength="2" maxlength="24"
                    autocomplete="username" autocapitalize="none" spellcheck="false";
            }
            label {
                "Password"
                input type="password" name="password" required autocomplete=(password)
                    minlength=[(purpose == Purpose::Join).then_some(8)] maxlength="128";
            }
            button.button { (title) }
        }
        p.narrow {
            @match purpose {
                Purpose::LogIn => { "New here? " a href=(next.after("/join")) { "Join" } "." }
                Purpose::Join => {
                    "Here before? " a href=(next.after("/login")) { "Log in" } "."
                }
            }
        }
    }
}

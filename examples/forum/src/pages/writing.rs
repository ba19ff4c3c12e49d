use http::StatusCode;
use maud::html;

use super::form::{refusal, text_area};
use crate::{
    caching::Keep,
    forms::{Refusal, TopicForm},
    room::Room,
    visit::Page,
};

/// Where one begins a topic.
pub(crate) fn writing(room: Room, draft: &TopicForm, refused: Option<Refusal>) -> Page {
    let content = html! {
        p.crumb { a href=(room.path()) { (room.title()) } }
        h1 { "A new topic" }
        @if room == Room::Members {
            p.lead { "Only members will read it." }
        }
        form.card method="post" action={ "/new/" (room.as_str()) } data-here {
            (refusal(refused))
            label {
                "Title"
                input name="title" required minlength="3" maxlength="120" value=(draft.title);
            }
            (text_area("What you would like to say", &draft.text))
            button.button { "Post" }
        }
    };
    let (status, keep) = match refused {
        // There is nothing on it that could change.
        None => (StatusCode::OK, Keep::ForLevel(Vec::new())),
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, Keep::ForNobody),
    };
    Page {
        status,
        title: "A new topic".to_owned(),
        place: room.place(),
        content,
        keep,
    }
}

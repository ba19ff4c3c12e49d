use http::StatusCode;
use maud::{Markup, html};

use super::{Place, avatar::avatar, form::time, pager::pager};
use crate::{
    caching::{Group, Keep},
    level::Level,
    room::Room,
    store::TopicPage,
    visit::Page,
};

impl Room {
    pub(super) const fn place(self) -> Place {
        match self {
            Self::Open => Place::Open,
            Self::Members => Place::Members,
        }
    }
}

/// The topics of a room.
pub(crate) fn listing(room: Room, page: &TopicPage, level: Level) -> Page {
    Page {
        status: StatusCode::OK,
        title: room.title().to_owned(),
        place: room.place(),
        content: content(room, page, level),
        keep: Keep::ForLevel(vec![Group::Room(room)]),
    }
}

fn content(room: Room, page: &TopicPage, level: Level) -> Markup {
    html! {
        div.heading {
            h1 { (room.title()) }
            @if level >= Level::Member {
                a.button href={ "/new/" (room.as_str()) } { "New topic" }
            }
        }
        p.lead {
            @match room {
                Room::Open => "Falcons, kestrels, hobbies, and the people who look up.",
                Room::Members => "Nest sites and the like: what visitors are not to read.",
            }
        }
        @if page.topics.is_empty() {
            p { "Nobody has said anything yet." }
        }
        ol.topics {
            @for listed in &page.topics {
                @let topic = &listed.topic;
                li {
                    (avatar(&listed.author))
                    div {
                        a.title href={ "/topics/" (topic.id) } { (topic.title) }
                        p.by {
                            (listed.author) " · last post by " (listed.last_author) ", "
                            (time(listed.last_post))
                        }
                    }
                    p.count {
                        b { (topic.posts) } " "
                        @if topic.posts == 1 { "post" } @else { "posts" }
                    }
                }
            }
        }
        (pager(room.path(), page.paging))
    }
}

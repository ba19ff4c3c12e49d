use http::StatusCode;
use maud::{Markup, html};

use super::{
    avatar::avatar,
    form::{refusal, text_area, time},
    pager::pager,
};
use crate::{
    caching::{Group, Keep},
    forms::{Local, Refusal},
    level::Level,
    paging::Paging,
    store::{Post, Topic},
    visit::Page,
};

/// What somebody has begun to write, and why it was not taken.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    pub(crate) text: &'a str,
    pub(crate) refusal: Option<Refusal>,
}

/// A topic, and what was said about it.
pub(crate) fn reading(
    topic: &Topic,
    posts: &[Post],
    paging: Paging,
    level: Level,
    draft: &Draft<'_>,
) -> Page {
    let path = format!("/topics/{}", topic.id);
    let content = html! {
        p.crumb { a href=(topic.room.path()) { (topic.room.title()) } }
        h1 { (topic.title) }
        (pager(&path, paging))
        @for one in posts { (post(one, level)) }
        (pager(&path, paging))
        (reply(&path, paging, level, draft))
    };
    let (status, keep) = match draft.refusal {
        None => (StatusCode::OK, Keep::ForLevel(vec![Group::Topic(topic.id)])),
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, Keep::ForNobody),
    };
    Page {
        status,
        title: topic.title.clone(),
        place: topic.room.place(),
        content,
        keep,
    }
}

fn post(post: &Post, level: Level) -> Markup {
    html! {
        article.post id={ "post-" (post.id) } {
            (avatar(&post.author))
            div {
                header {
                    b { (post.author) } " "
                    @if post.author_level == Level::Staff { span.badge { "staff" } " " }
                    a href={ "#post-" (post.id) } { (time(post.written)) }
                    @if post.text.is_some() && level >= Level::Member { (remove(post, level)) }
                }
                @match &post.text {
                    Some(text) => (paragraphs(text)),
                    None => p.removed { "This post was removed." },
                }
            }
        }
    }
}

/// Staff may remove each post. A member may remove his own; which ones these are
/// is not to be said on a page that all members share, so our script shows him
/// that. Without it, there is a list on the page of his account.
fn remove(post: &Post, level: Level) -> Markup {
    html! {
        form.remove method="post" action={ "/posts/" (post.id) "/remove" } data-here
            data-author=(post.author) hidden[level != Level::Staff] {
            button.quiet { "Remove" }
        }
    }
}

/// Blank lines divide paragraphs; other line breaks stay what they are.
pub(super) fn paragraphs(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").map(str::trim);
    html! {
        @for paragraph in paragraphs.filter(|paragraph| !paragraph.is_empty()) {
            p {
                @for (number, line) in paragraph.lines().enumerate() {
                    @if number > 0 { br; }
                    (line)
                }
            }
        }
    }
}

fn reply(path: &str, paging: Paging, level: Level, draft: &Draft<'_>) -> Markup {
    let here = Local::from(Paging::address(path, paging.number()));
    html! {
        @if level == Level::Visitor {
            p.invitation {
                a.button href=(here.after("/login")) { "Log in" } " or "
                a href=(here.after("/join")) { "join" } " to reply."
            }
        } @else {
            form.reply method="post" action={ (path) "/posts" } data-here {
                h2 { "Reply" }
                (refusal(draft.refusal))
                (text_area("Your post", draft.text))
                button.button { "Post" }
            }
        }
    }
}

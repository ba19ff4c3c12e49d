use http::StatusCode;
use maud::html;

use super::{Place, avatar::avatar, form::time, reading::paragraphs};
use crate::{
    caching::Keep,
    store::{Person, Post},
    visit::Page,
};

/// What is one person's own.
pub(crate) fn account(person: &Person, posts: &[(Post, String)]) -> Page {
    let content = html! {
        div.person {
            (avatar(&person.name))
            div {
                h1 { (person.name) }
                p.by { (person.level.as_str()) " since " (time(person.joined)) }
            }
        }
        h2 { "Your latest posts" }
        @if posts.is_empty() {
            p { "None yet. " a href="/" { "What are others talking about?" } }
        }
        @for (post, title) in posts {
            article.post.own {
                div {
                    header {
                        a href={ "/topics/" (post.topic) } { (title) } " "
                        (time(post.written))
                        form.remove method="post" action={ "/posts/" (post.id) "/remove" } data-here {
                            button.quiet { "Remove" }
                        }
                    }
                    @if let Some(text) = &post.text { (paragraphs(text)) }
                }
            }
        }
    };
    Page {
        status: StatusCode::OK,
        title: "Your account".to_owned(),
        place: Place::Account,
        content,
        keep: Keep::ForNobody,
    }
}

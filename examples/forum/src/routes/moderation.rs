//! What is removed.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};

use crate::{
    Forum,
    caching::{self, Group, Keep},
    level::Level,
    pages,
    problem::Problem,
    store::Post,
    visit::Visit,
};

/// `POST /posts/{id}/remove`, for staff and for who wrote it. To anybody else,
/// there is no such thing.
pub(super) async fn remove(
    visit: Visit,
    State(forum): State<Forum>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let level = visit.level();
    let person = visit.viewer.person.as_ref().map(|person| person.id);
    let removed = match id.parse() {
        Err(_) => None,
        Ok(id) => {
            forum
                .store
                .write(move |connection| {
                    let found = Post::find(connection, id)?;
                    let found = found
                        .filter(|(_, author)| level == Level::Staff || person == Some(*author));
                    if found.is_some() {
                        Post::remove(connection, id)?;
                    }
                    Ok(found.map(|(post, _)| post))
                })
                .await?
        }
    };
    Ok(match removed {
        Some(post) => {
            let topic = format!("/topics/{}", post.topic);
            let there = visit.see(&topic, Keep::ForNobody);
            (caching::changes([Group::Topic(post.topic)]), there).into_response()
        }
        None => visit.show(pages::not_found(Keep::ForNobody)).await,
    })
}

//! What is one person's own.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::reading::ask_to_log_in;
use crate::{
    Forum, caching::Keep, level::Level, pages, problem::Problem, store::Post, visit::Visit,
};

/// Who somebody is, for our script.
#[derive(Serialize)]
struct Me<'a> {
    level: &'a str,
    name: Option<&'a str>,
}

/// `GET /me`, once in a visit: all that our script needs to make a page that is for
/// many one person's own.
pub(super) async fn me(visit: Visit) -> Response {
    let level = visit.level();
    let keep = match level {
        // The same for all of them.
        Level::Visitor => Keep::ForLevel(Vec::new()),
        Level::Member | Level::Staff => Keep::ForNobody,
    };
    let person = visit.viewer.person.as_ref();
    let me = Me {
        level: level.as_str(),
        name: person.map(|person| person.name.as_str()),
    };
    (keep.said_to(level), Json(me)).into_response()
}

/// `GET /account`
pub(super) async fn account(visit: Visit, State(forum): State<Forum>) -> Result<Response, Problem> {
    let Some(person) = &visit.viewer.person else {
        return Ok(ask_to_log_in(&visit, "/account".to_owned(), Vec::new()));
    };
    let id = person.id;
    let posts = forum
        .store
        .read(move |connection| Post::latest_of(connection, id))
        .await?;
    Ok(visit.show(pages::account(person, &posts)).await)
}

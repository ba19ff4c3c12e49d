//! Who may come in, as staff decide.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};

use super::reading::ask_to_log_in;
use crate::{
    Forum,
    caching::{self, Group, Keep},
    forms, identity,
    level::Level,
    pages,
    problem::Problem,
    store::{PeoplePage, Person},
    visit::Visit,
};

/// `GET /people`
pub(super) async fn list(
    visit: Visit,
    State(forum): State<Forum>,
    Query(query): Query<forms::Query>,
) -> Result<Response, Problem> {
    match visit.level() {
        Level::Visitor => {
            return Ok(ask_to_log_in(&visit, "/people".to_owned(), Vec::new()));
        }
        // To them, there is no such thing.
        Level::Member => {
            let page = pages::not_found(Keep::ForLevel(Vec::new()));
            return Ok(visit.show(page).await);
        }
        Level::Staff => {}
    }
    let number = query.page().unwrap_or(0);
    let page = forum
        .store
        .read(move |connection| PeoplePage::read(connection, number))
        .await?;
    let page = page.map_or_else(
        || pages::not_found(Keep::ForLevel(vec![Group::People])),
        |page| pages::people(&page),
    );
    Ok(visit.show(page).await)
}

/// `POST /people/{id}/suspend`
pub(super) async fn suspend(
    visit: Visit,
    forum: State<Forum>,
    id: Path<String>,
) -> Result<Response, Problem> {
    set(visit, forum, id, true).await
}

/// `POST /people/{id}/restore`
pub(super) async fn restore(
    visit: Visit,
    forum: State<Forum>,
    id: Path<String>,
) -> Result<Response, Problem> {
    set(visit, forum, id, false).await
}

async fn set(
    visit: Visit,
    State(forum): State<Forum>,
    Path(id): Path<String>,
    suspended: bool,
) -> Result<Response, Problem> {
    let changed = match id.parse() {
        Ok(id) if visit.level() == Level::Staff => {
            forum
                .store
                .write(move |connection| Person::suspend(connection, id, suspended))
                .await?
        }
        _ => false,
    };
    if !changed {
        return Ok(visit.show(pages::not_found(Keep::ForNobody)).await);
    }
    let there = visit.see("/people", Keep::ForNobody);
    let said = (
        caching::changes([Group::People]),
        // His sessions are not this one, and the server remembers what they were.
        identity::forget(Level::Member),
    );
    Ok((said, there).into_response())
}

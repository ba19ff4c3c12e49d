//! What is read.

use axum::{
    extract::{Path, Query, State},
    response::Response,
};

use crate::{
    Forum,
    caching::{Group, Keep},
    forms::{self, Local},
    pages::{self, Draft},
    paging::Paging,
    problem::Problem,
    room::Room,
    store::{Post, Topic, TopicPage},
    visit::Visit,
};

/// `GET /`
pub(super) async fn open(
    visit: Visit,
    State(forum): State<Forum>,
    Query(query): Query<forms::Query>,
) -> Result<Response, Problem> {
    list(Room::Open, visit, forum, query).await
}

/// `GET /members`
pub(super) async fn members(
    visit: Visit,
    State(forum): State<Forum>,
    Query(query): Query<forms::Query>,
) -> Result<Response, Problem> {
    list(Room::Members, visit, forum, query).await
}

async fn list(
    room: Room,
    visit: Visit,
    forum: Forum,
    query: forms::Query,
) -> Result<Response, Problem> {
    let number = query.page().unwrap_or(0);
    let address = Paging::address(room.path(), number);
    if visit.level() < room.readers() {
        return Ok(ask_to_log_in(&visit, address, Vec::new()));
    }
    let page = forum
        .store
        .read(move |connection| TopicPage::read(connection, room, number))
        .await?;
    Ok(if let Some(page) = page {
        visit.show(pages::listing(room, &page, visit.level())).await
    } else {
        let until = Keep::ForLevel(vec![Group::Room(room)]);
        visit.show(pages::not_found(until)).await
    })
}

/// `GET /topics/{id}`
pub(super) async fn topic(
    visit: Visit,
    State(forum): State<Forum>,
    Path(id): Path<String>,
    Query(query): Query<forms::Query>,
) -> Result<Response, Problem> {
    let Ok(id) = id.parse() else {
        return Ok(visit.show(pages::not_found(Keep::ForNobody)).await);
    };
    let number = query.page().unwrap_or(0);
    show(&visit, &forum, id, number, &Draft::default()).await
}

/// A page of a topic, with what its reader has begun to write.
pub(super) async fn show(
    visit: &Visit,
    forum: &Forum,
    id: i64,
    number: u32,
    draft: &Draft<'_>,
) -> Result<Response, Problem> {
    let found = forum
        .store
        .read(move |connection| {
            let Some(topic) = Topic::find(connection, id)? else {
                return Ok(None);
            };
            let posts = Post::page(connection, &topic, number)?;
            Ok(Some((topic, posts)))
        })
        .await?;
    let groups = vec![Group::Topic(id)];
    Ok(match found {
        Some((topic, _)) if visit.level() < topic.room.readers() => {
            let address = Paging::address(&format!("/topics/{id}"), number);
            ask_to_log_in(visit, address, groups)
        }
        Some((topic, Some((posts, paging)))) => {
            let page = pages::reading(&topic, &posts, paging, visit.level(), draft);
            visit.show(page).await
        }
        // Until somebody begins a topic of this id, or its next page.
        _ => visit.show(pages::not_found(Keep::ForLevel(groups))).await,
    })
}

/// For a page that is not for everybody. That is so for all visitors, so it is kept
/// like a page.
pub(super) fn ask_to_log_in(visit: &Visit, address: String, groups: Vec<Group>) -> Response {
    let login = Local::from(address).after("/login");
    visit.see(&login, Keep::ForLevel(groups))
}

//! What is written.

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use rusqlite::Connection;

use super::reading::{ask_to_log_in, show};
use crate::{
    Forum,
    caching::{self, Group, Keep},
    forms::{self, Local, Refusal, ReplyForm, TopicForm},
    moment::Moment,
    pages::{self, Draft},
    paging::{POSTS_PER_PAGE, Paging},
    problem::Problem,
    room::Room,
    store::{NewPost, NewTopic, Person, Post, Posted, StoreError, Topic},
    visit::Visit,
};

/// How much one person may write: this many posts in so many seconds.
const MOST_POSTS: u32 = 20;
const WITHIN: i64 = 300;

const TOO_MANY: Refusal = "You have written a lot in these few minutes. Please take a break.";

/// `GET /new/{room}`
pub(super) async fn form(visit: Visit, Path(room): Path<String>) -> Response {
    let Some(room) = Room::named(&room) else {
        return visit.show(pages::not_found(Keep::ForNobody)).await;
    };
    if visit.viewer.person.is_none() {
        return ask_to_log_in(&visit, format!("/new/{}", room.as_str()), Vec::new());
    }
    let page = pages::writing(room, &TopicForm::default(), None);
    visit.show(page).await
}

/// `POST /new/{room}`
pub(super) async fn begin(
    visit: Visit,
    State(forum): State<Forum>,
    Path(room): Path<String>,
    Form(draft): Form<TopicForm>,
) -> Result<Response, Problem> {
    let Some(room) = Room::named(&room) else {
        return Ok(visit.show(pages::not_found(Keep::ForNobody)).await);
    };
    let Some(person) = visit.viewer.person.clone() else {
        return Ok(log_in_first(&visit, format!("/new/{}", room.as_str())));
    };
    let (topic, post) = match new_topic(room, &person, &draft) {
        Ok(new) => new,
        Err(refusal) => {
            let page = pages::writing(room, &draft, Some(refusal));
            return Ok(visit.show(page).await);
        }
    };
    let posted = write(&forum, person, move |connection, now| {
        post.begin(connection, &topic, now)
    })
    .await?;
    Ok(match posted {
        Ok(posted) => published(&visit, &posted),
        Err(refusal) => {
            let page = pages::writing(room, &draft, Some(refusal));
            visit.show(page).await
        }
    })
}

/// `POST /topics/{id}/posts`
pub(super) async fn reply(
    visit: Visit,
    State(forum): State<Forum>,
    Path(id): Path<String>,
    Form(draft): Form<ReplyForm>,
) -> Result<Response, Problem> {
    let Ok(id) = id.parse() else {
        return Ok(visit.show(pages::not_found(Keep::ForNobody)).await);
    };
    let Some(person) = visit.viewer.person.clone() else {
        return Ok(log_in_first(&visit, format!("/topics/{id}")));
    };
    let post = match forms::text(&draft.text) {
        Ok(text) => NewPost {
            author: person.id,
            text,
        },
        Err(refusal) => return refused(&visit, &forum, id, &draft, refusal).await,
    };
    let posted = write(&forum, person, move |connection, now| {
        post.reply(connection, id, now)
    })
    .await?;
    match posted {
        Ok(Some(posted)) => Ok(published(&visit, &posted)),
        Ok(None) => Ok(visit.show(pages::not_found(Keep::ForNobody)).await),
        Err(refusal) => refused(&visit, &forum, id, &draft, refusal).await,
    }
}

fn new_topic(
    room: Room,
    person: &Person,
    draft: &TopicForm,
) -> Result<(NewTopic, NewPost), Refusal> {
    let title = forms::title(&draft.title)?;
    let text = forms::text(&draft.text)?;
    let author = person.id;
    Ok((NewTopic { room, title }, NewPost { author, text }))
}

/// Writes something for `person`, unless he has written too much already.
async fn write<T: Send + 'static>(
    forum: &Forum,
    person: Person,
    write: impl FnOnce(&Connection, Moment) -> Result<T, StoreError> + Send + 'static,
) -> Result<Result<T, Refusal>, StoreError> {
    forum
        .store
        .write(move |connection| {
            let now = Moment::now();
            let lately = Post::count_since(connection, person.id, now.later(-WITHIN))?;
            if lately >= MOST_POSTS {
                return Ok(Err(TOO_MANY));
            }
            write(connection, now).map(Ok)
        })
        .await
}

/// The topic once more, with what was not taken.
async fn refused(
    visit: &Visit,
    forum: &Forum,
    id: i64,
    reply: &ReplyForm,
    refusal: Refusal,
) -> Result<Response, Problem> {
    let topic = forum
        .store
        .read(move |connection| Topic::find(connection, id))
        .await?;
    let last = topic.map_or(1, |topic| {
        Paging::last(topic.posts, POSTS_PER_PAGE).number()
    });
    let draft = Draft {
        text: &reply.text,
        refusal: Some(refusal),
    };
    show(visit, forum, id, last, &draft).await
}

/// Sends its author to a post, and says what it has changed.
fn published(visit: &Visit, posted: &Posted) -> Response {
    let topic = &posted.topic;
    let last = Paging::last(topic.posts, POSTS_PER_PAGE).number();
    let page = Paging::address(&format!("/topics/{}", topic.id), last);
    let there = visit.see(&format!("{page}#post-{}", posted.post), Keep::ForNobody);
    (caching::changes(Group::of_post(topic)), there).into_response()
}

/// A form from before a session ended.
fn log_in_first(visit: &Visit, address: String) -> Response {
    let login = Local::from(address).after("/login");
    visit.see(&login, Keep::ForNobody)
}

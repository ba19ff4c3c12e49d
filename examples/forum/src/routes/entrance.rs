//! How one comes in, and out.

use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use http::header::SET_COOKIE;

use crate::{
    Forum,
    caching::{self, Group, Keep},
    forms::{self, Credentials, Local, Refusal},
    level::Level,
    moment::Moment,
    pages::{self, Purpose},
    password,
    problem::Problem,
    store::{Person, StoreError, sessions},
    token::Token,
    visit::Visit,
};

const WRONG: Refusal = "That is not a name and its password.";
const SUSPENDED: Refusal = "Staff have suspended this account.";
const TAKEN: Refusal = "There is somebody of this name already.";

/// `GET /login`
pub(super) async fn login_form(visit: Visit, Query(query): Query<forms::Query>) -> Response {
    form(Purpose::LogIn, visit, &query.next).await
}

/// `GET /join`
pub(super) async fn join_form(visit: Visit, Query(query): Query<forms::Query>) -> Response {
    form(Purpose::Join, visit, &query.next).await
}

async fn form(purpose: Purpose, visit: Visit, next: &Local) -> Response {
    if visit.level() > Level::Visitor {
        return visit.see(next.as_str(), Keep::ForLevel(Vec::new()));
    }
    visit.show(pages::login(purpose, "", next, None)).await
}

/// `POST /login`
pub(super) async fn log_in(
    visit: Visit,
    State(forum): State<Forum>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Problem> {
    let Credentials {
        name,
        password,
        next,
    } = credentials;
    let asked = name.trim().to_owned();
    let found = forum
        .store
        .read(move |connection| Person::named(connection, &asked))
        .await?;
    let (person, hash) = found.unzip();
    // Outside of the database: others want to read meanwhile.
    let is_right = move || password::is_right(&password, hash.as_deref());
    let is_right = on_another_thread(is_right).await?;
    let refusal = match person.filter(|_| is_right) {
        Some(person) if !person.suspended => return begin(&visit, &forum, person.id, &next).await,
        Some(_) => SUSPENDED,
        None => WRONG,
    };
    let page = pages::login(Purpose::LogIn, &name, &next, Some(refusal));
    Ok(visit.show(page).await)
}

/// `POST /join`
pub(super) async fn join(
    visit: Visit,
    State(forum): State<Forum>,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Problem> {
    let next = &credentials.next;
    let refused = |refusal| pages::login(Purpose::Join, &credentials.name, next, Some(refusal));
    let chosen = forms::name(&credentials.name)
        .and_then(|name| Ok((name, forms::new_password(&credentials.password)?)));
    let (name, password) = match chosen {
        Ok((name, password)) => (name.to_owned(), password.to_owned()),
        Err(refusal) => return Ok(visit.show(refused(refusal)).await),
    };
    let hash = on_another_thread(move || password::hash(&password)).await??;
    let added = forum
        .store
        .write(move |connection| {
            Person::add(connection, &name, &hash, Level::Member, Moment::now())
        })
        .await;
    match added {
        Ok(person) => {
            let begun = begin(&visit, &forum, person, next).await?;
            Ok((caching::changes([Group::People]), begun).into_response())
        }
        Err(error) if error.is_taken() => Ok(visit.show(refused(TAKEN)).await),
        Err(error) => Err(error.into()),
    }
}

/// `POST /logout`
pub(super) async fn log_out(visit: Visit, State(forum): State<Forum>) -> Result<Response, Problem> {
    if let Some(token) = visit.viewer.token.clone() {
        forum
            .store
            .write(move |connection| sessions::end(connection, &token))
            .await?;
    }
    let cookie = visit.viewer.no_session_cookie();
    let there = visit.see("/", Keep::ForNobody);
    Ok(([(SET_COOKIE, cookie)], there).into_response())
}

/// Lets this browser be known as `person`, by a token that nobody has seen: whoever
/// has planted one in it before does not know this one.
async fn begin(
    visit: &Visit,
    forum: &Forum,
    person: i64,
    next: &Local,
) -> Result<Response, Problem> {
    let token = Token::random();
    let (hash, before) = (token.hash(), visit.viewer.token.clone());
    forum
        .store
        .write(move |connection| {
            sessions::begin(connection, &hash, before.as_ref(), person, Moment::now())
        })
        .await?;
    let cookie = visit.viewer.session_cookie(&token);
    let there = visit.see(next.as_str(), Keep::ForNobody);
    Ok(([(SET_COOKIE, cookie)], there).into_response())
}

/// What takes long, where nobody waits for it but who asked.
async fn on_another_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

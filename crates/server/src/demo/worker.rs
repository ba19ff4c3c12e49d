//! One process of the forum.

use std::{convert::Infallible, env, path::Path, process, time::Duration, time::SystemTime};

use axum::{
    Form, Router,
    body::Body,
    extract::{Path as UrlPath, Request, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rustix::process::{Pid, getppid};
use serde::Deserialize;
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    time::{interval, sleep},
};
use tower_http::set_header::SetResponseHeaderLayer;

use super::{
    KEY_VARIABLE, forum,
    pages::{self, Rendering},
    session::{self, Name, SessionKey},
};

/// How long the list of topics is fresh: short, since on a real forum it
/// changes often.
const TOPICS_FRESH: Duration = Duration::from_secs(5);

/// How long a topic is fresh.
const TOPIC_FRESH: Duration = Duration::from_secs(60);

/// What a topic costs: as long as a page with a few database queries.
const TOPIC_RENDERING: Duration = Duration::from_millis(10);

/// How often a process looks whether its server is still there.
const ORPHAN_CHECK: Duration = Duration::from_secs(1);

const LIVE_LINES: u32 = 5;
const LIVE_PAUSE: Duration = Duration::from_millis(300);

/// Serves the forum on `socket` until SIGTERM, then finishes what it has begun.
pub(crate) async fn work(socket: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // First of all: from here on, another parent means that the server is gone.
    let server = getppid();
    let key = env::var(KEY_VARIABLE)
        .ok()
        .and_then(|text| SessionKey::from_text(&text))
        .ok_or("a process of the demo is started by `peregrine demo`, not by hand")?;
    // Before the socket is there: whoever sees us answer may signal us.
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = UnixListener::bind(socket)?;
    axum::serve(listener, router(key))
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                () = orphaned_by(server) => {}
            }
        })
        .await?;
    Ok(())
}

/// Resolves when the server that started us is gone. One that was killed could
/// not tell us to leave.
async fn orphaned_by(server: Option<Pid>) {
    let mut look = interval(ORPHAN_CHECK);
    while getppid() == server {
        look.tick().await;
    }
}

pub(super) fn router(key: SessionKey) -> Router {
    Router::new()
        .route("/", get(topics))
        .route("/topics/{id}", get(topic))
        .route("/login", get(login_form).post(login))
        .route("/logout", post(logout))
        .route("/members", get(members))
        .route("/live", get(live))
        .route("/echo", post(echo))
        .fallback(not_found)
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_POLICY,
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            NO_SNIFFING,
        ))
        .with_state(key)
}

async fn topics() -> Response {
    let page = pages::topics(TOPICS_FRESH, rendering());
    (public(TOPICS_FRESH), Html(page)).into_response()
}

async fn topic(UrlPath(id): UrlPath<String>) -> Response {
    let Some(topic) = id.parse().ok().and_then(forum::topic) else {
        return not_found().await;
    };
    sleep(TOPIC_RENDERING).await;
    let page = pages::topic(topic, TOPIC_FRESH, rendering());
    (public(TOPIC_FRESH), Html(page)).into_response()
}

async fn login_form() -> Response {
    (NO_STORE, Html(pages::login(None, rendering()))).into_response()
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    name: String,
}

async fn login(State(key): State<SessionKey>, Form(login): Form<Login>) -> Response {
    let Some(name) = Name::new(&login.name) else {
        let problem = "Please tell us a name, of at most 40 letters.";
        let page = pages::login(Some(problem), rendering());
        return (StatusCode::UNPROCESSABLE_ENTITY, NO_STORE, Html(page)).into_response();
    };
    see("/members", Some(key.login(&name)))
}

async fn logout() -> Response {
    see("/", Some(session::logout()))
}

async fn members(State(key): State<SessionKey>, headers: HeaderMap) -> Response {
    match key.name(&headers) {
        Some(name) => (NO_STORE, Html(pages::members(&name, rendering()))).into_response(),
        None => see("/login", None),
    }
}

/// A few lines with pauses, so that one can see whether they come one by one.
async fn live() -> Response {
    let lines = stream::unfold(1, async |line| {
        if line > LIVE_LINES {
            return None;
        }
        if line > 1 {
            sleep(LIVE_PAUSE).await;
        }
        let text = format!("{line} of {LIVE_LINES}. {}.\n", rendering());
        Some((Ok::<_, Infallible>(text), line + 1))
    });
    (NO_STORE, TEXT, Body::from_stream(lines)).into_response()
}

/// What was sent, as it comes in; as text, so that a browser does not read it
/// as a page of ours.
async fn echo(request: Request) -> Response {
    (NO_STORE, TEXT, request.into_body()).into_response()
}

async fn not_found() -> Response {
    let page = pages::not_found(rendering());
    (StatusCode::NOT_FOUND, NO_STORE, Html(page)).into_response()
}

fn rendering() -> Rendering {
    Rendering {
        pid: process::id(),
        at: SystemTime::now(),
    }
}

type Field = [(HeaderName, HeaderValue); 1];

const NO_STORE: Field = [(
    header::CACHE_CONTROL,
    HeaderValue::from_static("private, no-store"),
)];

const TEXT: Field = [(
    header::CONTENT_TYPE,
    HeaderValue::from_static("text/plain; charset=utf-8"),
)];

fn public(fresh: Duration) -> [(HeaderName, String); 1] {
    let value = format!("public, max-age={}", fresh.as_secs());
    [(header::CACHE_CONTROL, value)]
}

/// Sends the client to another page, with GET.
fn see(path: &'static str, set_cookie: Option<HeaderValue>) -> Response {
    let location = [(header::LOCATION, HeaderValue::from_static(path))];
    let mut response = (StatusCode::SEE_OTHER, NO_STORE, location).into_response();
    if let Some(cookie) = set_cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What a browser may do with our pages: show them.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// And take them for what they say they are.
const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");

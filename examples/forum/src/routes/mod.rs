//! What is at which address.

mod account;
mod entrance;
mod moderation;
mod people;
mod reading;
mod writing;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware,
    response::Response,
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, header};
use tower::ServiceBuilder;
use tower_http::{
    compression::{CompressionLayer, predicate::SizeAbove},
    csrf::CsrfLayer,
    set_header::SetResponseHeaderLayer,
};

use crate::{
    Forum,
    assets::asset,
    caching::Keep,
    identity,
    pages::not_found,
    visit::{Form, JSON, Visit},
};

/// More than the longest post in the longest form of its encoding.
const LONGEST_BODY: usize = 128 * 1024;

/// What is shorter is one packet, compressed or not.
const WORTH_COMPRESSING: u64 = 1024;

/// The forum as a service.
pub fn router(forum: Forum) -> Router {
    Router::new()
        .merge(pages())
        .nest(JSON, pages().layer(Extension(Form::Json)))
        .route("/login", post(entrance::log_in))
        .route("/join", post(entrance::join))
        .route("/logout", post(entrance::log_out))
        .route("/me", get(account::me))
        .fallback(nothing)
        .layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn_with_state(
                    forum.clone(),
                    identity::identify,
                ))
                // No other site may do something here in the name of its reader.
                .layer(CsrfLayer::new())
                .layer(DefaultBodyLimit::max(LONGEST_BODY)),
        )
        // The same for everybody, whoever asks.
        .route("/assets/{file}", get(asset))
        .layer(
            ServiceBuilder::new()
                // Once for all who get it: the server's cache keeps what comes out.
                .layer(CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING)))
                .layer(says(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
                .layer(says(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(says(header::REFERRER_POLICY, "same-origin")),
        )
        .with_state(forum)
}

/// What can be had in both forms.
fn pages() -> Router<Forum> {
    Router::new()
        .route("/", get(reading::open))
        .route("/members", get(reading::members))
        .route("/topics/{id}", get(reading::topic))
        .route("/topics/{id}/posts", post(writing::reply))
        .route("/new/{room}", get(writing::form).post(writing::begin))
        .route("/posts/{id}/remove", post(moderation::remove))
        .route("/people", get(people::list))
        .route("/people/{id}/suspend", post(people::suspend))
        .route("/people/{id}/restore", post(people::restore))
        .route("/login", get(entrance::login_form))
        .route("/join", get(entrance::join_form))
        .route("/account", get(account::account))
}

async fn nothing(visit: Visit) -> Response {
    // There are too many addresses at which there is nothing to keep them all.
    visit.show(not_found(Keep::ForNobody)).await
}

/// What a browser may do with our pages: show them, and run nothing but our own
/// script.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

fn says(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

#[cfg(test)]
mod tests;

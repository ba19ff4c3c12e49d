//! The smallest useful `TurboCache` in an axum application.
//!
//! ```sh
//! cargo run -p axum-app
//! curl -i http://127.0.0.1:3000/          # rendered: fwd=uri-miss; stored, with its ttl
//! curl -i http://127.0.0.1:3000/          # from memory: hit, with its Age
//! curl -i http://127.0.0.1:3000/account   # never stored
//! ```

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use axum::{
    Router,
    http::header::CACHE_CONTROL,
    response::{Html, IntoResponse},
    routing::get,
};
use tokio::{net::TcpListener, time::sleep};
use turbocache::TurboCache;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(front_page))
        .route("/account", get(account))
        .layer(TurboCache::conservative());

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

/// The same for everybody for ten seconds, and says so.
async fn front_page() -> impl IntoResponse {
    static RENDERED: AtomicU64 = AtomicU64::new(0);
    // What makes a page worth remembering.
    sleep(Duration::from_millis(100)).await;
    let times = RENDERED.fetch_add(1, Relaxed) + 1;
    let page = Html(format!("<p>Rendered {times} times so far.</p>"));
    ([(CACHE_CONTROL, "max-age=10")], page)
}

/// Says nothing about caching, and is not cached.
async fn account() -> Html<&'static str> {
    Html("<p>Yours alone.</p>")
}

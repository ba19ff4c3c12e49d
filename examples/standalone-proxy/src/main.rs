//! The whole stack, composed by hand: what `peregrine start` does, without its
//! options.
//!
//! ```sh
//! cargo run -p standalone-proxy -- puma -b 'unix://{socket}' examples/apps/ruby/config.ru
//! curl -i http://127.0.0.1:3000/cached      # twice: the second one is a hit
//! ```

use std::{env, io, net::SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::{self, Next},
    response::Response,
};
use peregrine::{
    ErrorPages, ProcessAccounting,
    buffering::{BufferSpace, request::RequestBuffering, response::ResponseBuffering},
    cookie_variation::CookieVariation,
    request_accounting::RequestAccounting,
    static_files::{public::StaticFiles, sendfile::SendFile},
    turbocache::TurboCache,
    upstream_pool::{
        AppCommand, UpstreamPool,
        forwarded::{BelieveLayer, InformLayer, PeerAddr},
    },
};
use tokio::{net::TcpListener, signal};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut words = env::args_os().skip(1);
    let program = words.next().unwrap_or_else(|| "./app".into());
    let command = AppCommand::new(program).args(words);

    let accounting = RequestAccounting::new();
    let cache = TurboCache::conservative();
    // Who has one of these sees pages of his own, which the cache leaves alone.
    let cookies = CookieVariation::anonymous_unless(["session", "sessionid", "_app_session"]);
    let (pool, processes) = UpstreamPool::builder(command)
        .min_instances(1)
        .max_pool_size(4)
        // Around each process: how busy it is.
        .process_layer(ProcessAccounting::default())
        .spawn()?;

    // Bodies wait here for slow clients, so that the processes need not.
    let space = BufferSpace::new();

    //  client ─▶ RequestAccounting ─▶ CookieVariation ─▶ TurboCache ─▶ UpstreamPool ─▶ app processes
    let stack = ServiceBuilder::new()
        .layer(accounting.clone())
        // Nobody in front is trusted, so clients say nothing about themselves.
        .layer(BelieveLayer::default())
        .layer(cookies.around(cache.clone()))
        // From here on only what the cache can't answer.
        .layer(ErrorPages::with_details())
        .layer(StaticFiles::new("public"))
        // Whatever the application says about files goes no further.
        .layer(SendFile::none())
        .layer(ResponseBuffering::new(space.clone()))
        .layer(RequestBuffering::new(space))
        .layer(InformLayer::new())
        .service(pool);

    let app = Router::new()
        .fallback_service(stack)
        .layer(middleware::from_fn(remember_the_peer));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async {
        // Without a handler for Ctrl-C there is nothing to wait for.
        let _ = signal::ctrl_c().await;
    })
    .await?;

    // Every request is answered: now the processes may leave.
    processes.stop().await;
    println!("{:#?}", accounting.snapshot());
    println!("{:#?}", cache.handle().stats());
    Ok(())
}

/// The address of the client, in the words of the stack.
async fn remember_the_peer(
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(PeerAddr(address));
    next.run(request).await
}

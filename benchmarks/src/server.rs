//! Servers made with hyper: the yardstick, the same with a cache, and the
//! application behind the proxies.

use std::{
    convert::Infallible,
    error::Error,
    future::ready,
    net::Ipv4Addr,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{AGE, CACHE_CONTROL, CACHE_STATUS, CONTENT_TYPE},
};
use http_body::Body;
use http_body_util::Full;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::TokioIo;
use peregrine_request_accounting::RequestAccounting;
use tokio::{net::TcpListener, runtime::Builder};
use tower::Layer;
use turbocache::TurboCache;

use crate::{
    Result,
    options::{Role, ServeOptions},
    scenario::Scenario,
};

/// Where an application says how often it was asked for a page.
pub(crate) const COUNT: &str = "/count";

/// Where a server says which process it is.
pub(crate) const PID: &str = "/pid";

/// The page: the same bytes for everybody.
pub(crate) fn page(size: usize) -> Bytes {
    (b'a'..=b'z').cycle().take(size).collect()
}

struct App {
    role: Role,
    page: Bytes,
    /// `None` if nobody will ask: an addition that all threads make is not for
    /// free.
    asked: Option<AtomicU64>,
}

impl App {
    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let scenario = Scenario::ALL
            .into_iter()
            .find(|scenario| scenario.path() == path);
        let Some(scenario) = scenario else {
            return self.speak_of_itself(path);
        };
        if let Some(asked) = &self.asked {
            asked.fetch_add(1, Ordering::Relaxed);
        }
        let mut response = Response::new(Full::new(self.page.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let cache_control = HeaderValue::from_static(scenario.cache_control());
        headers.insert(CACHE_CONTROL, cache_control);
        // The yardstick sends what a cache sends, or it would be short of two
        // fields.
        if self.role == Role::Bare && scenario == Scenario::Hit {
            headers.insert(AGE, HeaderValue::from_static("17"));
            let hit = HeaderValue::from_static("turbocache; hit; ttl=3583");
            headers.insert(CACHE_STATUS, hit);
        }
        response
    }

    fn speak_of_itself(&self, path: &str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        match (path, &self.asked) {
            (COUNT, Some(asked)) => {
                *response.body_mut() = asked.load(Ordering::Relaxed).to_string().into();
            }
            (PID, _) => *response.body_mut() = process::id().to_string().into(),
            _ => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        response
    }
}

/// A service for hyper of a tower service that is always ready, as what is behind the
/// cache is. The cache, and what counts its requests, are services for hyper themselves.
///
/// hyper-util's adapter asks a service whether it is ready when the response is waited
/// for, and keeps the request until then. By that time hyper looks whether the client is
/// still there, and needs another buffer for it, because the request is in the first one.
/// The yardstick has no adapter, and drops the request when it is called.
#[derive(Clone)]
struct AtOnce<S>(S);

impl<S> Service<Request<Incoming>> for AtOnce<S>
where
    S: tower::Service<Request<Incoming>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> S::Future {
        self.0.clone().call(request)
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &ServeOptions) -> Result<()> {
    // For ever: to share it is to cost nothing.
    let app: &App = Box::leak(Box::new(App {
        role: options.role,
        page: page(options.body_size),
        asked: (options.role != Role::Bare).then(AtomicU64::default),
    }));
    let answer = move |request: Request<Incoming>| {
        let response = app.answer(request.uri().path());
        ready(Ok::<_, Infallible>(response))
    };
    Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()?
        .block_on(async {
            match options.role {
                Role::Bare | Role::App => accept(service_fn(answer), options.port).await,
                Role::NoLayer => {
                    let service = tower::service_fn(answer);
                    accept(AtOnce(service), options.port).await
                }
                Role::TurboCache => {
                    let service = tower::service_fn(answer);
                    let service = TurboCache::conservative().layer(service);
                    accept(service, options.port).await
                }
                Role::Outermost => {
                    let service = tower::service_fn(answer);
                    let service = TurboCache::conservative().layer(service);
                    accept(service.outermost(), options.port).await
                }
                Role::Accounted => {
                    let service = tower::service_fn(answer);
                    let service = TurboCache::conservative().layer(service);
                    let service = RequestAccounting::new().layer(service);
                    accept(service, options.port).await
                }
            }
        })
}

async fn accept<S, B>(service: S, port: u16) -> Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Error + Send + Sync,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            // An error is a client that left: wrk does when it is done.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

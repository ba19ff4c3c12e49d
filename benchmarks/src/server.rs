//! Servers made with hyper and nothing else: the yardstick, and the
//! application behind the proxies.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Builder};

use crate::{
    Result,
    options::{Role, ServeOptions},
    scenario::Scenario,
};

/// Where an application says how often it was asked for a page.
pub(crate) const COUNT: &str = "/count";

/// The page: the same bytes for everybody.
pub(crate) fn page(size: usize) -> Bytes {
    (b'a'..=b'z').cycle().take(size).collect()
}

struct App {
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
            return self.count(path);
        };
        if let Some(asked) = &self.asked {
            asked.fetch_add(1, Ordering::Relaxed);
        }
        let mut response = Response::new(Full::new(self.page.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let cache_control = HeaderValue::from_static(scenario.cache_control());
        headers.insert(CACHE_CONTROL, cache_control);
        response
    }

    fn count(&self, path: &str) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        match &self.asked {
            Some(asked) if path == COUNT => {
                *response.body_mut() = asked.load(Ordering::Relaxed).to_string().into();
            }
            _ => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        response
    }
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &ServeOptions) -> Result<()> {
    let app = Arc::new(App {
        page: page(options.body_size),
        asked: (options.role == Role::App).then(AtomicU64::default),
    });
    Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("listening on http://{}", listener.local_addr()?);
            loop {
                let (connection, _) = listener.accept().await?;
                connection.set_nodelay(true)?;
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    let service = service_fn(|request: Request<Incoming>| {
                        let response = app.answer(request.uri().path());
                        async { Ok::<_, Infallible>(response) }
                    });
                    // An error is a client that left: wrk does when it is done.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .await;
                });
            }
        })
}

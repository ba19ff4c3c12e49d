use std::{
    io,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header::CACHE_CONTROL};
use http_body::Body;
use tokio::task::spawn_blocking;
use tower::{BoxError, ServiceExt};
use tower_service::Service;
use tracing::warn;

use super::layer::Config;
use crate::{
    ResponseBody, ResponseFuture,
    file::{FileBody, Wish},
    fingerprint::has_fingerprint,
    folder::Found,
    macros::accessors,
    name::FileName,
};

/// For a year: RFC 9111 §5.2.2.1 has no longest time, but this is what everybody
/// says who means for ever. `immutable` is RFC 8246's.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Answers with the files of a folder. Made by [`StaticFiles`](super::StaticFiles).
///
/// As ready as its inner service. A request for what may be a file is passed on
/// to a clone, if it turns out to be none. It must be called within a tokio
/// runtime.
#[derive(Clone, Debug)]
pub struct StaticFilesService<S> {
    inner: S,
    config: Option<Arc<Config>>,
}

impl<S> StaticFilesService<S> {
    pub(super) const fn new(inner: S, config: Option<Arc<Config>>) -> Self {
        Self { inner, config }
    }
}

accessors!(StaticFilesService);

impl<S, ReqB, B> Service<Request<ReqB>> for StaticFilesService<S>
where
    S: Service<Request<ReqB>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    ReqB: Send + 'static,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, B, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        match &self.config {
            None => ResponseFuture::passed(self.inner.call(request)),
            Some(config) => look(config, &mut self.inner, request),
        }
    }
}

/// Sends the file that a request means, or passes it on to `service`.
fn look<S, ReqB, B>(
    config: &Arc<Config>,
    service: &mut S,
    request: Request<ReqB>,
) -> ResponseFuture<S::Future, B, S::Error>
where
    S: Service<Request<ReqB>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    ReqB: Send + 'static,
{
    let Some(file) = config.meant(&request) else {
        return ResponseFuture::passed(service.call(request));
    };
    let config = Arc::clone(config);
    let inner = service.clone();
    // Drops what the service has reserved for this request: a clone has nothing
    // reserved.
    *service = inner.clone();
    ResponseFuture::looking(async move {
        let wish = Wish::of(&request);
        match config.answer(file, wish).await {
            Some(response) => Ok(response.map(ResponseBody::file)),
            None => inner
                .oneshot(request)
                .await
                .map(|response| response.map(ResponseBody::service)),
        }
    })
}

impl Config {
    /// The file that a request may mean.
    fn meant<B>(&self, request: &Request<B>) -> Option<FileName> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = request.uri().path().strip_prefix(&*self.below)?;
        if !self.listing.may_have(path) {
            return None;
        }
        FileName::of(path)
    }

    /// `None` if there is no such file.
    async fn answer(self: Arc<Self>, file: FileName, wish: Wish) -> Option<Response<FileBody>> {
        let this = Arc::clone(&self);
        // Only a runtime that ends does not carry it out.
        let (name, found) = spawn_blocking(move || this.find(&file)).await.ok()??;
        match wish.fulfil(&found).await {
            Ok(mut response) => {
                let cache_control = if has_fingerprint(&name) {
                    FOR_EVER
                } else {
                    self.cache_control.clone()
                };
                if !response.status().is_client_error() {
                    response.headers_mut().insert(CACHE_CONTROL, cache_control);
                }
                Some(response)
            }
            Err(error) => {
                // Gone since it was found: that happens.
                if error.kind() != io::ErrorKind::NotFound {
                    warn!(path = %found.path.display(), %error, "a file cannot be sent");
                }
                None
            }
        }
    }

    /// The first of the candidates that is there. Blocks.
    fn find(&self, file: &FileName) -> Option<(PathBuf, Found)> {
        file.candidates()
            .into_iter()
            .find_map(|name| self.folder.find(&name).map(|found| (name, found)))
    }
}

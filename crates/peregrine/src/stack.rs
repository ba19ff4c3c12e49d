mod on_heap;

use ipnet::IpNet;
use peregrine_buffering::{
    BufferSpace,
    request::{RequestBuffering, RequestBufferingService},
    response::{ResponseBuffering, ResponseBufferingService},
};
#[cfg(feature = "cookie-variation")]
use peregrine_cookie_variation::{CookieVariation, CookieVariationService, Listener};
use peregrine_request_accounting::{
    RequestAccounting, RequestAccountingService,
    tracking::{Received, ReceivedLayer, RequestTracking, RequestTrackingService},
};
use peregrine_static_files::{
    public::{StaticFiles, StaticFilesService},
    sendfile::{SendFile, SendFileService},
};
use peregrine_upstream_pool::forwarded::{Believe, BelieveLayer, Inform, InformLayer};
use tower_layer::Layer;
use turbocache::{TurboCache, TurboCacheService};

pub use self::on_heap::OnHeap;
use crate::{
    ErrorPages,
    error_pages::ErrorPagesService,
    trace_context::{TraceContext, TraceContextLayer},
};

/// An application `U` behind what only those requests meet that no cache
/// answers.
pub type Behind<U> = OnHeap<
    RequestTrackingService<
        TraceContext<
            ErrorPagesService<
                StaticFilesService<
                    SendFileService<
                        ResponseBufferingService<RequestBufferingService<Received<Inform<U>>>>,
                    >,
                >,
            >,
        >,
    >,
>;

/// An application `U` behind the stack, with a cache.
pub type Cached<U> = RequestAccountingService<Believe<TurboCacheService<Behind<U>>>>;

/// An application `U` behind the stack, with a cache and variants for users.
#[cfg(feature = "cookie-variation")]
pub type Varied<U> = RequestAccountingService<
    Believe<CookieVariationService<TurboCacheService<Listener<Behind<U>>>>>,
>;

/// An application `U` behind the stack, without a cache.
pub type Uncached<U> = RequestAccountingService<Believe<Behind<U>>>;

/// What stands in front of an application, in the right order.
///
/// See the [crate's documentation](crate) for the order and an example. The
/// service that results is always ready: requests wait in the pool's queue.
#[derive(Clone, Debug)]
#[must_use]
pub struct Stack {
    accounting: RequestAccounting,
    tracking: RequestTracking,
    trusted_proxies: Vec<IpNet>,
    error_pages: ErrorPages,
    static_files: StaticFiles,
    sendfile: SendFile,
    trace_context: TraceContextLayer,
    inform: InformLayer,
    request_buffering: RequestBuffering,
    response_buffering: ResponseBuffering,
}

impl Stack {
    /// Trusts no proxy, shows no details on error pages, sends no files, and
    /// buffers bodies in a [`BufferSpace`] of its own.
    pub fn new() -> Self {
        let space = BufferSpace::new();
        Self {
            accounting: RequestAccounting::default(),
            tracking: RequestTracking::new().receives_first(),
            trusted_proxies: Vec::new(),
            error_pages: ErrorPages::new(),
            static_files: StaticFiles::none(),
            sendfile: SendFile::none(),
            trace_context: TraceContextLayer::off(),
            inform: InformLayer::new(),
            request_buffering: RequestBuffering::new(space.clone()),
            response_buffering: ResponseBuffering::new(space),
        }
    }

    /// Believes what these networks say about their clients in
    /// `X-Forwarded-*`. Default: nobody.
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies.extend(networks);
        self
    }

    /// Counts into these numbers, and tells who observes them. Default:
    /// [`RequestAccounting::new`].
    pub fn count_into(mut self, accounting: RequestAccounting) -> Self {
        self.accounting = accounting;
        self
    }

    /// How errors are shown. Default: [`ErrorPages::new`], fit for production.
    pub fn error_pages(mut self, pages: ErrorPages) -> Self {
        self.error_pages = pages;
        self
    }

    /// Which files are sent without asking the application. Default: none.
    pub fn static_files(mut self, files: StaticFiles) -> Self {
        self.static_files = files;
        self
    }

    /// Which files the application may have sent. Default: none.
    pub fn sendfile(mut self, files: SendFile) -> Self {
        self.sendfile = files;
        self
    }

    /// How the bodies of requests are buffered. Default: any size, everywhere.
    pub fn request_buffering(mut self, buffering: RequestBuffering) -> Self {
        self.request_buffering = buffering;
        self
    }

    /// How responses are read ahead of their clients. Default: as
    /// [`ResponseBuffering::new`].
    pub fn response_buffering(mut self, buffering: ResponseBuffering) -> Self {
        self.response_buffering = buffering;
        self
    }

    /// Which traces requests belong to. Default: [`TraceContextLayer::off`].
    pub fn trace_context(mut self, traces: TraceContextLayer) -> Self {
        self.trace_context = traces;
        self
    }

    /// How the application is told who asks. Default: [`InformLayer::new`], in the fields of
    /// each request.
    pub fn inform(mut self, inform: InformLayer) -> Self {
        self.inform = inform;
        self
    }

    /// The numbers of all requests that come to this stack.
    pub fn accounting(&self) -> &RequestAccounting {
        &self.accounting
    }

    /// The requests that are on their way to the application, or back, one by one.
    pub fn tracking(&self) -> &RequestTracking {
        &self.tracking
    }

    /// Puts the stack in front of `upstream`, with a cache.
    pub fn cached<U>(&self, cache: &TurboCache, upstream: U) -> Cached<U> {
        self.before(cache.layer(self.behind(upstream)))
    }

    /// Puts the stack in front of `upstream`, with a cache in which pages vary by
    /// `cookies`.
    #[cfg(feature = "cookie-variation")]
    pub fn varied<U>(
        &self,
        cookies: &CookieVariation,
        cache: &TurboCache,
        upstream: U,
    ) -> Varied<U> {
        let cookies = cookies.around(cache.clone());
        self.before(cookies.layer(self.behind(upstream)))
    }

    /// Puts the stack in front of `upstream`, without a cache.
    pub fn uncached<U>(&self, upstream: U) -> Uncached<U> {
        self.before(self.behind(upstream))
    }

    /// What every request meets.
    fn before<S>(&self, inner: S) -> RequestAccountingService<Believe<S>> {
        let believe = BelieveLayer::new(self.trusted_proxies.iter().copied());
        self.accounting.layer(believe.layer(inner))
    }

    /// What only those requests meet that go on to the application.
    fn behind<U>(&self, upstream: U) -> Behind<U> {
        let told = ReceivedLayer::new().layer(self.inform.layer(upstream));
        let buffered = self
            .response_buffering
            .layer(self.request_buffering.layer(told));
        let files = self.static_files.layer(self.sendfile.layer(buffered));
        let traced = self.trace_context.layer(self.error_pages.layer(files));
        OnHeap::new(self.tracking.layer(traced))
    }
}

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::Body;
use peregrine_core::CacheStatus;
use pin_project_lite::pin_project;
use tower::{BoxError, util::Oneshot};
use tower_service::Service;

use crate::{
    CacheBody,
    cache::Cache,
    fetch::{Fetch, Fetched, Miss},
    flight::{Broadcast, Followed, Follower, Leader, Led, Reader},
    policy::storable::NotStored,
};

pin_project! {
    /// The response of a [`TurboCacheService`](crate::TurboCacheService).
    ///
    /// If it is dropped, what it fetched goes on for those who wait for it, too;
    /// if there are none, it ends there.
    pub struct ResponseFuture<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        #[pin]
        state: State<S, ReqB, ResB>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        /// From memory.
        Answered { response: Option<Response<CacheBody<ResB>>> },
        /// By the inner service, untouched.
        Passing {
            #[pin]
            call: Oneshot<S, Request<ReqB>>,
            cache: Arc<Cache>,
            status: CacheStatus,
        },
        /// By the inner service, for this request alone; perhaps to be stored.
        Fetching {
            #[pin]
            call: Oneshot<S, Request<ReqB>>,
            fetch: Option<Fetch>,
        },
        /// By the inner service, for others, too.
        Leading {
            leader: Leader<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
            cache: Arc<Cache>,
            status: CacheStatus,
        },
        /// By what another one fetches.
        Following {
            follower: Follower<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
            // What it takes to go on alone.
            own: Option<(Oneshot<S, Request<ReqB>>, Miss)>,
        },
    }
}

impl<S, ReqB, ResB> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    pub(crate) const fn answered(response: Response<CacheBody<ResB>>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answered { response },
        }
    }

    pub(crate) const fn passing(
        call: Oneshot<S, Request<ReqB>>,
        cache: Arc<Cache>,
        status: CacheStatus,
    ) -> Self {
        Self {
            state: State::Passing {
                call,
                cache,
                status,
            },
        }
    }

    pub(crate) const fn fetching(call: Oneshot<S, Request<ReqB>>, fetch: Fetch) -> Self {
        Self {
            state: State::fetching(call, fetch),
        }
    }

    pub(crate) const fn leading(
        leader: Leader<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
        cache: Arc<Cache>,
        status: CacheStatus,
    ) -> Self {
        Self {
            state: State::Leading {
                leader,
                cache,
                status,
            },
        }
    }

    pub(crate) const fn following(
        follower: Follower<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
        call: Oneshot<S, Request<ReqB>>,
        miss: Miss,
    ) -> Self {
        let own = Some((call, miss));
        Self {
            state: State::Following { follower, own },
        }
    }
}

impl<S, ReqB, ResB> State<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    const fn fetching(call: Oneshot<S, Request<ReqB>>, fetch: Fetch) -> Self {
        let fetch = Some(fetch);
        Self::Fetching { call, fetch }
    }
}

impl<S, ReqB, ResB> Future for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Output = Result<Response<CacheBody<ResB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let response = match state.as_mut().project() {
                StateProj::Answered { response } => {
                    response.take().expect("polled after it was ready")
                }
                StateProj::Passing {
                    call,
                    cache,
                    status,
                } => {
                    let response = ready!(call.poll(cx))?;
                    cache.say(response.map(CacheBody::passed), *status)
                }
                StateProj::Fetching { call, fetch } => {
                    let result = ready!(call.poll(cx));
                    let fetch = fetch.take().expect("polled after it was ready");
                    let response = result.inspect_err(|_| fetch.failed())?;
                    let (cache, status) = (Arc::clone(fetch.cache()), fetch.status());
                    match fetch.judge(response) {
                        Fetched::Storable(candidate, parts, body) => {
                            let reader = Broadcast::new(*candidate, body).leader(None);
                            stored(&cache, status, parts, reader)
                        }
                        Fetched::Refused(response, reason) => {
                            refused(&cache, status, response, reason)
                        }
                    }
                }
                StateProj::Leading {
                    leader,
                    cache,
                    status,
                } => match ready!(leader.poll(cx))? {
                    Led::Shared(parts, reader) => stored(cache, *status, parts, reader),
                    Led::Refused(response, reason) => refused(cache, *status, response, reason),
                },
                StateProj::Following { follower, own } => {
                    let followed = ready!(follower.poll(cx));
                    let (call, miss) = own.take().expect("polled after it was ready");
                    let now = miss.cache.instant();
                    let response = match followed {
                        Followed::Alone => {
                            state.set(State::fetching(call, miss.fetch(now, None)));
                            continue;
                        }
                        Followed::Shared(broadcast, reader) => {
                            let head = &broadcast.candidate.head;
                            head.respond(CacheBody::shared(reader), now)
                        }
                        Followed::Stored(entry) => {
                            let body = CacheBody::stored(entry.body.clone());
                            entry.head.respond(body, now)
                        }
                    };
                    miss.cache.counters.collapsed.add_one();
                    miss.cache.say(response, miss.status().collapsed())
                }
            };
            return Poll::Ready(Ok(response));
        }
    }
}

fn stored<B>(
    cache: &Cache,
    status: CacheStatus,
    parts: response::Parts,
    reader: Reader<B>,
) -> Response<CacheBody<B>> {
    let response = Response::from_parts(parts, CacheBody::shared(reader));
    cache.say(response, status.stored())
}

fn refused<B>(
    cache: &Cache,
    status: CacheStatus,
    response: Response<B>,
    reason: NotStored,
) -> Response<CacheBody<B>> {
    let response = response.map(CacheBody::passed);
    cache.say(response, status.because(reason.as_str()))
}

impl<S, ReqB, ResB> fmt::Debug for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Answered { .. } => "answered",
            State::Passing { .. } => "passing",
            State::Fetching { .. } => "fetching",
            State::Leading { .. } => "leading",
            State::Following { .. } => "following",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish()
    }
}

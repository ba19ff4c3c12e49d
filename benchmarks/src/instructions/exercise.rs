use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use clap::ValueEnum;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE,
        DATE, ETAG, HOST, IF_NONE_MATCH, RANGE, USER_AGENT, VARY,
    },
};
use http_body::Body;
use http_body_util::{Empty, Full};
use peregrine_core::CacheStatus;
use peregrine_request_accounting::{RequestAccounting, tracking::RequestTracking};
use tower::{Layer, Service};
use turbocache::TurboCache;

use super::served::{by_hyper, by_peregrine};
use crate::{exchange::exchange, server::page};

/// What is done again and again under the eye of Callgrind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Exercise {
    /// No cache: the same head and bytes from a service that has them.
    Bare,
    /// The same, with the request counted: what accounting costs, on its own.
    BareAccounted,
    /// The same, with the request on the list of those that are served: what tracking
    /// costs, on its own.
    BareTracked,
    /// The bare service at the server's end of a connection, with a request that is read
    /// and an answer that is written.
    Served,
    /// The same at hyper's.
    ServedHyper,
    /// A stored page.
    Hit,
    /// A stored page, with the request counted: what accounting costs a hit.
    HitAccounted,
    /// A stored page, chosen by `Vary` among two.
    HitVary,
    /// A stored page that the client has already.
    HitNotModified,
    /// A part of a stored page.
    HitRange,
    /// A method that no cache answers.
    Pass,
    /// A page that may not be stored.
    Unstored,
}

impl Exercise {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is skipped");
        value.get_name().to_owned()
    }

    fn cache_control(self) -> &'static str {
        match self {
            Self::Unstored => "no-store",
            _ => "public, max-age=3600",
        }
    }

    /// What a browser would ask.
    fn request(self) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = "/forum/topics/1?page=2".parse().expect("a path");
        if self == Self::Pass {
            *request.method_mut() = Method::POST;
        }
        let mut fields = vec![
            (HOST, "forum.example"),
            (
                USER_AGENT,
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            ),
            (
                ACCEPT,
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            ),
            (ACCEPT_LANGUAGE, "en"),
            (ACCEPT_ENCODING, "gzip, deflate, br"),
        ];
        match self {
            Self::HitNotModified => fields.push((IF_NONE_MATCH, "\"1\"")),
            Self::HitRange => fields.push((RANGE, "bytes=0-99")),
            _ => {}
        }
        request.headers_mut().extend(fields_of(&fields));
        request
    }

    /// The head that the application gives its page.
    fn response(self) -> HeaderMap {
        let mut fields = vec![
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_LENGTH, "1024"),
            (ETAG, "\"1\""),
            (CACHE_CONTROL, self.cache_control()),
        ];
        if self == Self::HitVary {
            fields.push((VARY, "accept-language"));
        }
        let mut head: HeaderMap = fields_of(&fields).collect();
        let now = httpdate::fmt_http_date(SystemTime::now());
        head.insert(DATE, now.try_into().expect("a date is text"));
        head
    }

    /// Whether the cache is to answer by itself, and with which status.
    fn expected(self) -> (bool, StatusCode) {
        match self {
            Self::Bare
            | Self::BareAccounted
            | Self::BareTracked
            | Self::Served
            | Self::ServedHyper
            | Self::Pass
            | Self::Unstored => (false, StatusCode::OK),
            Self::Hit | Self::HitAccounted | Self::HitVary => (true, StatusCode::OK),
            Self::HitNotModified => (true, StatusCode::NOT_MODIFIED),
            Self::HitRange => (true, StatusCode::PARTIAL_CONTENT),
        }
    }

    /// Does it `count` times.
    pub(crate) fn run(self, count: u32) {
        let app = App {
            head: self.response(),
            page: page(1024),
        };
        let request = self.request();
        match self {
            Self::Bare => return repeat(app, &request, count),
            Self::BareAccounted => {
                return repeat(RequestAccounting::new().layer(app), &request, count);
            }
            Self::BareTracked => {
                return repeat(RequestTracking::new().layer(app), &request, count);
            }
            Self::Served => return by_peregrine(app, &request, count),
            Self::ServedHyper => return by_hyper(app, &request, count),
            _ => {}
        }
        let mut cache = TurboCache::conservative().layer(app);
        if self == Self::HitVary {
            let mut other = request.clone();
            other
                .headers_mut()
                .insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de"));
            exchange(&mut cache, other);
        }
        // The page as such, which then is stored or not.
        let mut whole = request.clone();
        whole.headers_mut().remove(IF_NONE_MATCH);
        whole.headers_mut().remove(RANGE);
        exchange(&mut cache, whole);
        let head = exchange(&mut cache, request.clone());
        let status: &CacheStatus = head.extensions.get().expect("a cache says what it does");
        assert_eq!(
            (status.is_hit(), head.status),
            self.expected(),
            "{self:?}: {status}"
        );
        if self == Self::HitAccounted {
            return repeat(RequestAccounting::new().layer(cache), &request, count);
        }
        repeat(cache, &request, count);
    }
}

fn fields_of(
    fields: &[(HeaderName, &'static str)],
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let fields = fields.iter().cloned();
    fields.map(|(name, value)| (name, HeaderValue::from_static(value)))
}

fn repeat<S, B>(mut service: S, request: &Request<Empty<Bytes>>, count: u32)
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    B: Body,
{
    for _ in 0..count {
        black_box(exchange(&mut service, request.clone()));
    }
}

/// An application that has its page in memory.
#[derive(Clone)]
pub(super) struct App {
    head: HeaderMap,
    page: Bytes,
}

impl<B> Service<Request<B>> for App {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::new(self.page.clone()));
        // One after the other, as an application does. A clone has no room for one more, and
        // what it takes to make some depends on what else is allocated.
        let fields = self.head.iter();
        let fields = fields.map(|(name, value)| (name.clone(), value.clone()));
        response.headers_mut().extend(fields);
        ready(Ok(response))
    }
}

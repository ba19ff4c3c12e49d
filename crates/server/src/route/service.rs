use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use http::{Request, Response};
use http_body_util::{self as body, Full};
use tower::{Service, util::Oneshot};

use super::{host, page::page, table::Table};
use crate::{front, refused::Refusals};

/// Hands each request to the application that it is for.
///
/// A clone is for one client, as every service that the front has. It takes a
/// clone of an application at the client's first request for that, and keeps it.
pub(crate) struct Router<S> {
    shared: Arc<Shared<S>>,
    /// With their numbers. Nearly every client uses one.
    used: Vec<(usize, S)>,
}

struct Shared<S> {
    table: Table,
    applications: Vec<S>,
    refusals: Refusals,
}

impl<S> Router<S> {
    /// To `applications`, as `table` numbers them. `refusals` is told of what is
    /// none's.
    pub(crate) fn new(table: Table, applications: Vec<S>, refusals: Refusals) -> Self {
        Self {
            shared: Arc::new(Shared {
                table,
                applications,
                refusals,
            }),
            used: Vec::new(),
        }
    }
}

impl<S: Clone> Router<S> {
    fn application(&mut self, number: usize) -> &mut S {
        let at = self.used.iter().position(|(used, _)| *used == number);
        let at = at.unwrap_or_else(|| {
            let application = self.shared.applications[number].clone();
            self.used.push((number, application));
            self.used.len() - 1
        });
        &mut self.used[at].1
    }
}

/// An application's answer, or a page of our own.
type Answer<B> = Response<body::Either<B, Full<Bytes>>>;

impl<S, ReqB, B> Service<Request<ReqB>> for Router<S>
where
    S: Service<Request<ReqB>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Answer<B>;
    type Error = Infallible;
    type Future = Either<
        MapOk<Either<S::Future, Oneshot<S, Request<ReqB>>>, fn(Response<B>) -> Answer<B>>,
        Ready<Result<Answer<B>, Infallible>>,
    >;

    /// Always: which application has to be ready, the request will say.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let found = {
            let host = host::of(&request);
            let found = self.shared.table.find(host, request.uri().path());
            if let Err(why) = found {
                tracing::debug!(host, path = request.uri().path(), ?why, "no application's");
            }
            found
        };
        match found {
            Ok(number) => {
                let answer = front::call(self.application(number), request);
                let from_application: fn(_) -> _ =
                    |response: Response<B>| response.map(body::Either::Left);
                Either::Left(answer.map_ok(from_application))
            }
            Err(why) => {
                let page = page(why);
                let refusals = &self.shared.refusals;
                refusals.refuse(why.into(), (&request).into(), page.body().len());
                let page = page.map(|text| body::Either::Right(Full::from(text)));
                Either::Right(ready(Ok(page)))
            }
        }
    }
}

impl<S> Clone for Router<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            // Another client's.
            used: Vec::new(),
        }
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("table", &self.shared.table)
            .finish_non_exhaustive()
    }
}

use std::task::{Context, Poll};

use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use http::{Request, Response};
use http_body_util as body;
use tower::Service;

/// One service of two kinds: what stands in front of one application is not of
/// the same type as what stands in front of another one.
#[derive(Clone, Debug)]
pub(crate) enum OneOf<A, B> {
    First(A),
    Second(B),
}

type Answer<A, B> = Response<body::Either<A, B>>;

impl<A, B, R, AB, BB> Service<Request<R>> for OneOf<A, B>
where
    A: Service<Request<R>, Response = Response<AB>>,
    B: Service<Request<R>, Response = Response<BB>, Error = A::Error>,
{
    type Response = Answer<AB, BB>;
    type Error = A::Error;
    type Future = Either<
        MapOk<A::Future, fn(Response<AB>) -> Answer<AB, BB>>,
        MapOk<B::Future, fn(Response<BB>) -> Answer<AB, BB>>,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        match self {
            Self::First(first) => first.poll_ready(cx),
            Self::Second(second) => second.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        match self {
            Self::First(first) => {
                Either::Left(first.call(request).map_ok(|it| it.map(body::Either::Left)))
            }
            Self::Second(second) => Either::Right(
                second
                    .call(request)
                    .map_ok(|it| it.map(body::Either::Right)),
            ),
        }
    }
}

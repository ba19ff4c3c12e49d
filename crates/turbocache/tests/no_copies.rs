//! A stored body is given to everyone as it is: the same bytes at the same
//! place, however long it is. It is copied once, when it is stored, because the
//! pieces that it comes in may keep much larger read buffers in memory.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, header::CACHE_CONTROL};
use http_body_util::{BodyExt, Empty, Full};
use peregrine_core::CacheStatus;
use tower::{Layer, Service, ServiceExt, service_fn};
use turbocache::TurboCache;

const SIZES: [usize; 2] = [64 * 1024, 1024 * 1024];

#[tokio::test]
async fn every_hit_has_the_bytes_of_the_one_before() {
    for size in SIZES {
        let page = Bytes::from(vec![b'x'; size]);
        let app = service_fn(move |_: Request<Empty<Bytes>>| {
            let mut response = Response::new(Full::new(page.clone()));
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, "max-age=60".parse().unwrap());
            async { Ok::<_, Infallible>(response) }
        });
        let mut service = TurboCache::conservative().layer(app);

        let mut stored = None;
        for hit in [false, true, true, true] {
            let request = Request::get("/").header("host", "forum.example");
            let request = request.body(Empty::new()).unwrap();
            let response = service.ready().await.unwrap().call(request).await.unwrap();
            let status = response.extensions().get::<CacheStatus>().unwrap();
            assert_eq!(status.is_hit(), hit, "{size}: {status}");

            let mut body = response.into_body();
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first.len(), size, "it comes in one piece");
            assert!(body.frame().await.is_none());
            if hit {
                let stored = stored.get_or_insert(first.clone());
                assert_eq!(first.as_ptr(), stored.as_ptr(), "{size} bytes were copied");
            }
        }
    }
}

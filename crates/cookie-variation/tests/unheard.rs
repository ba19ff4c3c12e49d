//! An application may end a session and be cut off before it says so. What nobody
//! has heard is taken for the worst.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use futures_util::future::{BoxFuture, FutureExt, pending};
use http::{Method, Request, Response};
use peregrine_cookie_variation::CookieVariation;
use peregrine_core::Variant;
use tower::{BoxError, Layer, Service, layer::util::Identity, service_fn};

type Answer = BoxFuture<'static, Result<Response<()>, BoxError>>;

/// The layer, in front of an application that answers as it is told.
struct Scene {
    layered: Box<dyn FnMut(Request<()>) -> Answer>,
    /// What the application does next.
    next: Arc<Mutex<Option<Answer>>>,
    /// What the layer has told of the latest request.
    told: Arc<Mutex<Option<Variant>>>,
}

impl Scene {
    /// With a session that is known.
    fn new() -> Self {
        let next = Arc::<Mutex<Option<Answer>>>::default();
        let told = Arc::<Mutex<Option<Variant>>>::default();
        let (answers, tells) = (Arc::clone(&next), Arc::clone(&told));
        let app = service_fn(move |request: Request<()>| {
            *tells.lock().unwrap() = request.extensions().get().cloned();
            answers.lock().unwrap().take().unwrap()
        });
        let mut layered = CookieVariation::asserted(["session"])
            .around(Identity::new())
            .layer(app);
        let mut scene = Self {
            layered: Box::new(move |request| layered.call(request).boxed()),
            next,
            told,
        };
        scene
            .ask(Method::GET, staff())
            .now_or_never()
            .unwrap()
            .unwrap();
        assert!(scene.is_known());
        scene
    }

    fn ask(&mut self, method: Method, answer: Answer) -> Answer {
        *self.next.lock().unwrap() = Some(answer);
        let request = Request::builder()
            .method(method)
            .header("host", "forum.example");
        (self.layered)(request.header("cookie", "session=1").body(()).unwrap())
    }

    /// Whether the session may read anything.
    fn is_known(&mut self) -> bool {
        self.ask(Method::GET, staff())
            .now_or_never()
            .unwrap()
            .unwrap();
        matches!(*self.told.lock().unwrap(), Some(Variant::Expected(_)))
    }
}

fn staff() -> Answer {
    let response = Response::builder().header("!~rendered-for", "staff");
    ready(Ok(response.body(()).unwrap())).boxed()
}

#[test]
fn a_session_whose_client_left_before_the_answer_is_unknown() {
    for (method, believed) in [(Method::GET, true), (Method::POST, false)] {
        let mut scene = Scene::new();
        let mut logout = scene.ask(method.clone(), pending().boxed());
        assert!(
            logout
                .poll_unpin(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        drop(logout);
        assert!(!scene.is_known(), "{method}");
        // It was said again. But the application may be about to end the session.
        assert_eq!(scene.is_known(), believed, "{method}");
    }
}

#[test]
fn a_session_of_which_an_answer_failed_is_unknown_if_it_may_have_changed() {
    for (method, kept) in [
        (Method::GET, true),
        (Method::POST, false),
        (Method::DELETE, false),
    ] {
        let mut scene = Scene::new();
        let broken = ready(Err("the connection broke".into())).boxed();
        assert!(
            scene
                .ask(method.clone(), broken)
                .now_or_never()
                .unwrap()
                .is_err()
        );
        assert_eq!(scene.is_known(), kept, "{method}");
    }
}

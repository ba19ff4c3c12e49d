//! What another thread may do in between, done by hand at the worst moment.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::Context,
};

use http_body::Frame;

use super::*;

#[test]
fn a_response_stored_between_the_look_up_and_the_table_is_a_hit() {
    let mut scene = Scene::new();
    let mut leader = Reading::new(scene.through(get("/"), fresh("page")));
    *scene.in_clone.lock().unwrap() = Some(Box::new(move |_| {
        assert_eq!(leader.next(), chunk("page"));
    }));
    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(text(answer), "page");
}

#[test]
fn who_comes_while_the_body_is_polled_is_woken_though_the_wake_came_before() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let hook = Hook::default();
    let body = HookedBody(Arc::clone(&hook)).boxed_unsync();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE, ("content-length", "4")], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    let follower = Arc::new(Mutex::new(Reading::new(ready(&mut asking[1]))));
    let meanwhile = Arc::clone(&follower);
    *hook.lock().unwrap() = Some(Box::new(move |waker| {
        waker.wake_by_ref();
        assert_eq!(meanwhile.lock().unwrap().next(), Piece::Pending);
    }));
    assert_eq!(leader.next(), Piece::Pending);
    assert!(follower.lock().unwrap().is_woken());
}

/// A body with nothing in it but what happens while it is polled.
struct HookedBody(Hook);

impl Body for HookedBody {
    type Data = Bytes;
    type Error = tower::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        run(&self.0, cx.waker());
        Poll::Pending
    }
}

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::Either;
use http::Response;
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Layer, Service};

use crate::{CollapsedRequest, TurboCache, test_support::*};

const MINUTE: (&str, &str) = ("cache-control", "max-age=60");
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

fn asking(scene: &mut Scene, requests: usize) -> Vec<Asking> {
    (0..requests)
        .map(|_| {
            let mut asking = scene.ask(get("/"));
            assert!(asking.poll().is_pending());
            asking
        })
        .collect()
}

fn only_one_was_sent(scene: &mut Scene) -> impl FnOnce(Response<AppBody>) + use<> {
    let (_, respond) = scene.app_asked().expect("one was sent");
    assert!(scene.app_asked().is_none(), "only one was sent");
    |response| respond.send_response(response)
}

/// Nobody is in flight any more, and nothing is left of it.
fn is_over(scene: &Scene) {
    assert_eq!(scene.flights(), 0);
    assert_eq!(scene.live(), 0);
}

#[test]
fn concurrent_misses_reach_the_inner_service_once() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 100);
    only_one_was_sent(&mut scene)(fresh("page"));
    for (at, asking) in asking.iter_mut().enumerate() {
        assert!(asking.is_woken());
        let answer = ready(asking);
        let expected = match at {
            0 => "fwd=uri-miss; stored; ttl=60",
            _ => "fwd=uri-miss; collapsed",
        };
        assert_eq!(status(&answer), expected);
        assert_eq!(text(answer), "page");
    }
    let stats = scene.handle.stats();
    assert_eq!((stats.misses, stats.collapsed, stats.stored), (1, 99, 1));
    is_over(&scene);
}

#[test]
fn a_follower_has_its_age() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    scene.clock.forward(3);
    only_one_was_sent(&mut scene)(page(&[MINUTE, ("age", "10")], "page"));
    assert_eq!(ready(&mut asking[0]).headers()["age"], "10", "as it came");
    assert_eq!(
        ready(&mut asking[1]).headers()["age"],
        "13",
        "by RFC 9111 §4.2.3"
    );
}

/// Where each request is that is shown as collapsed: its age, whether it is
/// answered, and how much of that it has.
fn collapsed(scene: &Scene) -> Vec<(u64, bool, u64)> {
    let requests = scene.handle.collapsed_requests().into_iter();
    let look = |it: CollapsedRequest| (it.age().as_secs(), it.is_answered(), it.sent());
    requests.map(look).collect()
}

#[test]
fn followers_are_shown_until_they_have_all_of_it() {
    let mut scene = Scene::new();
    let mut first = asking(&mut scene, 2);
    scene.clock.forward(2);
    let mut later = scene.ask(get_with("/?token=secret", &[]));
    assert!(later.poll().is_pending());
    assert_eq!(collapsed(&scene), [(2, false, 0)], "for another page");
    drop(later);
    let mut later = asking(&mut scene, 1);
    scene.clock.forward(1);
    assert_eq!(collapsed(&scene), [(3, false, 0), (1, false, 0)]);
    let shown = scene.handle.collapsed_requests();
    assert_eq!((shown[0].method().as_str(), shown[0].path()), ("GET", "/"));
    assert_eq!(shown[0].host(), Some(&b"forum.example"[..]));

    let (mut sender, body) = scene.streamed();
    let (_, respond) = scene.app_asked().expect("one was sent");
    respond.send_response(streaming(&[MINUTE, ("content-length", "6")], body));
    let mut leader = Reading::new(ready(&mut first[0]));
    let mut follower = Reading::new(ready(&mut first[1]));
    assert_eq!(collapsed(&scene), [(3, true, 0), (1, false, 0)]);
    send(&mut sender, "ab");
    assert_eq!(follower.next(), chunk("ab"));
    drop(later.remove(0));
    assert_eq!(collapsed(&scene), [(3, true, 2)]);
    assert_eq!(leader.next(), chunk("ab"));
    send(&mut sender, "cdef");
    drop(sender);
    assert_eq!(follower.next(), chunk("cdef"));
    assert_eq!(follower.next(), Piece::End);
    assert_eq!(collapsed(&scene), []);
}

#[test]
fn a_follower_that_goes_alone_after_all_is_shown_no_more() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    assert_eq!(collapsed(&scene).len(), 1);
    only_one_was_sent(&mut scene)(page(&[NO_STORE], "mine"));
    assert_eq!(text(ready(&mut asking[0])), "mine");
    assert!(asking[1].poll().is_pending());
    assert_eq!(collapsed(&scene), [], "it is with the application");
}

#[test]
fn a_follower_whose_page_is_complete_at_once_is_over() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 3);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    assert!(asking[1].poll().is_pending(), "its length is not known");
    assert_eq!(collapsed(&scene), [(0, false, 0), (0, false, 0)]);
    send(&mut sender, "page");
    drop(sender);
    assert_eq!(leader.next(), chunk("page"));
    assert_eq!(leader.next(), Piece::End);
    let answer = ready(&mut asking[1]);
    assert_eq!(collapsed(&scene).len(), 1, "the other one");
    assert_eq!(text(answer), "page");
}

#[test]
fn followers_stream_before_the_body_has_ended_each_at_its_own_pace() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE, ("content-length", "6")], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    let mut follower = Reading::new(ready(&mut asking[1]));
    assert_eq!(follower.body().size_hint().exact(), Some(6));
    assert_eq!(leader.next(), Piece::Pending);
    assert_eq!(follower.next(), Piece::Pending);

    send(&mut sender, "ab");
    assert!(leader.is_woken() && follower.is_woken());
    assert_eq!(follower.next(), chunk("ab"));
    send(&mut sender, "cd");
    assert_eq!(follower.next(), chunk("cd"));
    assert_eq!(follower.body().size_hint().exact(), Some(2));

    // One who comes later reads all of it, too.
    let mut late = scene.ask(get("/"));
    let mut late = Reading::new(ready(&mut late));
    assert_eq!(late.next(), chunk("ab"));

    send(&mut sender, "ef");
    drop(sender);
    for (reader, rest) in [
        (&mut leader, &["ab", "cd", "ef"][..]),
        (&mut follower, &["ef"][..]),
        (&mut late, &["cd", "ef"][..]),
    ] {
        for piece in rest {
            assert!(!reader.body().is_end_stream());
            assert_eq!(reader.next(), chunk(piece));
        }
        assert!(reader.body().is_end_stream());
        assert_eq!(reader.next(), Piece::End);
        assert_eq!(reader.next(), Piece::End);
    }
    is_over(&scene);
    assert_eq!(text(scene.answer(get("/"))), "abcdef");
}

#[test]
fn it_is_stored_only_when_it_is_complete() {
    let mut scene = Scene::new();
    let (mut sender, body) = scene.streamed();
    let mut reader = Reading::new(scene.through(get("/"), streaming(&[MINUTE], body)));
    send(&mut sender, "pa");
    assert_eq!(reader.next(), chunk("pa"));
    assert_eq!(scene.handle.stats().stored, 0);
    send(&mut sender, "ge");
    assert_eq!(reader.next(), chunk("ge"));
    assert_eq!(scene.handle.stats().stored, 0);
    drop(sender);
    assert_eq!(reader.next(), Piece::End);
    assert_eq!(scene.handle.stats().stored, 1);
    is_over(&scene);
    assert_eq!(text(scene.answer(get("/"))), "page");
}

/// The inner service may have begun a page for the one who left.
#[test]
fn when_the_leader_leaves_one_of_the_others_asks_for_all_of_them() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 4);
    drop(asking.remove(0));
    is_over(&scene);
    let (_, left) = scene.app_asked().unwrap();
    left.send_response(fresh("nobody's"));
    for asking in &mut asking {
        assert!(asking.is_woken());
        assert!(asking.poll().is_pending());
    }
    only_one_was_sent(&mut scene)(fresh("page"));
    for asking in &mut asking {
        assert_eq!(text(ready(asking)), "page");
    }
    assert_eq!(scene.handle.stats().stored, 1);
    is_over(&scene);
}

fn finishing() -> Scene {
    Scene::with(TurboCache::conservative().finish_abandoned(true))
}

#[tokio::test]
async fn what_a_leader_has_left_may_be_finished_for_those_who_wait() {
    let mut scene = finishing();
    let mut asking = asking(&mut scene, 3);
    drop(asking.remove(0));
    assert_eq!(scene.live(), 1);
    only_one_was_sent(&mut scene)(fresh("page"));
    run_background().await;
    for asking in &mut asking {
        assert!(asking.is_woken());
        assert_eq!(text(ready(asking)), "page");
    }
    assert_eq!(scene.handle.stats().stored, 1);
    is_over(&scene);
}

/// It may never come to its end, and as long as somebody waits for it, it is not dropped.
#[tokio::test]
async fn nobody_else_waits_for_what_a_leader_has_left() {
    let mut scene = finishing();
    let mut early = asking(&mut scene, 2);
    let (_, respond) = scene.app_asked().unwrap();
    drop(early.remove(0));
    run_background().await;
    let mut late = asking(&mut scene, 2);
    only_one_was_sent(&mut scene)(fresh("late"));
    for late in &mut late {
        assert_eq!(text(ready(late)), "late");
    }
    respond.send_response(fresh("early"));
    run_background().await;
    assert_eq!(text(ready(&mut early[0])), "early");
    is_over(&scene);
}

#[tokio::test]
async fn what_a_leader_has_left_and_nobody_waits_for_any_more_is_dropped() {
    let mut scene = finishing();
    let mut asking = asking(&mut scene, 3);
    drop(asking.remove(0));
    for _ in 0..2 {
        run_background().await;
        assert_eq!(scene.live(), 1);
        drop(asking.remove(0));
    }
    run_background().await;
    is_over(&scene);
}

#[tokio::test]
async fn what_a_leader_has_left_is_nobodys_if_it_is_not_to_be_shared() {
    let mut scene = finishing();
    let mut asking = asking(&mut scene, 2);
    drop(asking.remove(0));
    only_one_was_sent(&mut scene)(page(&[NO_STORE], "the leader's"));
    run_background().await;
    assert!(asking[0].is_woken());
    assert!(asking[0].poll().is_pending());
    only_one_was_sent(&mut scene)(page(&[NO_STORE], "mine"));
    assert_eq!(text(ready(&mut asking[0])), "mine");
    is_over(&scene);
}

#[test]
fn a_runtime_that_ends_after_the_leader_has_left_holds_nobody_up() {
    let mut scene = finishing();
    let mut asking = asking(&mut scene, 2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let in_runtime = runtime.enter();
    drop(asking.remove(0));
    drop(in_runtime);
    assert!(asking[0].poll().is_pending());
    drop(runtime);
    assert!(asking[0].is_woken());
    scene.app_asked().unwrap();
    assert!(asking[0].poll().is_pending());
    only_one_was_sent(&mut scene)(fresh("page"));
    assert_eq!(text(ready(&mut asking[0])), "page");
    is_over(&scene);
}

#[test]
fn a_leader_that_leaves_amid_the_body_harms_nobody() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE, ("content-length", "4")], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    let mut follower = Reading::new(ready(&mut asking[1]));
    send(&mut sender, "pa");
    assert_eq!(leader.next(), chunk("pa"));
    drop(leader);
    send(&mut sender, "ge");
    assert_eq!(follower.next(), chunk("pa"));
    assert_eq!(follower.next(), chunk("ge"));
    assert!(follower.body().is_end_stream());
    assert_eq!(text(scene.answer(get("/"))), "page");
}

/// The inner service may go by what is said of the task in which it is polled.
#[test]
fn a_call_is_polled_by_nobody_but_its_leader() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    only_one_was_sent(&mut scene)(fresh("page"));
    assert!(asking[0].is_woken());
    assert!(!asking[1].is_woken(), "there is nothing for it to see yet");
    assert!(asking[1].poll().is_pending());
    assert_eq!(text(ready(&mut asking[0])), "page");
    assert!(asking[1].is_woken());
    assert_eq!(text(ready(&mut asking[1])), "page");
    is_over(&scene);
}

#[test]
fn one_who_has_called_and_does_not_poll_yet_holds_nobody_up() {
    let mut scene = Scene::new();
    let mut first = scene.ask(get("/"));
    let second = scene.through(get("/"), fresh("page"));
    assert_eq!(text(second), "page");
    assert_eq!(text(ready(&mut first)), "page");
    assert!(scene.app_asked().is_none());
    is_over(&scene);
}

#[test]
fn a_leader_that_does_not_read_holds_nobody_up() {
    for fields in [&[MINUTE, ("content-length", "4")][..], &[MINUTE][..]] {
        let mut scene = Scene::new();
        let mut asking = asking(&mut scene, 2);
        let (mut sender, body) = scene.streamed();
        only_one_was_sent(&mut scene)(streaming(fields, body));
        let leader = ready(&mut asking[0]);
        send(&mut sender, "pa");
        send(&mut sender, "ge");
        drop(sender);
        assert_eq!(text(ready(&mut asking[1])), "page");
        // And misses nothing when it does at last.
        assert_eq!(text(leader), "page");
    }
}

#[test]
fn followers_of_a_body_of_unknown_length_wait_for_it_and_drive_it() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    send(&mut sender, "pa");
    assert_eq!(leader.next(), chunk("pa"), "the leader need not wait");
    assert!(asking[1].poll().is_pending());
    send(&mut sender, "ge");
    assert!(asking[1].is_woken());
    drop(sender);
    let answer = ready(&mut asking[1]);
    assert_eq!(status(&answer), "fwd=uri-miss; collapsed");
    assert_eq!(answer.body().size_hint().exact(), Some(4), "it is complete");
    assert_eq!(text(answer), "page");
    assert_eq!(leader.next(), chunk("ge"));
    assert_eq!(leader.next(), Piece::End);
}

#[test]
fn a_waiting_follower_finishes_what_a_leader_has_left() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let leader = ready(&mut asking[0]);
    assert!(asking[1].poll().is_pending());
    drop(leader);
    send(&mut sender, "page");
    drop(sender);
    assert!(asking[1].is_woken());
    assert_eq!(text(ready(&mut asking[1])), "page");
    assert_eq!(text(scene.answer(get("/"))), "page");
}

#[test]
fn a_response_not_to_be_shared_sends_the_followers_on_by_themselves_at_once() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 4);
    only_one_was_sent(&mut scene)(page(&[NO_STORE], "for the leader"));
    let answer = ready(&mut asking[0]);
    assert_eq!(status(&answer), "fwd=uri-miss; detail=no-store");
    for follower in &mut asking[1..] {
        assert!(follower.is_woken());
        assert!(follower.poll().is_pending());
    }
    // All three are out before any is answered, and the leader has not even read
    // its own.
    for own in ["1", "2", "3"] {
        let (_, respond) = scene.app_asked().expect("each sends its own");
        respond.send_response(page(&[NO_STORE], own));
    }
    for (follower, own) in asking[1..].iter_mut().zip(["1", "2", "3"]) {
        let answer = ready(follower);
        assert_eq!(status(&answer), "fwd=uri-miss; detail=no-store");
        assert_eq!(text(answer), own);
    }
    assert_eq!(text(answer), "for the leader");
    is_over(&scene);
    assert_eq!(scene.handle.stats().misses, 4);
}

#[test]
fn a_follower_goes_on_with_its_own_request() {
    let mut scene = Scene::new();
    let mut leader = scene.ask(get_with("/", &[("cookie", "me")]));
    assert!(leader.poll().is_pending());
    let mut follower = scene.ask(get_with("/", &[("cookie", "you")]));
    assert!(follower.poll().is_pending());
    let (asked, respond) = scene.app_asked().unwrap();
    assert_eq!(asked.headers()["cookie"], "me");
    respond.send_response(page(&[NO_STORE], "mine"));
    assert_eq!(text(ready(&mut leader)), "mine");
    assert!(follower.poll().is_pending());
    let (asked, respond) = scene.app_asked().unwrap();
    assert_eq!(asked.headers()["cookie"], "you");
    respond.send_response(page(&[NO_STORE], "yours"));
    assert_eq!(text(ready(&mut follower)), "yours");
}

#[test]
fn a_key_whose_response_was_not_to_be_shared_does_not_serialise_again() {
    let mut scene = Scene::new();
    text(scene.through(get("/"), page(&[NO_STORE], "mine")));
    let mut all = asking(&mut scene, 3);
    let mut responds = Vec::new();
    while let Some((_, respond)) = scene.app_asked() {
        responds.push(respond);
    }
    assert_eq!(responds.len(), 3, "each sends its own");
    for respond in responds {
        respond.send_response(page(&[NO_STORE], "own"));
    }
    for asking in &mut all {
        assert_eq!(text(ready(asking)), "own");
    }

    // It is forgotten after a while.
    scene.clock.forward(10);
    let _all = asking(&mut scene, 3);
    only_one_was_sent(&mut scene)(fresh("page"));
}

#[test]
fn nor_does_one_whose_response_nobody_has_read_to_its_end() {
    let mut scene = Scene::new();
    let mut first = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    let each_validates = [
        ("cache-control", "no-cache, max-age=60"),
        ("etag", "\"a\""),
        ("content-length", "8"),
    ];
    only_one_was_sent(&mut scene)(streaming(&each_validates, body));
    let mut leader = Reading::new(ready(&mut first[0]));
    send(&mut sender, "half");
    assert_eq!(leader.next(), chunk("half"));
    assert!(first[1].poll().is_pending());
    scene.app_asked().expect("it goes on by itself");
    drop((leader, first));
    for _ in asking(&mut scene, 3) {
        scene.app_asked().expect("each sends its own");
    }
}

#[test]
fn a_key_not_to_be_shared_may_still_be_stored_and_is_shared_from_then_on() {
    let mut scene = Scene::new();
    text(scene.through(get("/"), page(&[NO_STORE], "mine")));
    let answer = scene.through(get("/"), page(&[("cache-control", "max-age=5")], "ours"));
    assert_eq!(status(&answer), "fwd=uri-miss; stored; ttl=5");
    text(answer);
    assert_eq!(text(scene.answer(get("/"))), "ours");
    scene.clock.forward(5);
    let _all = asking(&mut scene, 3);
    only_one_was_sent(&mut scene)(fresh("page"));
}

#[test]
fn the_answer_to_preconditions_says_nothing_of_the_key() {
    let mut scene = Scene::new();
    let ask = || get_with("/", &[("if-none-match", "\"a\"")]);
    let mut not_modified = page(&[MINUTE], "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    text(scene.through(ask(), not_modified));
    let _all = asking(&mut scene, 3);
    only_one_was_sent(&mut scene)(fresh("page"));
}

#[test]
fn a_request_with_preconditions_follows_but_does_not_lead() {
    let mut scene = Scene::new();
    let ask = || get_with("/", &[("if-none-match", "\"a\"")]);
    let mut conditional = scene.ask(ask());
    assert!(conditional.poll().is_pending());
    let (_, for_conditional) = scene.app_asked().unwrap();
    let mut leader = scene.ask(get("/"));
    assert!(leader.poll().is_pending());
    let mut follower = scene.ask(ask());
    assert!(follower.poll().is_pending());
    only_one_was_sent(&mut scene)(fresh("page"));

    assert_eq!(text(ready(&mut leader)), "page");
    assert_eq!(status(&ready(&mut follower)), "fwd=uri-miss; collapsed");
    for_conditional.send_response(fresh("page"));
    assert_eq!(
        status(&ready(&mut conditional)),
        "fwd=uri-miss; stored; ttl=60"
    );
}

#[test]
fn who_wants_nothing_stored_and_who_asks_for_the_head_take_no_part() {
    let mut scene = Scene::new();
    let mut leader = scene.ask(get("/"));
    assert!(leader.poll().is_pending());
    let (_, _for_leader) = scene.app_asked().unwrap();
    for ask in [
        get_with("/", &[("cache-control", "no-store")]),
        request("HEAD", "/", &[]),
    ] {
        text(scene.through(ask, fresh("own")));
    }
}

#[test]
fn an_error_is_the_leaders_and_the_followers_try_for_themselves() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    scene.app_asked().unwrap().1.send_error("down");
    let Poll::Ready(Err(error)) = asking[0].poll() else {
        panic!("there was an error")
    };
    assert_eq!(error.to_string(), "down");
    assert!(asking[1].poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("page"));
    assert_eq!(text(ready(&mut asking[1])), "page");
}

#[test]
fn a_body_that_breaks_is_an_error_for_all_who_read_it_and_is_not_stored() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE, ("content-length", "4")], body));
    let mut readers: Vec<_> = asking
        .iter_mut()
        .map(|asking| Reading::new(ready(asking)))
        .collect();
    send(&mut sender, "pa");
    assert_eq!(readers[0].next(), chunk("pa"));
    assert_eq!(readers[0].next(), Piece::Pending);
    sender.abort("cut".into());
    for (reader, pieces) in readers.iter_mut().zip([&[][..], &["pa"][..]]) {
        for piece in pieces {
            assert_eq!(reader.next(), chunk(piece));
        }
        assert!(!reader.body().is_end_stream());
        assert_eq!(
            reader.next(),
            Piece::Error("the response body failed".to_owned())
        );
        assert_eq!(reader.next(), Piece::End);
    }
    is_over(&scene);
    assert_eq!(scene.handle.stats().stored, 0);
    text(scene.through(get("/"), fresh("page")));
}

#[test]
fn the_error_of_a_shared_body_names_its_source() {
    let mut scene = Scene::new();
    let (sender, body) = scene.streamed();
    let answer = scene.through(get("/"), streaming(&[MINUTE], body));
    sender.abort("cut".into());
    let Poll::Ready(Err(error)) = Task::new(answer.into_body().collect()).poll() else {
        panic!("it broke")
    };
    assert_eq!(error.source().unwrap().to_string(), "cut");
}

#[test]
fn a_body_that_ends_early_or_late_is_an_error_and_is_not_stored() {
    for (sent, message) in [
        ("pag", "the response body ended before its declared length"),
        ("pages", "the response body is longer than declared"),
    ] {
        let mut scene = Scene::new();
        let (mut sender, body) = scene.streamed();
        let response = streaming(&[MINUTE, ("content-length", "4")], body);
        let mut reader = Reading::new(scene.through(get("/"), response));
        send(&mut sender, sent);
        drop(sender);
        let error = loop {
            match reader.next() {
                Piece::Chunk(_) => assert!(!reader.body().is_end_stream()),
                other => break other,
            }
        };
        assert_eq!(error, Piece::Error(message.to_owned()));
        assert_eq!(scene.handle.stats().stored, 0);
    }
}

/// A body that has ended, but knows nothing of how long it is.
#[test]
fn a_body_that_is_over_before_it_began_is_an_error_if_there_was_to_be_one() {
    let mut scene = Scene::new();
    let body = EndsAtOnce.boxed_unsync();
    let response = streaming(&[MINUTE, ("content-length", "4")], body);
    let mut reader = Reading::new(scene.through(get("/"), response));
    assert!(!reader.body().is_end_stream());
    let message = "the response body ended before its declared length";
    assert_eq!(reader.next(), Piece::Error(message.to_owned()));
    assert_eq!(scene.handle.stats().stored, 0);
}

struct EndsAtOnce;

impl Body for EndsAtOnce {
    type Data = Bytes;
    type Error = tower::BoxError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

#[test]
fn waiting_followers_of_a_body_that_breaks_try_for_themselves() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    assert!(asking[1].poll().is_pending());
    sender.abort("cut".into());
    assert!(asking[1].poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("page"));
    assert_eq!(text(ready(&mut asking[1])), "page");
    assert_eq!(
        leader.next(),
        Piece::Error("the response body failed".to_owned())
    );
}

#[test]
fn a_body_too_long_to_be_kept_is_the_leaders_and_the_followers_go_on() {
    let mut scene = Scene::with(TurboCache::conservative().max_entry_bytes(4));
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    send(&mut sender, "ab");
    assert_eq!(leader.next(), chunk("ab"));
    assert!(asking[1].poll().is_pending());
    send(&mut sender, "cde");
    send(&mut sender, "fg");
    assert!(asking[1].poll().is_pending(), "it has seen the overflow");
    let (_, respond) = scene.app_asked().expect("it goes on by itself");
    assert_eq!(scene.flights(), 0, "nobody can join any more");

    assert!(!leader.body().is_end_stream());
    assert_eq!(leader.next(), chunk("cde"));
    assert_eq!(leader.next(), chunk("fg"));
    assert_eq!(leader.next(), Piece::Pending);
    send(&mut sender, "hi");
    assert!(leader.is_woken());
    assert_eq!(leader.next(), chunk("hi"));
    drop(sender);
    assert_eq!(leader.next(), Piece::End);

    respond.send_response(fresh("1234"));
    assert_eq!(text(ready(&mut asking[1])), "1234");
    assert_eq!(scene.handle.stats().stored, 1);
}

#[test]
fn what_waits_in_memory_is_bounded_though_the_leader_reads_nothing() {
    let mut scene = Scene::with(TurboCache::conservative().max_entry_bytes(4));
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let _leader = ready(&mut asking[0]);
    for _ in 0..16 {
        send(&mut sender, "ab");
    }
    assert!(asking[1].poll().is_pending());
    assert!(scene.app_asked().is_some());
    let left = 16 - (sender.capacity());
    assert_eq!(
        left, 13,
        "three chunks were taken: the third was one too many"
    );
}

#[test]
fn trailers_reach_who_reads_and_keep_the_response_from_being_stored() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (mut sender, body) = scene.streamed();
    only_one_was_sent(&mut scene)(streaming(&[MINUTE], body));
    let mut leader = Reading::new(ready(&mut asking[0]));
    send(&mut sender, "page");
    let trailers = http_body::Frame::trailers(http::HeaderMap::new());
    sender.try_send(trailers).unwrap();
    assert_eq!(leader.next(), chunk("page"));
    assert_eq!(leader.next(), Piece::Trailers);
    assert_eq!(leader.next(), Piece::End);
    assert!(asking[1].poll().is_pending());
    assert!(
        scene.app_asked().is_some(),
        "the follower goes on by itself"
    );
    assert_eq!(scene.handle.stats().stored, 0);
}

#[test]
fn trailers_do_not_make_a_short_body_complete() {
    let mut scene = Scene::new();
    let (mut sender, body) = scene.streamed();
    let response = streaming(&[MINUTE, ("content-length", "4")], body);
    let mut reader = Reading::new(scene.through(get("/"), response));
    send(&mut sender, "pag");
    let trailers = http_body::Frame::trailers(http::HeaderMap::new());
    sender.try_send(trailers).unwrap();
    assert_eq!(reader.next(), chunk("pag"));
    assert!(matches!(reader.next(), Piece::Error(_)));
}

#[test]
fn when_everybody_has_left_nothing_remains() {
    let mut scene = Scene::new();
    let waiting = asking(&mut scene, 3);
    assert_eq!((scene.flights(), scene.live()), (1, 1));
    drop(waiting);
    is_over(&scene);
    assert!(scene.app_asked().is_some());

    for fields in [&[MINUTE, ("content-length", "4")][..], &[MINUTE][..]] {
        let mut asking = asking(&mut scene, 2);
        let (_sender, body) = scene.streamed();
        only_one_was_sent(&mut scene)(streaming(fields, body));
        let leader = Reading::new(ready(&mut asking[0]));
        let follower = asking[1].poll();
        assert_eq!(scene.flights(), 1);
        drop(follower);
        drop(asking);
        drop(leader);
        is_over(&scene);
    }
}

#[test]
fn who_has_its_response_keeps_no_flight() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (_sender, body) = scene.streamed();
    let fields = [MINUTE, ("content-length", "4")];
    only_one_was_sent(&mut scene)(streaming(&fields, body));
    drop(ready(&mut asking[0]));
    drop(ready(&mut asking[1]));
    is_over(&scene);
}

#[test]
fn who_left_a_flight_does_not_take_its_successor_along() {
    let mut scene = Scene::new();
    let mut first = asking(&mut scene, 1);
    only_one_was_sent(&mut scene)(page(&[("cache-control", "max-age=5")], "old"));
    let mut held = Reading::new(ready(&mut first[0]));
    drop(first);
    assert_eq!(held.next(), chunk("old"));
    assert_eq!(
        scene.flights(),
        0,
        "it is complete, though it is still held"
    );
    scene.clock.forward(5);
    let mut second = asking(&mut scene, 1);
    assert_eq!(scene.flights(), 1);
    drop(held);
    assert_eq!(scene.flights(), 1);
    let mut third = asking(&mut scene, 1);
    only_one_was_sent(&mut scene)(fresh("new"));
    assert_eq!(text(ready(&mut second[0])), "new");
    assert_eq!(text(ready(&mut third[0])), "new");
}

#[test]
fn a_flight_whose_response_has_become_stale_is_not_joined() {
    let mut scene = Scene::new();
    let mut first = asking(&mut scene, 1);
    let (_sender, body) = scene.streamed();
    let fields = [("cache-control", "max-age=5"), ("content-length", "4")];
    only_one_was_sent(&mut scene)(streaming(&fields, body));
    let _slow = ready(&mut first[0]);
    scene.clock.forward(5);
    let mut late = asking(&mut scene, 1);
    scene
        .app_asked()
        .expect("it goes by itself")
        .1
        .send_response(fresh("new"));
    assert_eq!(text(ready(&mut late[0])), "new");
}

/// It may never come to its end.
#[test]
fn what_takes_long_is_not_joined_any_more() {
    for length in [None, Some(("content-length", "4"))] {
        let mut scene = Scene::new();
        let mut call = asking(&mut scene, 2);
        let (_, respond) = scene.app_asked().unwrap();
        scene.clock.forward(9);
        call.extend(asking(&mut scene, 1));
        assert!(scene.app_asked().is_none());
        scene.clock.forward(1);
        let mut body = asking(&mut scene, 2);
        let (sender, hangs) = scene.streamed();
        let fields: Vec<_> = [MINUTE].into_iter().chain(length).collect();
        only_one_was_sent(&mut scene)(streaming(&fields, hangs));
        let _reader = ready(&mut body[0]);

        scene.clock.forward(10);
        let mut late = asking(&mut scene, 2);
        only_one_was_sent(&mut scene)(fresh("late"));
        for late in &mut late {
            assert_eq!(text(ready(late)), "late");
        }
        respond.send_response(fresh("early"));
        for call in &mut call {
            assert_eq!(text(ready(call)), "early");
        }
        drop(sender);
    }
}

#[test]
fn a_panic_of_the_inner_service_is_the_leaders() {
    let mut scene = Scene::new();
    let mut asking = asking(&mut scene, 2);
    let (_, respond) = scene.app_asked().unwrap();
    let panics = PanickingBody.boxed_unsync();
    respond.send_response(streaming(&[MINUTE], panics));
    let leader = std::panic::AssertUnwindSafe(|| asking[0].poll());
    let panic = std::panic::catch_unwind(leader).expect_err("it is handed on");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"asked for its length"));

    assert!(asking[1].is_woken(), "and goes on");
    assert!(asking[1].poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("page"));
    assert_eq!(text(ready(&mut asking[1])), "page");
    is_over(&scene);
}

#[test]
fn after_a_panic_nobody_waits_for_anybody() {
    let mut scene = Scene::new();
    *scene.in_call.lock().unwrap() = Some(Box::new(|_| panic!("as it happens")));
    let mut leader = scene.ask(get("/"));
    let polled = std::panic::AssertUnwindSafe(|| leader.poll());
    std::panic::catch_unwind(polled).expect_err("it is handed on");
    while scene.app_asked().is_some() {}
    let asking = asking(&mut scene, 3);
    for _ in asking {
        scene.app_asked().expect("each sends its own");
    }
}

/// A call that is answered when it is polled again, and panics when it is dropped.
struct Mined(bool);

impl Future for Mined {
    type Output = Result<Response<AppBody>, tower::BoxError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(Ok(fresh("page")))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Mined {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn a_call_that_panics_when_it_is_dropped_holds_nobody_up() {
    let calls = Arc::<AtomicUsize>::default();
    let app = tower::service_fn(move |_: Ask| match calls.fetch_add(1, SeqCst) {
        0 => Either::Left(Mined(false)),
        _ => Either::Right(std::future::ready(Ok(fresh("page")))),
    });
    let mut cached = TurboCache::conservative().layer(app);
    let mut leader = Task::new(cached.call(get("/")));
    assert!(leader.poll().is_pending());
    let mut follower = Task::new(cached.call(get("/")));
    assert!(follower.poll().is_pending());
    let polled = std::panic::AssertUnwindSafe(|| leader.poll().is_ready());
    assert!(std::panic::catch_unwind(polled).is_err());
    drop(leader);
    assert!(follower.poll().is_ready());
}

/// A body that panics when it is asked how long it is.
struct PanickingBody;

impl Body for PanickingBody {
    type Data = Bytes;
    type Error = tower::BoxError;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        panic!("polled")
    }

    fn size_hint(&self) -> http_body::SizeHint {
        panic!("asked for its length")
    }
}

mod model;
mod races;
mod threads;

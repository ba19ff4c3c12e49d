use std::sync::Arc;

use http_body_util::Empty;

use super::*;
use crate::{key::query::QueryRules, policy::request::Pass, test_support::MovedClock};

/// An admission, and a time that is moved.
struct Scene {
    admission: Admission,
    clock: Arc<MovedClock>,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(MovedClock::new());
        Self {
            admission: Admission::new(Clocks::Given(clock.clone())),
            clock,
        }
    }

    fn forward(&self, seconds: u64) {
        self.clock.forward(seconds);
    }

    fn ask(&self, path: &str) -> Result<Route, Aside> {
        let request = Request::get(path);
        let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
        let aside = self.admission.ask(&request, false);
        aside.map_or_else(|| Ok(self.admission.route(&request)), Err)
    }

    fn through(&self, path: &str) -> Route {
        self.ask(path)
            .unwrap_or_else(|_| panic!("{path} is left alone"))
    }

    fn aside(&self, path: &str) -> Aside {
        self.ask(path).expect_err(path)
    }

    fn watched(&self, path: &str) -> Watched {
        match self.aside(path) {
            Aside::Watched(watched) => *watched,
            Aside::Known => panic!("{path} is known"),
        }
    }

    /// As many fetches that bring nothing.
    fn useless(&self, fetches: u8, path: &str) {
        for _ in 0..fetches {
            let route = self.through(path);
            self.admission.not_stored(route, &key(path));
        }
    }

    fn stored(&self, path: &str) {
        let route = self.through(path);
        self.admission.stored(route, &key(path));
    }
}

fn key(path: &str) -> Key {
    let uri = format!("http://a{path}").parse().unwrap();
    Key::of_uri(&uri, &QueryRules::All).unwrap()
}

#[test]
fn a_route_of_which_nothing_can_be_stored_is_left_alone_for_a_while() {
    let scene = Scene::new();
    scene.forward(1);
    scene.useless(RUN - 1, "/api/1");
    scene.through("/api/1");
    scene.useless(1, "/api/1");
    scene.aside("/api/2");
    scene.forward(9);
    scene.aside("/api/3");
    scene.forward(1);
    scene.through("/api/3");
}

#[test]
fn other_routes_are_not() {
    let scene = Scene::new();
    scene.useless(RUN, "/api/1");
    scene.through("/articles/1");
    scene.through("/");
    scene.through("/api");
}

#[test]
fn one_stored_response_in_between_is_enough_to_go_on() {
    let scene = Scene::new();
    for _ in 0..3 {
        scene.useless(RUN - 1, "/t/1");
        scene.stored("/t/page");
    }
    scene.through("/t/1");
}

#[test]
fn after_a_while_a_few_fetches_tell() {
    let scene = Scene::new();
    scene.useless(RUN, "/api/1");
    scene.forward(10);
    scene.useless(PROBES, "/api/1");
    scene.aside("/api/1");

    scene.forward(10);
    scene.useless(PROBES - 1, "/api/1");
    scene.stored("/api/1");
    scene.useless(RUN - 1, "/api/2");
    scene.through("/api/2");
}

#[test]
fn the_first_response_that_could_be_stored_ends_it() {
    let scene = Scene::new();
    scene.useless(RUN, "/t/1");
    scene.admission.passed(scene.watched("/t/2"), false);
    scene.aside("/t/2");
    scene.admission.passed(scene.watched("/t/3"), true);
    for path in ["/t/1", "/t/2", "/t/3"] {
        scene.through(path);
    }
    scene.useless(RUN - 1, "/t/1");
    scene.through("/t/1");
}

#[test]
fn what_passes_is_looked_at_until_it_tells_something_and_again_in_the_next_second() {
    let scene = Scene::new();
    scene.useless(RUN, "/t/1");
    let known = |path| matches!(scene.aside(path), Aside::Known);
    scene.admission.passed(scene.watched("/t/2"), false);
    assert!(known("/t/2") && known("/t/2"));
    assert!(
        !known("/t/3"),
        "what one path gives tells nothing of others"
    );

    scene.forward(1);
    let first = scene.watched("/t/2");
    // It has not told anything yet.
    let second = scene.watched("/t/2");
    scene.admission.passed(first, false);
    assert!(matches!(scene.aside("/t/2"), Aside::Known));
    scene.admission.passed(second, true);
    scene.through("/t/2");
}

#[test]
fn what_one_with_a_cookie_gets_tells_nothing_of_those_without() {
    let scene = Scene::new();
    scene.useless(RUN, "/t/1");
    let request = Request::get("/t/2").body(Empty::<bytes::Bytes>::new());
    let request = request.unwrap();
    let ask = |cookie| scene.admission.ask(&request, cookie).unwrap();
    let told = |cookie| match ask(cookie) {
        Aside::Watched(watched) => scene.admission.passed(*watched, false),
        Aside::Known => panic!("it is known"),
    };
    told(true);
    assert!(matches!(ask(true), Aside::Known));
    told(false);
    assert!(
        [false, true]
            .map(ask)
            .iter()
            .all(|aside| matches!(aside, Aside::Known))
    );
}

#[test]
fn what_is_known_of_a_path_ends_with_what_is_known_of_its_route() {
    let scene = Scene::new();
    let late = scene.through("/t/page");
    scene.useless(RUN, "/t/1");
    scene.forward(9);
    scene.admission.passed(scene.watched("/t/2"), false);
    scene.forward(1);
    scene.through("/t/2");

    scene.useless(PROBES, "/t/1");
    scene.admission.passed(scene.watched("/t/2"), false);
    scene.aside("/t/2");
    scene.admission.stored(late, &key("/t/page"));
    scene.through("/t/2");
}

#[test]
fn whatever_was_stored_is_looked_up_for_ever() {
    let scene = Scene::new();
    scene.stored("/t/page?by=one");
    scene.useless(RUN, "/t/1");
    for _ in 0..3 {
        // One path in 260,000 counts as the page, which one is random.
        assert!((2..9).any(|number| scene.ask(&format!("/t/{number}")).is_err()));
        scene.through("/t/page?by=one");
        scene.through("/t/page?by=another");
        scene.forward(1_000_000);
        scene.useless(PROBES, "/t/1");
    }
}

#[test]
fn of_a_stampede_on_an_unknown_page_one_passes() {
    let scene = Scene::new();
    scene.useless(RUN, "/t/1");
    let first = scene.watched("/t/new");
    for _ in 0..100 {
        scene.through("/t/new");
    }
    scene.admission.passed(first, true);
    scene.through("/t/new");
}

#[test]
fn a_passing_request_that_vanishes_is_forgotten() {
    let scene = Scene::new();
    scene.useless(RUN, "/t/1");
    scene.aside("/t/new");
    scene.through("/t/new");
    scene.forward(10);
    scene.useless(PROBES, "/t/1");
    scene.aside("/t/new");
}

#[test]
fn however_many_paths_pass_those_with_something_stored_do_not() {
    let scene = Scene::new();
    scene.stored("/t/page");
    scene.useless(RUN, "/t/1");
    for number in 0..4 * PATHS {
        if let Err(Aside::Watched(watched)) = scene.ask(&format!("/t/{number}")) {
            scene.admission.passed(*watched, false);
        }
    }
    scene.through("/t/page");
}

#[test]
fn what_was_under_way_when_it_began_does_not_end_it() {
    let scene = Scene::new();
    let late = scene.through("/t/1");
    scene.useless(RUN, "/t/1");
    scene.admission.not_stored(late, &key("/t/1"));
    scene.aside("/t/2");
}

#[test]
fn the_reason_is_a_word_that_cache_status_takes() {
    assert!(crate::policy::list::is_token(
        Pass::SteppedAside.as_str().as_bytes()
    ));
}

#[test]
fn threads_that_count_at_once_leave_the_route_alone_in_the_end() {
    let scene = Scene::new();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..10 * u32::from(RUN) {
                    if let Ok(route) = scene.ask("/api/1") {
                        scene.admission.not_stored(route, &key("/api/1"));
                    }
                }
            });
        }
    });
    assert!(scene.ask("/api/2").is_err());
}

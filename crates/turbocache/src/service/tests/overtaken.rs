//! What is invalidated while it is asked about, or at the moment when it is stored.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use http::StatusCode;

use super::*;
use crate::{
    Scope,
    key::Key,
    store::{Change, Entry, LookUp, MemoryStore, Purge, Size, Storage, Variants},
};

const TAG: (&str, &str) = ("etag", "\"a\"");
const IF_ERROR: (&str, &str) = ("cache-control", "max-age=60, stale-if-error=600");
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

fn with_status(status: u16, fields: &[(&str, &str)], text: &'static str) -> Response<AppBody> {
    let mut response = page(fields, text);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// A page that is stored, and stale; two who ask for it, of whom one waits for the other.
fn two_ask(fields: &[(&str, &str)]) -> (Scene, Asking, Asking) {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(fields, "purged"));
    scene.clock.forward(65);
    let mut leader = scene.ask(get("/"));
    assert!(leader.poll().is_pending());
    let mut follower = scene.ask(get("/"));
    assert!(follower.poll().is_pending());
    (scene, leader, follower)
}

fn respond(scene: &mut Scene, response: Response<AppBody>) {
    scene.app_asked().unwrap().1.send_response(response);
}

#[test]
fn it_stands_in_for_no_error_of_one_who_waited_and_goes_alone() {
    let (mut scene, mut leader, mut follower) = two_ask(&[IF_ERROR, TAG]);
    assert_eq!(scene.handle.purge(&Scope::everything()), 1);
    respond(&mut scene, with_status(503, &[], "down"));
    assert_eq!(text(ready(&mut leader)), "down");
    assert!(follower.poll().is_pending());
    respond(&mut scene, with_status(503, &[], "down"));
    assert_eq!(text(ready(&mut follower)), "down");
}

#[test]
fn it_is_not_brought_back_by_one_who_waited_and_goes_alone() {
    let (mut scene, mut leader, mut follower) = two_ask(&[MINUTE, TAG]);
    assert_eq!(scene.handle.purge(&Scope::everything()), 1);
    respond(&mut scene, page(&[NO_STORE], "the leader's"));
    assert_eq!(text(ready(&mut leader)), "the leader's");
    assert!(follower.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert!(!request.headers().contains_key("if-none-match"));
    respond.send_response(page(&[MINUTE, TAG], "anew"));
    assert_eq!(text(ready(&mut follower)), "anew");
    assert_eq!(text(scene.answer(get("/"))), "anew");
}

#[test]
fn what_is_purged_softly_is_asked_about_all_the_same() {
    let (mut scene, mut leader, mut follower) = two_ask(&[MINUTE, TAG]);
    assert_eq!(scene.handle.purge_softly(&Scope::everything()), 1);
    respond(&mut scene, page(&[NO_STORE], "the leader's"));
    assert_eq!(text(ready(&mut leader)), "the leader's");
    assert!(follower.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["if-none-match"], TAG.1);
    respond.send_response(with_status(304, &[MINUTE, TAG], ""));
    assert_eq!(text(ready(&mut follower)), "purged");
    assert_eq!(text(scene.answer(get("/"))), "purged", "it is still good");
}

#[test]
fn nor_is_it_if_it_was_purged_right_after_it_was_looked_up() {
    for (answer, expected) in [
        (with_status(503, &[], "down"), "down"),
        (with_status(304, &[MINUTE, TAG], ""), ""),
    ] {
        let mut scene = Scene::new();
        store(&mut scene, "/", page(&[IF_ERROR, TAG], "purged"));
        scene.clock.forward(65);
        let handle = scene.handle.clone();
        *scene.in_clone.lock().unwrap() = Some(Box::new(move |_| {
            assert_eq!(handle.purge(&Scope::everything()), 1);
        }));
        assert_eq!(text(scene.through(get("/"), answer)), expected);
        assert_eq!(scene.handle.stats().entries, 0);
    }
}

/// What is stored was tagged with what is purged, whatever the answer is tagged with.
#[test]
fn nor_is_it_by_an_answer_with_another_tag() {
    for method in ["HEAD", "GET"] {
        let mut scene = Scene::new();
        let fields = [MINUTE, ("etag", "\"a\""), ("cache-tag", "topic-7")];
        store(&mut scene, "/", page(&fields, "old"));
        scene.clock.forward(65);
        let mut asking = scene.ask(request(method, "/", &[]));
        assert!(asking.poll().is_pending());
        let (_, respond) = scene.app_asked().unwrap();
        assert_eq!(scene.handle.purge(&Scope::tag("topic-7")), 1);
        let fields = [MINUTE, ("etag", "\"a\""), ("cache-tag", "list")];
        let mut answer = page(&fields, "");
        if method == "GET" {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            answer
                .headers_mut()
                .insert("content-length", "3".parse().unwrap());
        }
        respond.send_response(answer);
        text(ready(&mut asking));
        assert_eq!(scene.handle.stats().entries, 0, "{method}");
    }
}

/// And of parts, which are put together.
#[test]
fn nor_by_a_part_with_another_tag() {
    let mut scene = Scene::with(TurboCache::standard());
    let part = |range, tag, text| {
        let fields = [
            MINUTE,
            ("etag", "\"a\""),
            ("cache-tag", tag),
            ("content-range", range),
        ];
        let mut part = page(&fields, text);
        *part.status_mut() = StatusCode::PARTIAL_CONTENT;
        part
    };
    let ranged = get_with("/", &[("range", "bytes=0-2")]);
    text(scene.through(ranged, part("bytes 0-2/6", "topic-7", "old")));
    assert_eq!(scene.handle.stats().entries, 1);
    let mut asking = scene.ask(get_with("/", &[("range", "bytes=0-5")]));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    assert_eq!(scene.handle.purge(&Scope::tag("topic-7")), 1);
    respond.send_response(part("bytes 3-5/6", "list", "new"));
    text(ready(&mut asking));
    let answer = scene.ask(get_with("/", &[("range", "bytes=0-2")])).poll();
    assert!(answer.is_pending(), "the first part comes back");
}

/// Anyone may send them, in the time that a slow page takes.
#[test]
fn however_many_forms_there_are_for_one_page_others_are_stored() {
    let mut scene = Scene::new();
    store(&mut scene, "/login", fresh("page"));
    let mut slow = scene.ask(get("/slow"));
    assert!(slow.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    for _ in 0..2000 {
        scene.through(request("POST", "/login", &[]), with_status(303, &[], ""));
    }
    respond.send_response(fresh("slow"));
    assert_eq!(text(ready(&mut slow)), "slow");
    assert_eq!(text(scene.answer(get("/slow"))), "slow");
}

/// A store in which something happens right before a purge removes anything.
#[derive(Debug)]
struct Slow {
    memory: MemoryStore,
    before_purge: mpsc::Sender<mpsc::Sender<()>>,
}

impl Storage for Slow {
    fn look_up(&self, key: &Key) -> LookUp {
        self.memory.look_up(key)
    }

    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change) {
        self.memory.change(key, change);
    }

    fn purge(&self, scope: &Scope, how: Purge) -> u64 {
        let (go_on, wait) = mpsc::channel();
        self.before_purge.send(go_on).unwrap();
        wait.recv().unwrap();
        self.memory.purge(scope, how)
    }

    fn find(&self, scope: &Scope) -> Vec<Arc<Entry>> {
        self.memory.find(scope)
    }

    fn size(&self) -> Size {
        self.memory.size()
    }
}

#[test]
fn nor_is_it_if_it_was_found_while_it_was_purged() {
    let (before_purge, purging) = mpsc::channel();
    let mut scene = Scene::over(Slow {
        memory: MemoryStore::new(1 << 20, 64),
        before_purge,
    });
    store(&mut scene, "/", page(&[MINUTE, TAG], "purged"));
    scene.clock.forward(65);
    let handle = scene.handle.clone();
    let purge = thread::spawn(move || handle.purge(&Scope::everything()));
    let go_on = purging.recv().unwrap();

    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    go_on.send(()).unwrap();
    assert_eq!(purge.join().unwrap(), 1);
    respond(&mut scene, with_status(304, &[MINUTE, TAG], ""));
    text(ready(&mut asking));
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn what_is_being_purged_is_not_put_together_with_a_part_that_has_another_tag() {
    let (before_purge, purging) = mpsc::channel();
    let slow = Slow {
        memory: MemoryStore::new(1 << 20, 64),
        before_purge,
    };
    let mut scene = Scene::with_store(TurboCache::standard(), slow);
    let part = |range, tag, text| {
        let fields = [MINUTE, TAG, ("content-range", range), ("cache-tag", tag)];
        with_status(206, &fields, text)
    };
    let mut set_out = |range| {
        let mut asking = scene.ask(get_with("/", &[("range", range)]));
        assert!(asking.poll().is_pending());
        (asking, scene.app_asked().unwrap().1)
    };
    let (mut first, one) = set_out("bytes=0-2");
    let (mut second, other) = set_out("bytes=3-5");
    one.send_response(part("bytes 0-2/6", "topic-7", "old"));
    assert_eq!(text(ready(&mut first)), "old");
    assert_eq!(scene.handle.stats().entries, 1);

    let handle = scene.handle.clone();
    let purge = thread::spawn(move || handle.purge(&Scope::tag("topic-7")));
    let go_on = purging.recv().unwrap();
    other.send_response(part("bytes 3-5/6", "list", "new"));
    assert_eq!(text(ready(&mut second)), "new");
    go_on.send(()).unwrap();
    assert_eq!(purge.join().unwrap(), 1);
    let mut asking = scene.ask(get_with("/", &[("range", "bytes=0-2")]));
    assert!(asking.poll().is_pending());
}

/// A store of which something is invalidated by another thread, just when it is
/// settled that something is stored, and before it is.
#[derive(Debug)]
struct Overtaken {
    memory: MemoryStore,
    invalidate: Mutex<mpsc::Receiver<Invalidation>>,
}

type Invalidation = Box<dyn FnOnce() + Send>;

impl Storage for Overtaken {
    fn look_up(&self, key: &Key) -> LookUp {
        self.memory.look_up(key)
    }

    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change) {
        let over = Arc::<AtomicBool>::default();
        self.memory.change(key, &mut |variants| {
            let changed = change(variants);
            if let Ok(invalidate) = self.invalidate.lock().unwrap().try_recv() {
                let over = Arc::clone(&over);
                thread::spawn(move || {
                    invalidate();
                    over.store(true, SeqCst);
                });
            }
            // Every opportunity for it to be over too early. If it is slow, the test
            // does not fail for that.
            for _ in 0..100 {
                if !over.load(SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            changed
        });
        if over.load(SeqCst) {
            assert_eq!(self.memory.size().entries, 0, "it is found for a moment");
        }
    }

    fn purge(&self, scope: &Scope, how: Purge) -> u64 {
        self.memory.purge(scope, how)
    }

    fn find(&self, scope: &Scope) -> Vec<Arc<Entry>> {
        self.memory.find(scope)
    }

    fn size(&self) -> Size {
        self.memory.size()
    }
}

#[test]
fn what_is_invalidated_at_the_moment_when_it_is_stored_is_never_found() {
    let url = Scope::url(&"http://forum.example/".parse().unwrap());
    for (scope, left) in [
        (url, 0),
        (Scope::tag("late"), 0),
        (Scope::everything(), 0),
        (Scope::tag("other"), 1),
    ] {
        let (invalidations, invalidate) = mpsc::channel::<Invalidation>();
        let mut scene = Scene::over(Overtaken {
            memory: MemoryStore::new(1 << 20, 64),
            invalidate: Mutex::new(invalidate),
        });
        let (over, is_over) = mpsc::channel();
        let (handle, late) = (scene.handle.clone(), scope.clone());
        let invalidation = Box::new(move || over.send(handle.purge(&late)).unwrap());
        invalidations.send(invalidation).unwrap();
        let answer = page(&[MINUTE, ("cache-tag", "late")], "page");
        assert_eq!(text(scene.through(get("/"), answer)), "page");
        assert_eq!(is_over.recv().unwrap() + left, 1, "{scope:?}");
        assert_eq!(scene.handle.stats().entries, left, "{scope:?}");
    }
}

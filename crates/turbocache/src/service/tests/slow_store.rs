//! A store that takes its time and may fail, as one behind the memory would.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::*;
use crate::{
    key::Key,
    store::{
        Change, Entry, LookUp, MemoryStore, Purge, Scope, Size, Storage, StorageError, Variants,
    },
};

/// What is found, held back until the test lets it go.
type Held = oneshot::Sender<Result<(), StorageError>>;

#[derive(Debug)]
struct SlowStore {
    memory: MemoryStore,
    held: Arc<Mutex<Vec<Held>>>,
}

impl Storage for SlowStore {
    fn look_up(&self, key: &Key) -> LookUp {
        let LookUp::Ready(found) = self.memory.look_up(key) else {
            unreachable!()
        };
        let (sender, let_go) = oneshot::channel();
        self.held.lock().unwrap().push(sender);
        LookUp::Later(Box::pin(async move {
            let_go.await??;
            Ok(found)
        }))
    }

    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change) {
        self.memory.change(key, change);
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

fn slow() -> (Scene, Arc<Mutex<Vec<Held>>>) {
    let held = Arc::<Mutex<Vec<Held>>>::default();
    let store = SlowStore {
        memory: MemoryStore::new(1 << 20, 64),
        held: Arc::clone(&held),
    };
    (Scene::over(store), held)
}

fn release(held: &Mutex<Vec<Held>>, found: &dyn Fn() -> Result<(), StorageError>) {
    for held in held.lock().unwrap().drain(..) {
        // Nobody may wait for it any more.
        let _ = held.send(found());
    }
}

/// Has a page stored.
fn fill(scene: &mut Scene, held: &Mutex<Vec<Held>>) {
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    assert!(scene.app_asked().is_none(), "it is still looked up");
    release(held, &|| Ok(()));
    assert!(asking.is_woken());
    assert!(asking.poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("page"));
    assert_eq!(text(ready(&mut asking)), "page");
}

#[test]
fn a_look_up_that_takes_time_comes_to_a_hit() {
    let (mut scene, held) = slow();
    fill(&mut scene, &held);
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    scene.clock.forward(10);
    release(&held, &|| Ok(()));
    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "hit; ttl=50", "as old as it is by then");
    assert_eq!(text(answer), "page");
}

#[test]
fn a_look_up_that_fails_is_a_miss() {
    let (mut scene, held) = slow();
    fill(&mut scene, &held);
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    release(&held, &|| Err("the disk is gone".into()));
    assert!(asking.poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("new"));
    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "fwd=uri-miss; stored; ttl=60");
    assert_eq!(text(answer), "new");
}

#[test]
fn misses_of_a_slow_store_are_collapsed() {
    let (mut scene, held) = slow();
    let mut asking: Vec<_> = (0..10).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    release(&held, &|| Ok(()));
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none());
    respond.send_response(fresh("page"));
    for asking in &mut asking {
        assert_eq!(text(ready(asking)), "page");
    }
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

#[test]
fn who_leaves_during_a_look_up_leaves_nothing_behind() {
    let (mut scene, held) = slow();
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    drop(asking);
    release(&held, &|| Ok(()));
    assert!(scene.app_asked().is_none());
    assert_eq!((scene.flights(), scene.live()), (0, 0));
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

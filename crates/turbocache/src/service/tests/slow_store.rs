//! A store that takes its time and may fail, as one behind the memory would.

use std::sync::Mutex;

use tokio::sync::oneshot;

use super::*;
use crate::{
    TurboCacheHandle,
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

/// A store in which something happens right after each change.
#[derive(Debug)]
struct HookedStore {
    memory: MemoryStore,
    handle: Arc<Mutex<Option<TurboCacheHandle>>>,
}

impl Storage for HookedStore {
    fn look_up(&self, key: &Key) -> LookUp {
        self.memory.look_up(key)
    }

    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change) {
        self.memory.change(key, change);
        let handle = self.handle.lock().unwrap().take();
        if let Some(handle) = handle {
            // It writes into the journal, and then finds nothing: as an
            // invalidation of another thread that has looked before we stored.
            handle.purge(&Scope::tag("late"));
        }
    }

    fn purge(&self, _: &Scope, _: Purge) -> u64 {
        0
    }

    fn find(&self, scope: &Scope) -> Vec<Arc<Entry>> {
        self.memory.find(scope)
    }

    fn size(&self) -> Size {
        self.memory.size()
    }
}

#[test]
fn what_is_invalidated_at_the_moment_when_it_is_stored_does_not_stay() {
    for (tag, left) in [("late", 0), ("other", 1)] {
        let handle = Arc::<Mutex<Option<TurboCacheHandle>>>::default();
        let mut scene = Scene::over(HookedStore {
            memory: MemoryStore::new(1 << 20, 64),
            handle: Arc::clone(&handle),
        });
        *handle.lock().unwrap() = Some(scene.handle.clone());
        let answer = scene.through(get("/"), page(&[MINUTE, ("cache-tag", tag)], "page"));
        assert_eq!(text(answer), "page");
        assert_eq!(scene.handle.stats().entries, left, "{tag}");
    }
}

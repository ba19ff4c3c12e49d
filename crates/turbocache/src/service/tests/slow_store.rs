//! A store that takes its time and may fail, as one behind the memory would.

use std::sync::Mutex;

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

#[tokio::test]
async fn what_a_slow_store_has_is_validated_in_the_background() {
    let (mut scene, held) = slow();
    let fields = [("cache-control", "max-age=60, stale-while-revalidate=600")];
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    release(&held, &|| Ok(()));
    assert!(asking.poll().is_pending());
    scene
        .app_asked()
        .unwrap()
        .1
        .send_response(page(&fields, "old"));
    assert_eq!(text(ready(&mut asking)), "old");

    scene.clock.forward(61);
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    release(&held, &|| Ok(()));
    assert_eq!(text(ready(&mut asking)), "old");
    run_background().await;
    assert!(scene.app_asked().is_some());
}

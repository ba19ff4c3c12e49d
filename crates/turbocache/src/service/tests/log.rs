//! Who listens to the log may ask the cache for something, as any middleware does.

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use tracing::{Event, Metadata, Subscriber, span};

use super::*;
use crate::TurboCacheService;

/// Asks for a page at each event, and leaves; but not while it does so.
struct Asks(Mutex<Option<TurboCacheService<App>>>, Arc<Mutex<u32>>);

impl Subscriber for Asks {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        let service = self.0.lock().unwrap().take();
        if let Some(mut service) = service {
            assert!(Task::new(service.call(get("/log"))).poll().is_pending());
            *self.0.lock().unwrap() = Some(service);
            *self.1.lock().unwrap() += 1;
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// One of each kind, more or less.
fn exchanges(scene: &mut Scene) {
    let revalidate = ("cache-control", "max-age=5, stale-while-revalidate=600");
    let answers = [
        fresh("page"),
        page(&[revalidate, ("etag", "\"a\"")], "page"),
        page(&[("cache-control", "no-store")], "page"),
    ];
    for (path, answer) in ["/fresh", "/stale", "/never"].into_iter().zip(answers) {
        let mut asking = scene.ask(get(path));
        assert!(asking.poll().is_pending());
        let respond = loop {
            let (asked, respond) = scene.app_asked().unwrap();
            if asked.uri().path() == path {
                break respond;
            }
        };
        respond.send_response(answer);
        text(ready(&mut asking));
    }
    scene.clock.forward(10);
    text(ready(&mut scene.ask(get("/stale"))));
    assert!(
        scene
            .ask(request("POST", "/fresh", &[]))
            .poll()
            .is_pending()
    );
    scene.handle.clear();
}

#[test]
fn nothing_is_logged_while_the_log_would_wait_for_it() {
    let (over, is_over) = mpsc::channel();
    // Not a matter of speed: this is how waiting for ever shows.
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        let _in_runtime = runtime.enter();
        let asked = Arc::<Mutex<u32>>::default();
        // Where others log for the first time in this moment, an event may not be told.
        while *asked.lock().unwrap() < 6 {
            let mut scene = Scene::new();
            let service = Mutex::new(Some(scene.service.clone()));
            let asks = Asks(service, Arc::clone(&asked));
            tracing::subscriber::with_default(asks, || exchanges(&mut scene));
        }
        over.send(()).unwrap();
    });
    let over = is_over.recv_timeout(Duration::from_secs(60));
    over.expect("it waits for itself");
}

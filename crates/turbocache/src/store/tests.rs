use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::Empty;

use super::*;
use crate::{
    admission::PathHash,
    clock::Clocks,
    key::{query::QueryRules, search_variance::SearchVariance},
    policy::{Policy, request::Asked},
};

pub(super) fn key(path: &str) -> Key {
    let request = Request::get(path)
        .header("host", "forum.example")
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();
    let lookup = Policy::conservative().look_up(&request).unwrap();
    Key::of(&request, &lookup, &QueryRules::All).unwrap()
}

pub(super) fn entry(key: &Key, tags: &[&str], body: usize) -> Arc<Entry> {
    let mut headers = HeaderMap::new();
    headers.insert("cache-control", "max-age=60".parse().unwrap());
    let now = Clocks::System.now();
    let policy = Policy::conservative();
    let kept = policy.keep(
        Asked::default(),
        StatusCode::OK,
        &headers,
        now.monotonic,
        now,
    );
    let shapes = Shapes::default();
    let decided = Decided {
        kept: &kept.unwrap(),
        request: &HeaderMap::new(),
        requested: now.monotonic,
        received: now.wall,
        shapes: &shapes,
    };
    let labels = tags.iter().map(|tag| {
        let tag = crate::tags::Tag::Tag(tag.as_bytes().into());
        Label::new(tag, key)
    });
    let head = Head::new(StatusCode::OK, headers, &decided, labels.collect());
    Arc::new(Entry {
        head: head.complete(body as u64, &shapes),
        content: Content::Whole(vec![b'x'; body].into()),
    })
}

fn put(store: &MemoryStore, path: &str, tags: &[&str]) {
    let key = key(path);
    let entry = entry(&key, tags, 100);
    store.change(&key, &mut |variants| {
        Change::Store(variants.with(&key, &entry, &HeaderMap::new(), 16))
    });
}

fn is_stored(store: &MemoryStore, path: &str) -> bool {
    match store.look_up(&key(path)) {
        LookUp::Ready(found) => found.is_some(),
        LookUp::Later(_) => panic!("it is in memory"),
    }
}

#[test]
fn the_index_knows_no_label_of_what_is_gone() {
    let store = MemoryStore::new(1 << 20, 64);
    put(&store, "/a", &["one", "both"]);
    put(&store, "/b", &["two", "both"]);
    assert_eq!(store.labels(), 3);
    // Replaced by one with another label.
    put(&store, "/a", &["three"]);
    assert_eq!(store.labels(), 3);
    assert_eq!(store.purge(&Scope::tag("one"), Purge::Hard), 0);
    assert_eq!(store.purge(&Scope::tag("both"), Purge::Hard), 1);
    assert!(is_stored(&store, "/a") && !is_stored(&store, "/b"));
    assert_eq!(store.labels(), 1);
    assert_eq!(store.purge(&Scope::everything(), Purge::Hard), 1);
    assert_eq!(store.labels(), 0);
}

#[test]
fn the_index_knows_no_label_of_what_had_to_go() {
    let store = MemoryStore::new(20 * 1024, 64);
    for page in 0..500 {
        put(&store, &format!("/{page}"), &["all", &page.to_string()]);
    }
    let Size {
        entries,
        bytes,
        evicted,
    } = store.size();
    assert!(bytes <= 20 * 1024);
    assert_eq!(entries + evicted, 500);
    assert_eq!(store.labels() as u64, entries + 1);
    assert_eq!(store.purge(&Scope::tag("all"), Purge::Hard), entries);
    assert_eq!(store.labels(), 0);
}

#[test]
fn what_is_purged_softly_is_still_there_and_still_found() {
    let store = MemoryStore::new(1 << 20, 64);
    put(&store, "/a", &["one"]);
    for _ in 0..2 {
        assert_eq!(store.purge(&Scope::tag("one"), Purge::Soft), 1);
        assert!(is_stored(&store, "/a"));
    }
    assert_eq!(store.labels(), 1);
    assert_eq!(store.purge(&Scope::tag("one"), Purge::Hard), 1);
    assert_eq!(store.labels(), 0);
}

/// As a soft purge by URL has it, in another thread.
#[test]
fn what_is_changed_while_everything_is_removed_does_not_come_back() {
    let store = MemoryStore::new(1 << 20, 64);
    put(&store, "/a", &[]);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        store.change(&key("/a"), &mut |variants| {
            scope.spawn(|| {
                store.purge(&Scope::everything(), Purge::Hard);
                is_over.store(true, SeqCst);
            });
            // Every opportunity for it to be over too early. If it is slow, the test
            // does not fail for that.
            for _ in 0..100 {
                if !is_over.load(SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            variants
                .purge(&key("/a"), &Scope::everything(), Purge::Soft)
                .0
        });
    });
    assert!(!is_stored(&store, "/a"));
}

const PAGE: PathHash = PathHash(1);

#[test]
fn the_journal_remembers_what_was_invalidated_and_since_when() {
    let journal = Journal::new();
    let (page, other) = (key("/page"), key("/other"));
    let before = journal.generation(PAGE, PAGE);
    assert!(!journal.overtook(before, &page, None));

    journal.record(&Scope::of_key(page.clone()));
    let after = journal.generation(PAGE, PAGE);
    assert!(journal.overtook(before, &page, None));
    assert!(!journal.overtook(before, &other, None));
    assert!(!journal.overtook(after, &page, None));

    journal.record(&Scope::tag("one"));
    let label = |tag: &str| [Label::Tag(tag.as_bytes().into())];
    assert!(journal.overtook(after, &page, Some(&label("one"))));
    assert!(!journal.overtook(after, &page, Some(&label("two"))));
    assert!(
        journal.overtook(after, &page, None),
        "it may be called so: that is not known yet"
    );
}

#[test]
fn who_sets_out_with_what_is_found_learns_of_what_is_invalidated_meanwhile() {
    let (journal, page) = (Journal::new(), key("/page"));
    let scope = Scope::of_key(page.clone());
    let settled = journal.settled();
    journal.count(PAGE, PAGE);
    let counted = journal.generation(PAGE, PAGE);
    assert!(!journal.overtook_found(settled, &page, &[]));
    let recorded = journal.record_counted(&scope, PAGE, PAGE);
    assert!(journal.overtook(counted, &page, None));
    assert!(journal.overtook_found(settled, &page, &[]));
    // It may still be found.
    let found = journal.settled();
    assert!(journal.overtook_found(found, &page, &[]));
    let other = journal.record(&Scope::of_key(key("/other")));
    drop(recorded);
    let found = journal.settled();
    assert!(!journal.overtook_found(found, &page, &[]));
    assert!(journal.overtook_found(found, &key("/other"), &[]));
    drop(other);
    assert!(!journal.overtook_found(journal.settled(), &key("/other"), &[]));
}

#[test]
fn what_clients_invalidate_pushes_out_nothing_that_was_purged() {
    const OTHER: PathHash = PathHash(1 << 40);
    let (journal, page) = (Journal::new(), key("/page"));
    let before = journal.generation(PAGE, PAGE);
    let settled = journal.settled();
    for _ in 0..2000 {
        journal.count(OTHER, OTHER);
        drop(journal.record_counted(&Scope::of_key(key("/other")), OTHER, OTHER));
    }
    assert!(!journal.overtook(before, &page, None));
    assert!(journal.overtook_found(settled, &page, &[]), "or may have");
}

#[test]
fn what_the_journal_does_not_reach_back_to_may_have_been_invalidated() {
    let journal = Journal::new();
    let page = key("/page");
    let before = journal.generation(PAGE, PAGE);
    for number in 0..1024 {
        journal.record(&Scope::of_key(key(&format!("/{number}"))));
    }
    assert!(!journal.overtook(before, &page, None));
    journal.record(&Scope::of_key(key("/one-more")));
    assert!(journal.overtook(before, &page, None));
}

#[test]
fn what_is_only_counted_is_known_for_its_target_alone() {
    const QUERY: PathHash = PathHash(2);
    const OTHER_QUERY: PathHash = PathHash(3);
    let journal = Journal::new();
    let page = key("/page?id=1");
    let mut headers = HeaderMap::new();
    headers.insert("no-vary-search", "params".parse().unwrap());
    let general = page.under(&SearchVariance::of(&headers).unwrap());
    let before = journal.generation(QUERY, PAGE);
    let without = journal.generation(PAGE, PAGE);
    journal.count(OTHER_QUERY, PAGE);
    assert!(!journal.overtook(without, &key("/page"), None), "no query");
    assert!(
        !journal.overtook(before, &page, None),
        "another one's query"
    );
    assert!(journal.overtook(before, &general, None), "it is for both");

    let before = journal.generation(QUERY, PAGE);
    journal.count(QUERY, PAGE);
    for key in [&page, &general] {
        assert!(journal.overtook(before, key, None));
        assert!(!journal.overtook(journal.generation(QUERY, PAGE), key, None));
    }
}

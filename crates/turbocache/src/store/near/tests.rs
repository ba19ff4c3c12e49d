use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Request};
use http_body_util::Empty;

use super::*;
use crate::{
    key::{query::QueryRules, variances::Variances},
    policy::Policy,
    store::tests::{entry, key},
};

/// Of 64 MiB, of which a machine with few processors has more for each thread.
fn near() -> NearCache {
    NearCache::within(64 * 1024 * 1024)
}

fn keys(path: &str) -> Keys {
    Variances::new().keys(key(path))
}

fn page(key: &Key, body: usize) -> Variants {
    Variants::default().with(key, &entry(key, &[], body), &HeaderMap::new(), 16)
}

/// Does `act` with the parts of the key of a path.
fn with_parts<T>(path: &str, act: impl FnOnce(&KeyParts<'_>) -> T) -> T {
    let request = Request::get(path).header("host", "forum.example");
    let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
    let lookup = Policy::conservative().look_up(&request).unwrap();
    act(&KeyParts::of(&request, &lookup, &QueryRules::All).unwrap())
}

fn spot(near: &NearCache, path: &str) -> Spot {
    with_parts(path, |parts| near.spot(parts))
}

fn get<'a>(near: &'a NearCache, path: &str, now: Instant) -> Nearby<'a> {
    with_parts(path, |parts| near.get(near.spot(parts), parts, now))
}

fn keep(near: &NearCache, path: &str, page: &Variants, watch: Watch, now: Instant) {
    let copies = Copies::new(&key(path), page, watch, now);
    near.keep(spot(near, path), copies);
}

/// Asks as the cache does, which finds `page` in the store. Whether it was near.
fn ask_at(near: &NearCache, path: &str, page: &Variants, now: Instant) -> bool {
    match get(near, path, now) {
        Nearby::Found(_) => true,
        Nearby::Wanted => {
            let watch = near.watch(near.begin(), &keys(path));
            keep(near, path, page, watch, now);
            false
        }
        Nearby::Nothing => {
            near.missed(spot(near, path), &key(path), page);
            false
        }
    }
}

/// The same, at a time when nothing is to be looked up again.
fn ask(near: &NearCache, path: &str, page: &Variants) -> bool {
    static NOW: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    ask_at(near, path, page, *NOW)
}

#[test]
fn who_is_asked_for_twice_is_near_and_now_and_then_looked_up() {
    let (near, page) = (near(), page(&key("/"), 100));
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    // Nothing before it is asked for again; and then, ten times a second.
    let cases = [
        (0, false),
        (0, false),
        (0, true),
        (99, true),
        (100, false),
        (100, true),
        (199, true),
        (500, false),
        (500, true),
        (599, true),
        (600, false),
    ];
    for (millis, is_near) in cases {
        assert_eq!(ask_at(&near, "/", &page, at(millis)), is_near, "{millis}");
    }
}

#[test]
fn what_is_near_is_a_copy() {
    let (near, page) = (near(), page(&key("/"), 100));
    let now = Instant::now();
    ask_at(&near, "/", &page, now);
    ask_at(&near, "/", &page, now);
    let Nearby::Found(mut found) = get(&near, "/", now) else {
        panic!("it was asked for twice");
    };
    let found = found.copies().variants();
    let (copy, original) = (found.newest().unwrap(), page.newest().unwrap());
    assert!(!Arc::ptr_eq(copy, original));
    assert_eq!(copy.head.headers(), original.head.headers());
    assert_eq!(
        format!("{:?}", copy.content),
        format!("{:?}", original.content)
    );
}

#[test]
fn who_asks_while_it_is_held_finds_nothing() {
    let (near, page) = (near(), page(&key("/"), 100));
    let now = Instant::now();
    ask_at(&near, "/", &page, now);
    ask_at(&near, "/", &page, now);
    let held = get(&near, "/", now);
    assert!(matches!(held, Nearby::Found(_)));
    assert!(matches!(get(&near, "/", now), Nearby::Nothing));
    drop(held);
    assert!(matches!(get(&near, "/", now), Nearby::Found(_)));
}

#[test]
fn each_change_that_may_concern_it_ends_it() {
    let by_name = |name: &str| {
        let name = peregrine_core::VariantName::new(name.as_bytes().to_vec());
        key("/").of_variant(&name)
    };
    let cases: [(&str, &dyn Fn(&NearCache), bool); 5] = [
        ("nothing", &|_| {}, true),
        ("the page itself", &|near| near.changed(&key("/")), false),
        (
            "a variant of it",
            &|near| near.changed(&by_name("a")),
            false,
        ),
        ("everything", &NearCache::all_changed, false),
        (
            "another page",
            &|near| near.changed(&another_group(near)),
            true,
        ),
    ];
    for (name, change, stays) in cases {
        let (near, page) = (near(), page(&key("/"), 100));
        ask(&near, "/", &page);
        ask(&near, "/", &page);
        change(&near);
        let found = get(&near, "/", Instant::now());
        assert_eq!(matches!(found, Nearby::Found(_)), stays, "{name}");
        drop(found);
        // It is in demand, so it is fetched again at once.
        ask(&near, "/", &page);
        assert!(ask(&near, "/", &page), "{name}");
    }
}

/// The key of a page whose changes are not counted together with those of `/`.
fn another_group(near: &NearCache) -> Key {
    let keys = (0..).map(|number| key(&format!("/{number}")));
    let group = near.group(&key("/"));
    let mut others = keys.filter(|other| near.group(other) != group);
    others.next().expect("there are many groups")
}

#[test]
fn what_changes_while_it_is_looked_up_is_not_near() {
    let (near, page) = (near(), page(&key("/"), 100));
    let now = Instant::now();
    let before = near.watch(near.begin(), &keys("/"));
    near.changed(&key("/"));
    keep(&near, "/", &page, before, now);
    assert!(matches!(get(&near, "/", now), Nearby::Wanted));
    let begun = near.begin();
    near.all_changed();
    let watch = near.watch(begun, &keys("/"));
    keep(&near, "/", &page, watch, now);
    assert!(matches!(get(&near, "/", now), Nearby::Wanted));
}

/// So many paths that belong into one set.
fn of_one_set(near: &NearCache, many: usize) -> Vec<(String, Variants)> {
    let set = |path: &str| spot(near, path).set();
    (0..)
        .map(|number| format!("/{number}"))
        .filter(|path| set(path) == set("/"))
        .take(many)
        .map(|path| (path.clone(), page(&key(&path), 100)))
        .collect()
}

#[test]
fn a_few_of_one_set_who_are_asked_for_in_turn_are_all_near() {
    let near = near();
    let pages = of_one_set(&near, 8);
    for _ in 0..20 {
        for (path, page) in &pages {
            ask(&near, path, page);
        }
    }
    assert!(pages.iter().all(|(path, page)| ask(&near, path, page)));
}

#[test]
fn who_is_asked_for_in_between_keeps_the_place() {
    let near = near();
    let pages = of_one_set(&near, 9);
    let ((other, other_page), pages) = pages.split_last().unwrap();
    for (path, page) in pages {
        ask(&near, path, page);
        ask(&near, path, page);
    }
    for _ in 0..20 {
        assert!(pages.iter().all(|(path, page)| ask(&near, path, page)));
        assert!(!ask(&near, other, other_page));
    }
    ask(&near, other, other_page);
    assert!(ask(&near, other, other_page));
}

#[test]
fn it_is_bounded_by_what_its_entries_weigh() {
    for (capacity, body) in [(64 << 20, 100), (64 << 20, 10_000), (1 << 20, 1000), (0, 0)] {
        let near = NearCache::within(capacity);
        assert!(near.capacity() <= capacity / PART);
        for number in 0..500 {
            let path = format!("/{number}");
            let page = page(&key(&path), body);
            (0..3).for_each(|_| {
                ask(&near, &path, &page);
            });
        }
        let places = near.own().unwrap();
        let (weight, counted) = places.weights();
        assert_eq!(weight, counted);
        assert!(weight <= near.max_weight, "{capacity} {body}");
        assert!(weight > 0 || capacity < 64 << 20, "{capacity} {body}");
    }
}

#[test]
fn what_is_long_is_not_worth_a_copy() {
    let (near, page) = (near(), page(&key("/"), MOST));
    assert!((0..5).all(|_| !ask(&near, "/", &page)));
}

/// As long as somebody changes something and says so afterwards, nobody who looks
/// after that finds what was there before.
#[test]
fn what_has_changed_is_not_found_by_other_threads() {
    let (near, key) = (near(), key("/"));
    let pages: Vec<_> = (0..400).map(|length| page(&key, length)).collect();
    let stored = AtomicU64::new(0);
    let found = |variants: &Variants| match &variants.newest().unwrap().content {
        crate::store::Content::Whole(body) => body.len() as u64,
        crate::store::Content::Parts(_) => unreachable!(),
    };
    let changed = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while changed.load(SeqCst) < 399 {
                    let oldest = changed.load(SeqCst);
                    let now = Instant::now();
                    let given = match get(&near, "/", now) {
                        Nearby::Found(mut given) => given.copies().variants(),
                        Nearby::Wanted => {
                            let watch = near.watch(near.begin(), &keys("/"));
                            let current = usize::try_from(stored.load(SeqCst)).unwrap();
                            keep(&near, "/", &pages[current], watch, now);
                            continue;
                        }
                        Nearby::Nothing => {
                            near.missed(spot(&near, "/"), &key, &pages[0]);
                            continue;
                        }
                    };
                    assert!(found(&given) >= oldest);
                }
            });
        }
        for version in 1..400 {
            stored.store(version, SeqCst);
            near.changed(&key);
            changed.store(version, SeqCst);
            std::thread::yield_now();
        }
    });
}

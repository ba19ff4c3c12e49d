use http::HeaderMap;

use super::*;
use crate::{
    key::variances::Variances,
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

/// Asks as the cache does, which finds `page` in the store. Whether it was near.
fn ask(near: &NearCache, path: &str, page: &Variants) -> bool {
    let key = key(path);
    match near.get(&key) {
        Nearby::Found(_) => true,
        Nearby::Wanted => {
            let watch = near.watch(near.begin(), &keys(path));
            near.keep(&key, page, watch);
            false
        }
        Nearby::Nothing => {
            near.missed(&key, page);
            false
        }
    }
}

#[test]
fn who_is_asked_for_twice_is_near_and_now_and_then_looked_up() {
    let (near, page) = (near(), page(&key("/"), 100));
    let asked = [(); 20].map(|()| ask(&near, "/", &page));
    assert!(!asked[0] && !asked[1], "not before it is asked for again");
    let looked_up = asked[2..].iter().filter(|near| !**near);
    assert_eq!(looked_up.count(), 18 / usize::from(LOOKED_UP));
}

#[test]
fn what_is_near_is_a_copy() {
    let (near, page) = (near(), page(&key("/"), 100));
    ask(&near, "/", &page);
    ask(&near, "/", &page);
    let Nearby::Found(found) = near.get(&key("/")) else {
        panic!("it was asked for twice");
    };
    let (copy, original) = (found.newest().unwrap(), page.newest().unwrap());
    assert!(!Arc::ptr_eq(copy, original));
    assert_eq!(copy.head.headers(), original.head.headers());
    assert_eq!(
        format!("{:?}", copy.content),
        format!("{:?}", original.content)
    );
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
        assert_eq!(
            matches!(near.get(&key("/")), Nearby::Found(_)),
            stays,
            "{name}"
        );
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
    let before = near.watch(near.begin(), &keys("/"));
    near.changed(&key("/"));
    near.keep(&key("/"), &page, before);
    assert!(matches!(near.get(&key("/")), Nearby::Wanted));
    let begun = near.begin();
    near.all_changed();
    near.keep(&key("/"), &page, near.watch(begun, &keys("/")));
    assert!(matches!(near.get(&key("/")), Nearby::Wanted));
}

#[test]
fn who_is_asked_for_in_between_keeps_the_place() {
    let near = near();
    let place = |path: &str| (near.hash(&key(path)) >> 32) as usize % PLACES;
    let mut paths = (0..).map(|number| format!("/{number}"));
    let other = paths.find(|path| place(path) == place("/")).unwrap();
    let (page, other_page) = (page(&key("/"), 100), page(&key(&other), 100));
    ask(&near, "/", &page);
    ask(&near, "/", &page);
    for _ in 0..5 {
        assert!(ask(&near, "/", &page));
        assert!(!ask(&near, &other, &other_page));
    }
    ask(&near, &other, &other_page);
    assert!(ask(&near, &other, &other_page));
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
        near.own(|places| {
            let kept = places.all.iter().filter_map(|place| place.near.as_ref());
            let weight: usize = kept.map(|near| near.weight).sum();
            assert_eq!(weight, places.weight);
            assert!(weight <= near.max_weight, "{capacity} {body}");
            assert!(weight > 0 || capacity < 64 << 20, "{capacity} {body}");
        });
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
                    let given = match near.get(&key) {
                        Nearby::Found(given) => given,
                        Nearby::Wanted => {
                            let watch = near.watch(near.begin(), &keys("/"));
                            let current = usize::try_from(stored.load(SeqCst)).unwrap();
                            near.keep(&key, &pages[current], watch)
                        }
                        Nearby::Nothing => {
                            near.missed(&key, &pages[0]);
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

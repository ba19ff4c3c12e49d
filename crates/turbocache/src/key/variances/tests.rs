use http::{HeaderMap, HeaderValue};

use super::*;
use crate::key::{query::QueryRules, search_variance::NO_VARY_SEARCH};

fn key(uri: &str) -> Key {
    Key::of_uri(&uri.parse().unwrap(), &QueryRules::All).unwrap()
}

fn variance(field: &'static str) -> SearchVariance {
    let mut headers = HeaderMap::new();
    headers.insert(NO_VARY_SEARCH, HeaderValue::from_static(field));
    SearchVariance::of(&headers).unwrap()
}

fn each(keys: &Keys) -> Vec<Key> {
    keys.each().cloned().collect()
}

#[test]
fn nobody_says_anything_so_there_is_one_key() {
    let variances = Variances::new();
    variances.learn(&key("http://a/p"), None);
    let keys = variances.keys(key("http://a/p?x"));
    assert_eq!(each(&keys), [key("http://a/p?x")]);
    assert_eq!(keys.primary(), keys.exact());
    assert_eq!(keys.stored_under(None, true), key("http://a/p?x"));
}

#[test]
fn what_one_response_says_holds_for_later_requests_for_its_path() {
    let variances = Variances::new();
    let first = variances.keys(key("http://a/p?x=1&utm=a"));
    let ignores_utm = variance("params=(\"utm\")");
    let stored = first.stored_under(Some(&ignores_utm), true);
    variances.learn(first.exact(), Some(ignores_utm.clone()));

    let next = variances.keys(key("http://a/p?utm=b&x=1"));
    assert_eq!(each(&next), [key("http://a/p?utm=b&x=1"), stored.clone()]);
    assert_eq!(next.primary(), &stored);
    assert_eq!(next.stored_under(Some(&ignores_utm), true), stored);
    assert_eq!(next.stored_under(None, true), key("http://a/p?utm=b&x=1"));
    assert_eq!(next.stored_under(Some(&ignores_utm), false), stored);
    assert_eq!(
        first.stored_under(Some(&ignores_utm), false),
        *first.exact()
    );

    for other in [
        "http://a/p?x=2",
        "http://a/q?x=1",
        "http://b/p?x=1",
        "https://a/p?x=1",
    ] {
        assert!(
            !each(&variances.keys(key(other))).contains(&stored),
            "{other}"
        );
    }
}

#[test]
fn what_was_stored_under_another_variance_is_not_found() {
    let variances = Variances::new();
    let exact = key("http://a/p?x=1");
    let keys = variances.keys(exact.clone());
    let old = keys.stored_under(Some(&variance("params=(\"utm\")")), true);
    variances.learn(&exact, Some(variance("params=(\"utm\" \"ref\")")));
    assert!(!each(&variances.keys(exact)).contains(&old));
}

#[test]
fn a_page_that_says_nothing_any_more_is_believed() {
    let variances = Variances::new();
    let exact = key("http://a/p?x");
    variances.learn(&exact, Some(variance("params")));
    assert_eq!(each(&variances.keys(exact.clone())).len(), 2);
    variances.learn(&exact, None);
    assert_eq!(each(&variances.keys(exact.clone())), [exact]);
}

#[test]
fn who_may_share_what_another_one_got() {
    let variances = Variances::new();
    let keys = |uri| variances.keys(key(uri));
    let said = variance("params=(\"utm\")");
    variances.learn(&key("http://a/p"), Some(said.clone()));
    let leader = keys("http://a/p?x=1&utm=a");
    let same = keys("http://a/p?x=1&utm=a");
    let equivalent = keys("http://a/p?x=1&utm=b");
    assert_eq!(leader.primary(), equivalent.primary());

    let narrower = variance("key-order");
    let cases = [
        ("the same request", &same, None, true),
        (
            "the same request, whatever is said",
            &same,
            Some(&narrower),
            true,
        ),
        ("what was expected is said", &equivalent, Some(&said), true),
        ("nothing is said", &equivalent, None, false),
        (
            "less is said than was expected",
            &equivalent,
            Some(&narrower),
            false,
        ),
    ];
    for (name, follower, variance, expected) in cases {
        assert_eq!(follower.may_share(&leader, variance), expected, "{name}");
    }
}

#[test]
fn keys_with_more_parts_keep_them_and_have_a_plain_one_for_each_variance() {
    let request = http::Request::get("/p?b&a")
        .header("host", "a")
        .header("x-forwarded-host", "b")
        .extension(axum::extract::OriginalUri("/x/p?b&a".parse().unwrap()))
        .body(http_body_util::Empty::<Bytes>::new())
        .unwrap();
    let policy = crate::policy::Policy::conservative();
    let lookup = policy.look_up(&request).unwrap();
    let exact = Key::of(&request, &lookup, &QueryRules::All).unwrap();

    let order = variance("key-order");
    let general = exact.under(&order);
    assert_eq!(
        general.to_string(),
        "http a /x/p?a=&b= n?- u/p?a=&b= fx-forwarded-host =b"
    );
    assert_eq!(general.plain(), Some(key("http://a/x/p?b&a").under(&order)));
    assert_eq!(exact.plain(), Some(key("http://a/x/p?b&a")));
    assert_eq!(key("http://a/p").under(&order).plain(), None);
}

#[test]
fn a_simplified_key_is_no_other_key() {
    let order = variance("key-order");
    assert_ne!(key("http://a/p?a=1").under(&order), key("http://a/p?a=1"));
}

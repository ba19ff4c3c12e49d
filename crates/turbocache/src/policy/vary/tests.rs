#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

type Fields<'a> = &'a [(&'a str, &'a str)];

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// Whether the second request selects what was stored for the first one.
fn selects(response: Fields<'_>, first: Fields<'_>, second: Fields<'_>) -> bool {
    let (response, first, second) = (headers(response), headers(first), headers(second));
    let selection = Vary::of(&response).unwrap().selection(&first, &response);
    assert!(
        selection.matches(&first),
        "what is stored is for its own request"
    );
    selection.matches(&second)
}

#[test]
fn which_fields_a_response_varies_by() {
    let cases: &[(&str, &str, &[&str], Option<&[&str]>)] = &[
        ("§4.1", "no Vary", &[], Some(&[])),
        ("§4.1", "an empty one", &[""], Some(&[])),
        (
            "§4.1",
            "one field, in any case",
            &["ACCEPT"],
            Some(&["accept"]),
        ),
        (
            "RFC 9110 §5.3",
            "several lines, some twice, in the order of their names",
            &["Foo, bar", ",baz ,foo"],
            Some(&["bar", "baz", "foo"]),
        ),
        ("§4.1", "*", &["*"], None),
        ("§4.1", "* twice", &["*, *"], None),
        ("§4.1", "* behind nothing", &["", ", *"], None),
        ("§4.1", "* among fields", &["Foo, *"], None),
        ("§4.1", "* before fields", &["*, Foo"], None),
        ("RFC 9110 §12.5.5", "what is no field name", &["a b"], None),
        (
            "bounded",
            "too many fields",
            &["a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"],
            None,
        ),
    ];
    for (section, name, lines, expected) in cases {
        let fields: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
        let vary = Vary::of(&headers(&fields)).ok();
        let names = vary.map(|vary| {
            vary.names
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        });
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(names, expected, "{section}: {name}");
    }
}

#[test]
fn which_requests_select_a_stored_response() {
    const FOO: Fields<'_> = &[("vary", "Foo")];
    const TWO: Fields<'_> = &[("vary", "Foo, Bar")];
    const LANGUAGE: Fields<'_> = &[("vary", "Accept-Language")];
    const COOKIE: Fields<'_> = &[("vary", "Cookie")];
    let cases: &[(&str, &str, Fields<'_>, Fields<'_>, Fields<'_>, bool)] = &[
        ("§4.1", "without Vary, all", &[], &[("foo", "1")], &[], true),
        (
            "§4.1",
            "the same value",
            FOO,
            &[("foo", "1")],
            &[("foo", "1")],
            true,
        ),
        (
            "§4.1",
            "another value",
            FOO,
            &[("foo", "1")],
            &[("foo", "2")],
            false,
        ),
        (
            "§4.1",
            "a longer value",
            FOO,
            &[("foo", "1")],
            &[("foo", "11")],
            false,
        ),
        (
            "§4.1",
            "a shorter value",
            FOO,
            &[("foo", "11")],
            &[("foo", "1")],
            false,
        ),
        (
            "§4.1",
            "other fields do not count",
            FOO,
            &[("foo", "1"), ("x", "1")],
            &[("foo", "1"), ("x", "2")],
            true,
        ),
        (
            "§4.1",
            "it was not there, and is now",
            FOO,
            &[],
            &[("foo", "1")],
            false,
        ),
        (
            "§4.1",
            "it was there, and is not",
            FOO,
            &[("foo", "1")],
            &[],
            false,
        ),
        (
            "§4.1",
            "it was there, empty",
            FOO,
            &[("foo", "")],
            &[],
            false,
        ),
        (
            "§4.1",
            "it is there, empty",
            FOO,
            &[],
            &[("foo", "")],
            false,
        ),
        ("§4.1", "neither has it", FOO, &[], &[], true),
        (
            "§4.1",
            "two fields, one differs",
            TWO,
            &[("foo", "1"), ("bar", "1")],
            &[("foo", "1"), ("bar", "2")],
            false,
        ),
        (
            "§4.1",
            "two fields, neither has one",
            TWO,
            &[("foo", "1")],
            &[("foo", "1")],
            true,
        ),
        (
            "§4.1",
            "values are not shifted from one field to the next",
            TWO,
            &[("foo", "1")],
            &[("bar", "1")],
            false,
        ),
        (
            "§4.1",
            "several lines are one list",
            FOO,
            &[("foo", "1, 2")],
            &[("foo", "1"), ("foo", "2")],
            true,
        ),
        (
            "§4.1",
            "in their order",
            FOO,
            &[("foo", "1, 2")],
            &[("foo", "2"), ("foo", "1")],
            false,
        ),
        (
            "§4.1",
            "white space around commas",
            FOO,
            &[("foo", "1,2")],
            &[("foo", " 1 ,\t2 ")],
            true,
        ),
        (
            "§4.1",
            "white space elsewhere counts",
            FOO,
            &[("foo", "a b")],
            &[("foo", "ab")],
            false,
        ),
        (
            "§4.1",
            "and its amount does",
            FOO,
            &[("foo", "a b")],
            &[("foo", "a  b")],
            false,
        ),
        (
            "RFC 9110 §5.6.4",
            "white space between quotes counts",
            FOO,
            &[("foo", "\"1,2\"")],
            &[("foo", "\"1, 2\"")],
            false,
        ),
        (
            "RFC 9110 §5.6.4",
            "a quote that is escaped ends nothing",
            FOO,
            &[("foo", "\"\\\",2\"")],
            &[("foo", "\"\\\", 2\"")],
            false,
        ),
        (
            "§4.1",
            "case counts",
            FOO,
            &[("foo", "a")],
            &[("foo", "A")],
            false,
        ),
        (
            "§4.1",
            "empty members count",
            FOO,
            &[("foo", "1,,2")],
            &[("foo", "1,2")],
            false,
        ),
        (
            "RFC 9110 §12.5.4",
            "languages have no case",
            LANGUAGE,
            &[("accept-language", "en, de")],
            &[("accept-language", "eN, De")],
            true,
        ),
        (
            "RFC 9110 §12.5.4",
            "nor white space",
            LANGUAGE,
            &[("accept-language", "en, de;q=0.5")],
            &[("accept-language", " en ,   de ; q = 0.5")],
            true,
        ),
        (
            "RFC 9110 §12.5.4",
            "but within a word",
            LANGUAGE,
            &[("accept-language", "en")],
            &[("accept-language", "e n")],
            false,
        ),
        (
            "RFC 9110 §12.5.4",
            "order may mean something",
            LANGUAGE,
            &[("accept-language", "en, de")],
            &[("accept-language", "de, en")],
            false,
        ),
        (
            "RFC 9110 §12.5.4",
            "weights do",
            LANGUAGE,
            &[("accept-language", "en")],
            &[("accept-language", "en;q=0.5")],
            false,
        ),
        (
            "RFC 9113 §8.2.3",
            "a cookie in crumbs",
            COOKIE,
            &[("cookie", "a=1; b=2")],
            &[("cookie", "a=1"), ("cookie", "b=2")],
            true,
        ),
        (
            "RFC 9113 §8.2.3",
            "white space in a cookie counts",
            COOKIE,
            &[("cookie", "a=1,2")],
            &[("cookie", "a=1, 2")],
            false,
        ),
        (
            "RFC 9113 §8.2.3",
            "and its case",
            COOKIE,
            &[("cookie", "a=x")],
            &[("cookie", "a=X")],
            false,
        ),
        (
            "RFC 9113 §8.2.3",
            "a quote in a cookie is a byte",
            COOKIE,
            &[("cookie", "a=\" b")],
            &[("cookie", "a=\"b")],
            false,
        ),
    ];
    for (section, name, response, first, second, expected) in cases {
        assert_eq!(
            selects(response, first, second),
            *expected,
            "{section}: {name}"
        );
        let vary = Vary::of(&headers(response)).unwrap();
        let keys = [first, second].map(|request| vary.selecting_key(&headers(request)));
        assert_eq!(keys[0] == keys[1], *expected, "the keys, {section}: {name}");
    }
}

#[test]
fn which_encoded_response_a_request_selects() {
    // What the origin was offered, what it chose, what the next client accepts.
    let cases: &[(&str, Option<&str>, Option<&str>, Option<&str>, bool)] = &[
        (
            "the same",
            Some("gzip, br"),
            Some("br"),
            Some("gzip, br"),
            true,
        ),
        (
            "in another order",
            Some("gzip, br"),
            Some("br"),
            Some("br,GZIP"),
            true,
        ),
        (
            "fewer, with the chosen one",
            Some("gzip, deflate, br, zstd"),
            Some("br"),
            Some("gzip, br"),
            true,
        ),
        (
            "fewer, without the chosen one",
            Some("gzip, br"),
            Some("br"),
            Some("gzip"),
            false,
        ),
        (
            "more: the origin may have something better",
            Some("gzip"),
            Some("gzip"),
            Some("gzip, br"),
            false,
        ),
        ("other ones", Some("gzip"), Some("gzip"), Some("br"), false),
        (
            "the origin had none of them",
            Some("gzip, br"),
            None,
            Some("gzip"),
            true,
        ),
        (
            "nor will the next client need any",
            Some("gzip, br"),
            None,
            None,
            true,
        ),
        (
            "nothing is accepted",
            Some("gzip"),
            Some("gzip"),
            None,
            false,
        ),
        ("nothing was accepted", None, None, Some("gzip"), false),
        (
            "neither has the field, encoded all the same",
            None,
            Some("gzip"),
            None,
            true,
        ),
        (
            "identity is always accepted",
            Some("gzip, identity"),
            None,
            Some("gzip"),
            true,
        ),
        (
            "and may be said to be chosen",
            Some("gzip"),
            Some("identity"),
            Some("gzip"),
            true,
        ),
        (
            "the older name of gzip",
            Some("gzip, br"),
            Some("gzip"),
            Some("x-gzip"),
            true,
        ),
        (
            "two codings, both accepted",
            Some("gzip, br, zstd"),
            Some("br, gzip"),
            Some("gzip, br"),
            true,
        ),
        (
            "two codings, one accepted",
            Some("gzip, br"),
            Some("br, gzip"),
            Some("gzip"),
            false,
        ),
        (
            "a weight may turn the choice",
            Some("gzip, br"),
            Some("br"),
            Some("gzip, br;q=0.1"),
            false,
        ),
        (
            "a coding may be excluded",
            Some("gzip, br"),
            Some("br"),
            Some("br;q=0"),
            false,
        ),
        (
            "unencoded may be excluded",
            Some("gzip"),
            None,
            Some("gzip, identity;q=0"),
            false,
        ),
        (
            "the same weights",
            Some("gzip;q=1.0, br;q=0.5"),
            Some("gzip"),
            Some("gzip; q=1.0, br; q=0.5"),
            true,
        ),
        (
            "fewer with weights",
            Some("gzip;q=1.0, br;q=0.5"),
            Some("gzip"),
            Some("gzip"),
            false,
        ),
        ("anything", Some("*"), Some("gzip"), Some("gzip"), false),
        (
            "anything again",
            Some("gzip, *"),
            Some("gzip"),
            Some("gzip, *"),
            true,
        ),
        (
            "accepting anything is more than gzip",
            Some("gzip"),
            Some("gzip"),
            Some("gzip, *"),
            false,
        ),
    ];
    for (name, offered, chosen, accepted, expected) in cases {
        let field = |name, value: Option<&'static str>| value.map(|value| (name, value));
        let response: Vec<_> = [("vary", "Accept-Encoding")]
            .into_iter()
            .chain(field("content-encoding", *chosen))
            .collect();
        let first: Vec<_> = field("accept-encoding", *offered).into_iter().collect();
        let second: Vec<_> = field("accept-encoding", *accepted).into_iter().collect();
        assert_eq!(
            selects(&response, &first, &second),
            *expected,
            "RFC 9110 §12.5.3: {name}"
        );
    }
}

/// To compare each with each of sixty thousand would take seconds.
#[test]
fn of_long_lists_only_the_same_is_the_same() {
    let list = |members: usize| {
        let members: Vec<_> = (0..members).map(|number| format!("x-{number}")).collect();
        members.join(",")
    };
    for name in ["accept-encoding", "accept-language"] {
        let response = headers(&[("vary", name)]);
        let vary = Vary::of(&response).unwrap().languages_by_weight(true);
        let matches = |stored: usize, asked: &str| {
            let (stored, asked) = (list(stored), asked);
            let selection = vary.selection(&headers(&[(name, &stored)]), &response);
            assert!(selection.matches(&headers(&[(name, &stored)])), "{name}");
            selection.matches(&headers(&[(name, asked)]))
        };
        let reversed = |members| {
            let list = list(members);
            let mut members: Vec<_> = list.split(',').collect();
            members.reverse();
            members.join(",")
        };
        assert!(matches(MAX_MEMBERS, &reversed(MAX_MEMBERS)), "{name}");
        for (stored, asked) in [
            (MAX_MEMBERS + 1, MAX_MEMBERS + 1),
            (MAX_MEMBERS + 1, MAX_MEMBERS),
            (MAX_MEMBERS, MAX_MEMBERS + 1),
        ] {
            assert!(
                !matches(stored, &reversed(asked)),
                "{name} {stored} {asked}"
            );
        }
    }
}

/// Or a client could fill more memory than the cache may take.
#[test]
fn each_member_of_a_list_has_its_weight() {
    for name in ["accept-encoding", "accept-language"] {
        let response = headers(&[("vary", name)]);
        let vary = Vary::of(&response).unwrap().languages_by_weight(true);
        let weight = |list: &str| {
            let request = headers(&[(name, list)]);
            vary.selection(&request, &response).weight()
        };
        let (one, many) = (weight("a"), weight(&["a"; MAX_MEMBERS].join(",")));
        let pointers = (MAX_MEMBERS - 1) * size_of::<Box<[u8]>>();
        assert!(many - one >= pointers + 3 * (MAX_MEMBERS - 1), "{name}");
    }
}

/// A value with the separators and the white space of lists in it.
fn value() -> impl Strategy<Value = String> {
    "[ab,;=\" \\\\]{0,8}"
}

/// What an origin that chooses as it should, from what it has, makes of what is
/// accepted.
fn choice(has: &[&'static str], accepted: &[&'static str]) -> Option<&'static str> {
    has.iter().copied().find(|coding| accepted.contains(coding))
}

proptest! {
    #[test]
    fn to_match_and_to_have_one_key_is_the_same(
        first in prop::collection::vec(value(), 0..3),
        second in prop::collection::vec(value(), 0..3),
        field in prop::sample::select(vec!["foo", "cookie", "accept-language"]),
    ) {
        let response = headers(&[("vary", field)]);
        let vary = Vary::of(&response).unwrap();
        let [first, second] = [first, second].map(|lines| {
            let lines: Vec<_> = lines.iter().map(|line| (field, line.as_str())).collect();
            headers(&lines)
        });
        let selection = vary.selection(&first, &response);
        prop_assert!(selection.matches(&first));
        prop_assert_eq!(
            selection.matches(&second),
            vary.selecting_key(&first) == vary.selecting_key(&second)
        );
    }

    #[test]
    fn white_space_around_commas_and_breaks_between_lines_change_nothing(
        members in prop::collection::vec("[a-z\"]{1,4}|\"[a-z, ]{0,4}\"", 1..5),
        spelled in prop::collection::vec(("[ \t]{0,2}", "[ \t]{0,2}", any::<bool>()), 5),
    ) {
        // A quote that stays open makes one member of all that follow.
        let all = members.join(",");
        prop_assume!(all.matches('"').count() % 2 == 0
            && members.iter().all(|member| member.matches('"').count() % 2 == 0));
        let mut lines = vec![String::new()];
        for (at, (member, (before, after, new_line))) in members.iter().zip(&spelled).enumerate() {
            if at > 0 {
                if *new_line {
                    lines.push(String::new());
                } else {
                    lines.last_mut().unwrap().push(',');
                }
            }
            let line = lines.last_mut().unwrap();
            line.push_str(before);
            line.push_str(member);
            line.push_str(after);
        }
        let lines: Vec<_> = lines.iter().map(|line| ("foo", line.as_str())).collect();
        prop_assert!(selects(&[("vary", "foo")], &[("foo", &all)], &lines), "{lines:?}");
    }

    #[test]
    fn an_origin_that_negotiates_would_have_chosen_the_same(
        has in prop::sample::subsequence(vec!["br", "gzip", "zstd"], 0..=3),
        first in prop::sample::subsequence(vec!["br", "gzip", "zstd", "deflate"], 0..=4),
        second in prop::sample::subsequence(vec!["br", "gzip", "zstd", "deflate"], 0..=4),
    ) {
        let chosen = choice(&has, &first);
        let response: Vec<_> = [("vary", "accept-encoding")]
            .into_iter()
            .chain(chosen.map(|coding| ("content-encoding", coding)))
            .collect();
        let [one, other] = [first, second.clone()].map(|codings| codings.join(", "));
        if selects(&response, &[("accept-encoding", &one)], &[("accept-encoding", &other)]) {
            prop_assert_eq!(choice(&has, &second), chosen);
        }
    }
}

#[test]
fn whoever_has_none_of_the_cookies_that_matter_selects_the_same() {
    let said: Fields<'_> = &[("vary", "Cookie"), ("cookie-indices", "\"session\"")];
    let cases: &[(&str, Fields<'_>, Fields<'_>, bool)] = &[
        ("others", &[("cookie", "a=1")], &[("cookie", "a=2")], true),
        ("none", &[("cookie", "a=1")], &[], true),
        ("none first", &[], &[("cookie", "a=1")], true),
        ("one now", &[], &[("cookie", "session=1")], false),
        ("one then", &[("cookie", "session=1")], &[], false),
        (
            "the same one, and others",
            &[("cookie", "session=1")],
            &[("cookie", "session=1; a=1")],
            false,
        ),
        (
            "all the same",
            &[("cookie", "session=1; a=1")],
            &[("cookie", "session=1; a=1")],
            true,
        ),
    ];
    let response = headers(said);
    let plain = Vary::of(&response).unwrap();
    let vary = plain.clone().by_cookies_of(&response);
    for (name, first, second, expected) in cases {
        let (first, second) = (headers(first), headers(second));
        let selection = vary.selection(&first, &response);
        assert!(selection.matches(&first), "{name}");
        assert_eq!(selection.matches(&second), *expected, "{name}");
        let keys = [&first, &second].map(|request| vary.selecting_key(request));
        assert_eq!(keys[0] == keys[1], *expected, "{name}");
        // Without a word that it is for a shared cache, `Vary` alone counts.
        let selection = plain.selection(&first, &response);
        assert_eq!(selection.matches(&second), first == second, "{name}");
    }
    let other = headers(&[("vary", "Accept"), ("cookie-indices", "\"session\"")]);
    assert_eq!(
        Vary::of(&other).unwrap().by_cookies_of(&other),
        Vary::of(&other).unwrap()
    );
}

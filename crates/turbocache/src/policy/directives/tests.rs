#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use proptest::prelude::*;

use super::*;

fn parse(lines: &[&str]) -> Directives {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap())
        .collect();
    Directives::parse(&lines)
}

fn given(seconds: u64) -> Seconds {
    Seconds::Given(Duration::from_secs(seconds))
}

fn fields(names: &[&'static str]) -> Extent {
    Extent::Fields(
        names
            .iter()
            .map(|name| HeaderName::from_static(name))
            .collect(),
    )
}

fn none() -> Directives {
    Directives {
        present: true,
        ..Directives::default()
    }
}

fn malformed() -> Directives {
    Directives {
        malformed: true,
        ..none()
    }
}

#[test]
fn what_is_read_from_cache_control() {
    let cases: &[(&str, &str, &[&str], Directives)] = &[
        ("§5.2", "no field", &[], Directives::default()),
        ("§5.2", "an empty field", &[""], none()),
        ("RFC 9110 §5.6.1", "empty members", &[" , ,,"], none()),
        (
            "§5.2",
            "in any case",
            &["NO-STORE, No-Cache, pRiVaTe"],
            Directives {
                no_store: true,
                no_cache: Extent::Everything,
                private: Extent::Everything,
                ..none()
            },
        ),
        (
            "RFC 9110 §5.3",
            "over several lines",
            &["no-store", "max-age=5"],
            Directives {
                no_store: true,
                max_age: given(5),
                ..none()
            },
        ),
        (
            "§5.2.3",
            "unknown directives",
            &["nothing-to-see-here, x=y, z=\"q\""],
            none(),
        ),
        (
            "§5.2.2.7",
            "private that names fields, with a comma between quotes",
            &["private=\"Set-Cookie, x-a\", max-age=5"],
            Directives {
                private: fields(&["set-cookie", "x-a"]),
                max_age: given(5),
                ..none()
            },
        ),
        (
            "§5.2.2.4",
            "no-cache that names fields",
            &["no-cache=\"x\", NO-CACHE=y"],
            Directives {
                no_cache: fields(&["x", "y"]),
                ..none()
            },
        ),
        (
            "§5.2.2.4",
            "once without names is without names",
            &["no-cache=\"x\", no-cache, private, private=\"x\""],
            Directives {
                no_cache: Extent::Everything,
                private: Extent::Everything,
                ..none()
            },
        ),
        (
            "§5.2.2.7",
            "names that are none are about everything",
            &["private=\"a b\", no-cache=\"\""],
            Directives {
                no_cache: Extent::Everything,
                private: Extent::Everything,
                ..none()
            },
        ),
        (
            "§5.2.2",
            "directives without an argument",
            &["public, Must-Revalidate, proxy-revalidate, must-understand, immutable"],
            Directives {
                public: true,
                must_revalidate: true,
                proxy_revalidate: true,
                must_understand: true,
                immutable: true,
                ..none()
            },
        ),
        (
            "RFC 5861 §3, §4",
            "how stale it may be",
            &["stale-while-revalidate=5, stale-if-error=\"6\""],
            Directives {
                stale_while_revalidate: given(5),
                stale_if_error: given(6),
                ..none()
            },
        ),
        (
            "§5.2",
            "single quotes are none",
            &["max-age='60'"],
            Directives {
                max_age: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "RFC 9110 §5.6.4",
            "a directive between quotes is none",
            &["x=\"no-store, private\\\", no-cache\""],
            none(),
        ),
        (
            "§5.2",
            "seconds between quotes",
            &["max-age=\"60\", s-maxage=\"70\""],
            Directives {
                max_age: given(60),
                s_maxage: given(70),
                ..none()
            },
        ),
        (
            "§1.2.2",
            "leading zeros",
            &["max-age=007"],
            Directives {
                max_age: given(7),
                ..none()
            },
        ),
        (
            "§1.2.2",
            "too great a number",
            &["max-age=99999999999999999999999999"],
            Directives {
                max_age: given(1 << 31),
                ..none()
            },
        ),
        (
            "§4.2.1",
            "the same value twice",
            &["max-age=5, max-age=\"5\"", "max-age=05"],
            Directives {
                max_age: given(5),
                ..none()
            },
        ),
        (
            "§4.2.1",
            "two values",
            &["max-age=5, max-age=6"],
            Directives {
                max_age: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "§4.2.1",
            "a third value does not heal it",
            &["max-age=5, max-age=6, max-age=6"],
            Directives {
                max_age: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "§4.2.1",
            "no number",
            &["max-age=soon, s-maxage"],
            Directives {
                max_age: Seconds::Invalid,
                s_maxage: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "§1.2.2",
            "signs and fractions are no numbers",
            &["max-age=-1, s-maxage=1.5"],
            Directives {
                max_age: Seconds::Invalid,
                s_maxage: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "§1.2.2",
            "quotes with nothing between them",
            &["max-age=\"\""],
            Directives {
                max_age: Seconds::Invalid,
                ..none()
            },
        ),
        (
            "§5.2",
            "nothing behind the equals sign",
            &["max-age="],
            Directives {
                max_age: Seconds::Invalid,
                ..malformed()
            },
        ),
        (
            "RFC 9110 §5.6.6",
            "white space around the equals sign",
            &["max-age= 60"],
            Directives {
                max_age: Seconds::Invalid,
                ..malformed()
            },
        ),
        (
            "RFC 9110 §5.6.6",
            "and before it",
            &["max-age =60"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.2",
            "a semicolon for a comma",
            &["public; max-age=60"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.2",
            "a space for a comma",
            &["private max-age=60"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.4",
            "a quote that is never closed hides what follows, so it is told",
            &["x=\"y, no-store"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.4",
            "an escape that is never ended",
            &["x=\"y\\"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.4",
            "something behind the quotes",
            &["x=\"y\"z"],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.4",
            "a quote within a name",
            &["a\"b, private, c\""],
            malformed(),
        ),
        (
            "RFC 9110 §5.6.2",
            "a name that is empty",
            &["=5"],
            malformed(),
        ),
        (
            "RFC 9110 §5.5",
            "bytes beyond ASCII",
            &["priväte"],
            malformed(),
        ),
    ];
    for (section, name, lines, expected) in cases {
        assert_eq!(parse(lines), *expected, "{section}: {name}");
    }
}

/// A directive as an origin may write it, and whether it has to be understood.
fn directive() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("no-store".to_owned()),
        Just("no-cache".to_owned()),
        Just("private".to_owned()),
        Just("private=\"a, b\"".to_owned()),
        Just("public".to_owned()),
        Just("must-revalidate".to_owned()),
        Just("no-cache=x-a".to_owned()),
        (0_u64..1000).prop_map(|seconds| format!("stale-if-error={seconds}")),
        Just("x=\"no-store, \\\"private\\\"\"".to_owned()),
        (0_u64..1000).prop_map(|seconds| format!("max-age={seconds}")),
        (0_u64..1000).prop_map(|seconds| format!("s-maxage=\"{seconds}\"")),
        "[a-z]{1,8}(=[a-z0-9]{1,8})?",
    ]
}

/// How to write the same directive differently.
#[derive(Clone, Debug)]
struct Spelling {
    upper: bool,
    before: &'static str,
    after: &'static str,
    new_line: bool,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let space = prop::sample::select(vec!["", " ", "\t", "  ", " ,", ",\t,"]);
    (any::<bool>(), space.clone(), space, any::<bool>()).prop_map(
        |(upper, before, after, new_line)| Spelling {
            upper,
            before,
            after,
            new_line,
        },
    )
}

proptest! {
    #[test]
    fn the_spelling_of_a_list_changes_nothing(
        spelled in prop::collection::vec((directive(), spelling()), 1..8),
    ) {
        let plain: Vec<_> = spelled.iter().map(|(directive, _)| directive.as_str()).collect();
        let mut lines = vec![String::new()];
        for (directive, spelling) in &spelled {
            if spelling.new_line {
                lines.push(String::new());
            }
            let line = lines.last_mut().unwrap();
            if !line.is_empty() {
                line.push(',');
            }
            line.push_str(spelling.before);
            line.push_str(&if spelling.upper {
                directive.to_uppercase()
            } else {
                directive.clone()
            });
            line.push_str(spelling.after);
        }
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        prop_assert_eq!(parse(&lines), parse(&[&plain.join(",")]));
    }

    #[test]
    fn the_order_of_a_list_changes_nothing(
        (written, shuffled) in prop::collection::vec(directive(), 1..8)
            .prop_flat_map(|written| (Just(written.clone()), Just(written).prop_shuffle())),
    ) {
        let [written, shuffled] = [written, shuffled].map(|directives| {
            let mut read = parse(&[&directives.join(", ")]);
            for extent in [&mut read.no_cache, &mut read.private] {
                if let Extent::Fields(names) = extent {
                    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                }
            }
            read
        });
        prop_assert_eq!(written, shuffled);
    }

    #[test]
    fn a_client_may_write_what_it_likes(line in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            let wishes = Wishes::parse([&line]);
            // It can ask for nothing that it does not name.
            let lower = line.as_bytes().to_ascii_lowercase();
            let names = |name: &str| lower.windows(name.len()).any(|part| part == name.as_bytes());
            prop_assert!(!wishes.no_cache || names("no-cache"));
            prop_assert!(!wishes.no_store || names("no-store"));
        }
    }

    #[test]
    fn nothing_that_fits_a_field_makes_it_panic_or_hides_a_plain_no_store(
        before in prop::collection::vec(any::<u8>(), 0..40),
        after in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let line = [&before[..], b",no-store,", &after[..]].concat();
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            let read = Directives::parse([&line]);
            // What is before it may have opened a quote. Then the rest is
            // inside of a valid string, or nothing is stored on its strength.
            let quoted = before.contains(&b'"') && after.contains(&b'"');
            prop_assert!(read.no_store || read.malformed || quoted);
        }
    }
}

fn wishes(lines: &[&str]) -> Wishes {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| HeaderValue::from_bytes(line.as_bytes()).unwrap())
        .collect();
    Wishes::parse(&lines)
}

#[test]
fn what_a_client_wishes() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let nothing = Wishes::default();
    let cases: &[(&str, &str, &[&str], Wishes)] = &[
        ("§5.2.1", "nothing", &[], nothing),
        (
            "§5.2.3",
            "what is unknown",
            &["nothing-to-see-here, x=\"no-cache\""],
            nothing,
        ),
        (
            "§5.2",
            "what is malformed",
            &["\"", "no-cache no-store"],
            nothing,
        ),
        (
            "§5.2",
            "in any case, over several lines",
            &["No-Store", "NO-CACHE, only-if-cached"],
            Wishes {
                no_store: true,
                no_cache: true,
                only_if_cached: true,
                ..nothing
            },
        ),
        (
            "§5.2.1",
            "numbers",
            &["max-age=1, min-fresh=\"2\", max-stale=3"],
            Wishes {
                max_age: seconds(1),
                min_fresh: seconds(2),
                max_stale: seconds(3),
                ..nothing
            },
        ),
        (
            "§5.2.1.2",
            "as stale as may be",
            &["max-stale"],
            Wishes {
                max_stale: Some(Duration::MAX),
                ..nothing
            },
        ),
        (
            "§5.2.1",
            "numbers that are none",
            &["max-age, min-fresh=x, max-stale=-1"],
            nothing,
        ),
        (
            "§5.2.1",
            "the strictest of several",
            &[
                "max-age=5, max-age=4, min-fresh=5, min-fresh=6",
                "max-stale, max-stale=7",
            ],
            Wishes {
                max_age: seconds(4),
                min_fresh: seconds(6),
                max_stale: seconds(7),
                ..nothing
            },
        ),
    ];
    for (section, name, lines, expected) in cases {
        assert_eq!(wishes(lines), *expected, "{section}: {name}");
    }
}

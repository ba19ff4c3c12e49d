#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use std::time::Duration;

use http::{HeaderValue, header::CDN_CACHE_CONTROL};
use proptest::prelude::*;

use super::*;

fn read_lines(fields: &[(&str, &str)], target_list: &[HeaderName]) -> Directives {
    let mut response = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        response.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    directives(&response, target_list)
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

fn targeted() -> Directives {
    Directives {
        present: true,
        targeted: true,
        ..Directives::default()
    }
}

#[test]
fn what_is_read_from_a_targeted_field() {
    let from_cache_control = Directives {
        present: true,
        max_age: given(1),
        ..Directives::default()
    };
    let cases: &[(&str, &str, &[&str], Directives)] = &[
        ("§2.2", "it is not there", &[], from_cache_control.clone()),
        ("§2.1", "empty", &[""], from_cache_control.clone()),
        (
            "§2.2",
            "it alone counts",
            &["s-maxage=5"],
            Directives {
                s_maxage: given(5),
                ..targeted()
            },
        ),
        (
            "§2.1",
            "flags",
            &["no-store, public, must-revalidate, proxy-revalidate, must-understand, immutable"],
            Directives {
                no_store: true,
                public: true,
                must_revalidate: true,
                proxy_revalidate: true,
                must_understand: true,
                immutable: true,
                ..targeted()
            },
        ),
        (
            "§2.1",
            "numbers",
            &["max-age=1, stale-while-revalidate=2, stale-if-error=3"],
            Directives {
                max_age: given(1),
                stale_while_revalidate: given(2),
                stale_if_error: given(3),
                ..targeted()
            },
        ),
        (
            "RFC 9651 §4.2",
            "several lines",
            &["max-age=1", "no-cache"],
            Directives {
                max_age: given(1),
                no_cache: Extent::Everything,
                ..targeted()
            },
        ),
        (
            "RFC 9651 §4.2.2",
            "the last of several",
            &["max-age=7, max-age=1"],
            Directives {
                max_age: given(1),
                ..targeted()
            },
        ),
        (
            "§2.1",
            "parameters and unknown directives are ignored",
            &["max-age=1;x=2, foo=(a b);c"],
            Directives {
                max_age: given(1),
                ..targeted()
            },
        ),
        (
            "RFC 9111 §1.2.2",
            "too great a number",
            &["max-age=99999999999"],
            Directives {
                max_age: given(1 << 31),
                ..targeted()
            },
        ),
        (
            "RFC 9651 §3.3.1",
            "greater than any integer",
            &["max-age=9999999999999999"],
            from_cache_control.clone(),
        ),
        (
            "§2.1",
            "a number of another type is no number",
            &["max-age=\"1\", s-maxage=1.5, stale-if-error=(1)"],
            Directives {
                max_age: Seconds::Invalid,
                s_maxage: Seconds::Invalid,
                stale_if_error: Seconds::Invalid,
                ..targeted()
            },
        ),
        (
            "§2.1",
            "a negative one",
            &["max-age=-1"],
            Directives {
                max_age: Seconds::Invalid,
                ..targeted()
            },
        ),
        (
            "§2.1",
            "a prohibition of another type counts, a permission does not",
            &["no-store=1, private=?0, no-cache=2, public=1, immutable=?0, must-understand=a"],
            Directives {
                no_store: true,
                private: Extent::Everything,
                no_cache: Extent::Everything,
                ..targeted()
            },
        ),
        (
            "§2.1",
            "names of fields, as a string",
            &["private=\"x-a, X-B\", no-cache=\"x-c\""],
            Directives {
                private: fields(&["x-a", "x-b"]),
                no_cache: fields(&["x-c"]),
                ..targeted()
            },
        ),
        (
            "§2.1",
            "a token",
            &["private=x-a"],
            Directives {
                private: fields(&["x-a"]),
                ..targeted()
            },
        ),
        (
            "§2.1",
            "names that are none",
            &["private=(x-a 5), no-cache=()"],
            Directives {
                private: Extent::Everything,
                no_cache: Extent::Everything,
                ..targeted()
            },
        ),
        (
            "§2.1",
            "one bad character",
            &["max-age=5, &&&&&"],
            from_cache_control.clone(),
        ),
        (
            "RFC 9651 §3.1.2",
            "upper case",
            &["MaX-aGe=5"],
            from_cache_control.clone(),
        ),
        (
            "RFC 9651 §3.2",
            "space before the equals sign",
            &["max-age =5"],
            from_cache_control.clone(),
        ),
        (
            "RFC 9651 §3.2",
            "space after it",
            &["max-age= 5"],
            from_cache_control.clone(),
        ),
        (
            "RFC 9651 §3.2",
            "a comma too many",
            &["max-age=5,"],
            from_cache_control.clone(),
        ),
        (
            "RFC 9651 §4.2",
            "beyond ASCII",
            &["max-age=5, ä"],
            from_cache_control.clone(),
        ),
    ];
    for (section, name, lines, expected) in cases {
        let mut response = vec![("cache-control", "max-age=1")];
        response.extend(lines.iter().map(|line| ("cdn-cache-control", *line)));
        let read = read_lines(&response, &[CDN_CACHE_CONTROL]);
        assert_eq!(read, *expected, "{section}: {name}");
    }
}

#[test]
fn the_first_valid_field_of_the_list_decides() {
    let list = [
        HeaderName::from_static("example-cache-control"),
        CDN_CACHE_CONTROL,
    ];
    let cases: &[(&str, &[(&str, &str)], Seconds)] = &[
        (
            "the first",
            &[
                ("cdn-cache-control", "max-age=2"),
                ("example-cache-control", "max-age=1"),
            ],
            given(1),
        ),
        (
            "the second, if there is no first",
            &[("cdn-cache-control", "max-age=2")],
            given(2),
        ),
        (
            "if the first is empty",
            &[
                ("example-cache-control", ""),
                ("cdn-cache-control", "max-age=2"),
            ],
            given(2),
        ),
        (
            "if the first is bad",
            &[
                ("example-cache-control", "&"),
                ("cdn-cache-control", "max-age=2"),
            ],
            given(2),
        ),
        (
            "what is not in the list is for others",
            &[
                ("other-cache-control", "max-age=9"),
                ("cache-control", "max-age=3"),
            ],
            given(3),
        ),
        (
            "the first need not say for how long",
            &[
                ("example-cache-control", "public"),
                ("cdn-cache-control", "max-age=2"),
                ("cache-control", "max-age=3"),
            ],
            Seconds::Absent,
        ),
    ];
    for (name, response, expected) in cases {
        assert_eq!(
            read_lines(response, &list).max_age,
            *expected,
            "§2.2: {name}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(line in prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..], 0..40)) {
        let mut response = HeaderMap::new();
        response.insert(CDN_CACHE_CONTROL, HeaderValue::from_bytes(&line).unwrap());
        directives(&response, &[CDN_CACHE_CONTROL]);
    }

    #[test]
    fn where_to_break_the_lines_changes_nothing(
        members in prop::collection::vec(
            prop::sample::select(vec!["no-store", "private=\"a\"", "max-age=5", "s-maxage=7", "public"]),
            1..5,
        ),
        breaks in prop::collection::vec(any::<bool>(), 5),
    ) {
        let mut lines = vec![String::new()];
        for (member, new_line) in members.iter().zip(breaks) {
            match lines.last_mut().unwrap() {
                line if line.is_empty() => line.push_str(member),
                _ if new_line => lines.push((*member).to_owned()),
                line => {
                    line.push_str(", ");
                    line.push_str(member);
                }
            }
        }
        let together = members.join(",");
        let lines: Vec<_> = lines.iter().map(|line| ("cdn-cache-control", line.as_str())).collect();
        prop_assert_eq!(
            read_lines(&lines, &[CDN_CACHE_CONTROL]),
            read_lines(&[("cdn-cache-control", &together)], &[CDN_CACHE_CONTROL])
        );
    }
}

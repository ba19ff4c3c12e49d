use super::*;

fn answer() -> Answer {
    Answer {
        retrieves: true,
        has_session: true,
        status: StatusCode::OK,
        word: Word::Silent,
        sets_session: false,
        is_public: false,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn in_doubt_a_session_is_forgotten() {
    let staff = || Bytes::from("staff");
    let word = || Word::For(staff());
    let no_session = || Answer {
        has_session: false,
        ..answer()
    };
    let post = || Answer {
        retrieves: false,
        ..answer()
    };
    let status = |status| Answer { status, ..answer() };
    let cases = [
        (
            "named",
            Answer {
                word: word(),
                ..answer()
            },
            Rendered::For(staff()),
            Lesson::Learn(staff()),
        ),
        (
            "named for visitors",
            Answer {
                word: Word::For(Bytes::new()),
                ..answer()
            },
            Rendered::For(Bytes::new()),
            Lesson::Learn(Bytes::new()),
        ),
        (
            "named in an error",
            Answer {
                word: word(),
                ..status(StatusCode::FORBIDDEN)
            },
            Rendered::For(staff()),
            Lesson::Learn(staff()),
        ),
        (
            "named after a change",
            Answer {
                word: word(),
                ..post()
            },
            Rendered::For(staff()),
            Lesson::Learn(staff()),
        ),
        (
            "named, and the cookie set anew",
            Answer {
                word: word(),
                sets_session: true,
                ..answer()
            },
            Rendered::OneClient,
            Lesson::Forget,
        ),
        (
            "named without a session",
            Answer {
                word: word(),
                ..no_session()
            },
            Rendered::For(staff()),
            Lesson::Learn(staff()),
        ),
        (
            "unclear",
            Answer {
                word: Word::Unclear,
                ..answer()
            },
            Rendered::OneClient,
            Lesson::Forget,
        ),
        ("silent", answer(), Rendered::OneClient, Lesson::Forget),
        (
            "silent after a change",
            post(),
            Rendered::OneClient,
            Lesson::Forget,
        ),
        (
            "silent after a change, and public",
            Answer {
                is_public: true,
                ..post()
            },
            Rendered::OneClient,
            Lesson::Forget,
        ),
        (
            "silent and broken",
            status(StatusCode::BAD_GATEWAY),
            Rendered::OneClient,
            Lesson::Keep,
        ),
        (
            "silent and broken after a change",
            Answer {
                retrieves: false,
                ..status(StatusCode::BAD_GATEWAY)
            },
            Rendered::OneClient,
            Lesson::Forget,
        ),
        (
            "silent, nothing changed",
            status(StatusCode::NOT_MODIFIED),
            Rendered::OneClient,
            Lesson::Keep,
        ),
        (
            "silent redirect",
            status(StatusCode::SEE_OTHER),
            Rendered::OneClient,
            Lesson::Forget,
        ),
        (
            "silent and public",
            Answer {
                is_public: true,
                ..answer()
            },
            Rendered::Unsaid,
            Lesson::Keep,
        ),
        (
            "silent without a session",
            no_session(),
            Rendered::Unsaid,
            Lesson::Keep,
        ),
        (
            "a session is handed out",
            Answer {
                sets_session: true,
                ..no_session()
            },
            Rendered::OneClient,
            Lesson::Forget,
        ),
    ];
    for (name, answer, rendered, lesson) in cases {
        assert_eq!(answer.teaches(), (rendered, lesson), "{name}");
    }
}

#[test]
fn a_word_is_one_name_and_is_taken_out() {
    let long = "x".repeat(257);
    let cases: &[(&str, &[&str], Word)] = &[
        ("none", &[], Word::Silent),
        ("a name", &["staff"], Word::For(Bytes::from("staff"))),
        (
            "a name with spaces",
            &[" Alice B "],
            Word::For(Bytes::from("Alice B")),
        ),
        ("visitors", &[""], Word::For(Bytes::new())),
        ("two", &["staff", "member"], Word::Unclear),
        ("the same twice", &["staff", "staff"], Word::Unclear),
        ("too long", &[&long], Word::Unclear),
        ("not ASCII", &["é"], Word::Unclear),
    ];
    for (name, lines, expected) in cases {
        for aside in [false, true] {
            let mut response = Response::new(());
            for line in *lines {
                let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
                response.headers_mut().append(RENDERED_FOR, line);
            }
            if aside {
                ControlFields::set_aside(&mut response);
            }
            let control = take_control_fields(&mut response);
            assert_eq!(&Word::of(&control), expected, "{name}");
            assert!(response.headers().is_empty(), "{name}");
        }
    }
}

#[test]
fn public_is_what_says_so_without_reserve() {
    let cases: &[(&str, &[(&'static str, &str)], bool)] = &[
        ("public", &[("cache-control", "max-age=60, Public")], true),
        ("nothing said", &[], false),
        ("fresh", &[("cache-control", "max-age=60")], false),
        (
            "both",
            &[("cache-control", "public"), ("cache-control", "private")],
            false,
        ),
        (
            "with a field",
            &[("cache-control", "public, private=\"x\"")],
            false,
        ),
        (
            "never stored",
            &[("cache-control", "public, no-store")],
            false,
        ),
        ("in quotes", &[("cache-control", "ext=\", public\"")], false),
        (
            "a quote that does not end",
            &[("cache-control", "public, ext=\"")],
            false,
        ),
        (
            "a cookie",
            &[("cache-control", "public"), ("set-cookie", "a=b")],
            false,
        ),
        (
            "varies by cookies",
            &[("cache-control", "public"), ("vary", "Accept, cookie")],
            false,
        ),
        (
            "varies by everything",
            &[("cache-control", "public"), ("vary", "*")],
            false,
        ),
        (
            "varies by something else",
            &[("cache-control", "public"), ("vary", "Accept")],
            true,
        ),
    ];
    for (name, fields, expected) in cases {
        let mut headers = HeaderMap::new();
        for (field, value) in *fields {
            headers.append(*field, value.parse().unwrap());
        }
        assert_eq!(is_public(&headers), *expected, "{name}");
    }
}

#[test]
fn a_session_is_set_by_its_name_and_all_that_looks_like_it() {
    let names = [CookieName::new("session")];
    let cases = [
        ("set", "session=1; Path=/", true),
        ("taken away", "session=; Max-Age=0", true),
        ("spaces around", " session = 1", true),
        ("another case", "Session=1", true),
        ("encoded", "%73ession=1", true),
        ("another one", "session_id=1", false),
        ("its name in an attribute", "a=1; Path=/session", false),
    ];
    for (name, line, expected) in cases {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, "b=2".parse().unwrap());
        headers.append(SET_COOKIE, line.parse().unwrap());
        assert_eq!(sets_any(&headers, &names), expected, "{name}");
    }
}

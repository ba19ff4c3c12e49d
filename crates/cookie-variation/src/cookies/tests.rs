use proptest::prelude::*;

use super::*;

type Read = Result<&'static str, Doubt>;

/// The value of `session`, empty if there is none.
fn session(lines: &[&[u8]], version: Version) -> Result<String, Doubt> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
    }
    let names = [CookieName::new("session")];
    let values = read(&headers, version, &names)?;
    let value = values.get(0).unwrap_or_default();
    Ok(String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn a_cookie_is_read_as_browsers_send_it_or_not_at_all() {
    let cases: &[(&str, &[u8], Read)] = &[
        ("the only one", b"session=a", Ok("a")),
        (
            "among others",
            b"_ga=GA1.2.3; session=a; theme=dark",
            Ok("a"),
        ),
        ("without spaces", b"a=b;session=a;c=d", Ok("a")),
        ("a value with equals signs", b"session=YQ==", Ok("YQ==")),
        ("an encoded value, as it is", b"session=a%3Db", Ok("a%3Db")),
        ("none", b"_ga=GA1.2.3", Ok("")),
        ("§5.6: empty is as good as absent", b"session=", Ok("")),
        (
            "a longer name",
            b"session_id=a; x-session=b; _session=c",
            Ok(""),
        ),
        ("its name as a value", b"last=session", Ok("")),
        ("its name as the end of a value", b"a=b=session=c", Ok("")),
        ("twice", b"session=a; session=b", Err(Doubt::Duplicate)),
        (
            "twice the same",
            b"session=a; session=a",
            Err(Doubt::Duplicate),
        ),
        (
            "twice, one empty",
            b"session=; session=b",
            Err(Doubt::Duplicate),
        ),
        ("in capitals", b"Session=a", Err(Doubt::Lookalike)),
        (
            "in capitals beside it",
            b"session=a; SESSION=b",
            Err(Doubt::Lookalike),
        ),
        (
            "a space before the sign",
            b"session =a",
            Err(Doubt::Lookalike),
        ),
        (
            "a tab before the sign",
            b"session\t=a",
            Err(Doubt::Lookalike),
        ),
        ("no sign", b"session", Err(Doubt::Lookalike)),
        ("a sign too many", b"=session=a", Err(Doubt::Lookalike)),
        ("an encoded name", b"%73ession=a", Err(Doubt::Lookalike)),
        ("an encoded space", b"%20session=a", Err(Doubt::Lookalike)),
        ("a quoted name", b"\"session\"=a", Err(Doubt::Lookalike)),
        ("after a comma", b"a=b, session=c", Err(Doubt::Lookalike)),
        (
            "after a comma in itself",
            b"session=a,session=b",
            Err(Doubt::Lookalike),
        ),
        ("after a space", b"a=b session=c", Err(Doubt::Lookalike)),
        ("in quotes", b"a=\"b; session=c\"", Err(Doubt::OddValue)),
        ("an array of PHP", b"session[]=a", Err(Doubt::Lookalike)),
        (
            "after a byte that is not ASCII",
            b"a=\xa0session=c",
            Err(Doubt::Lookalike),
        ),
        ("a quoted value", b"session=\"a\"", Err(Doubt::OddValue)),
        ("a value with a comma", b"session=a,b", Err(Doubt::OddValue)),
        ("a value with a space", b"session=a b", Err(Doubt::OddValue)),
        (
            "a value with a space behind",
            b"session=a ; b=c",
            Err(Doubt::OddValue),
        ),
        (
            "a value with a backslash",
            b"session=a\\b",
            Err(Doubt::OddValue),
        ),
        (
            "a value that is not ASCII",
            b"session=\xc3\xa9",
            Err(Doubt::OddValue),
        ),
    ];
    for (name, line, expected) in cases {
        let read = session(&[line], Version::HTTP_11);
        assert_eq!(read, expected.map(ToOwned::to_owned), "{name}");
    }
}

#[test]
fn what_php_would_change_is_a_lookalike() {
    let names = [CookieName::new("user_id")];
    for line in [
        "user.id=1",
        "user id=1",
        "user_id[0]=1",
        "user+id=1",
        " user%20id=1",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, line.parse().unwrap());
        let read = read(&headers, Version::HTTP_11, &names);
        assert_eq!(read, Err(Doubt::Lookalike), "{line}");
    }
}

#[test]
fn several_lines_are_one_field_in_http_2_and_a_trick_before() {
    let cases: &[(&str, &[&[u8]], Read, Read)] = &[
        ("without it", &[b"a=b", b"c=d"], Ok(""), Ok("")),
        (
            "in the first",
            &[b"session=a", b"c=d"],
            Err(Doubt::SeveralLines),
            Ok("a"),
        ),
        (
            "in the second",
            &[b"c=d", b"session=a"],
            Err(Doubt::SeveralLines),
            Ok("a"),
        ),
        (
            "empty in the second",
            &[b"c=d", b"session="],
            Err(Doubt::SeveralLines),
            Ok(""),
        ),
        (
            "in both",
            &[b"session=a", b"session=b"],
            Err(Doubt::Duplicate),
            Err(Doubt::Duplicate),
        ),
        (
            "a lookalike",
            &[b"c=d", b"Session=a"],
            Err(Doubt::Lookalike),
            Err(Doubt::Lookalike),
        ),
    ];
    for (name, lines, before, http_2) in cases {
        let read = session(lines, Version::HTTP_11);
        assert_eq!(read, before.map(ToOwned::to_owned), "{name}");
        let read = session(lines, Version::HTTP_2);
        assert_eq!(read, http_2.map(ToOwned::to_owned), "{name}, HTTP/2");
    }
}

#[test]
fn eight_kib_are_read_and_no_byte_more() {
    let fits = format!("session=a; b={}", "x".repeat(8 * 1024 - 13));
    assert_eq!(fits.len(), 8 * 1024);
    let read = session(&[fits.as_bytes()], Version::HTTP_11);
    assert_eq!(read, Ok("a".to_owned()));

    let longer = format!("{fits}x");
    let read = session(&[longer.as_bytes()], Version::HTTP_11);
    assert_eq!(read, Err(Doubt::TooLong));
    let divided = session(&[fits.as_bytes(), b"x"], Version::HTTP_2);
    assert_eq!(divided, Err(Doubt::TooLong));
}

#[test]
fn several_names_are_read_at_once() {
    let names = ["session", "remember"].map(CookieName::new);
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_static("remember=r; a=b"));
    let values = read(&headers, Version::HTTP_11, &names).unwrap();
    assert_eq!((values.get(0), values.get(1)), (None, Some(&b"r"[..])));
    assert!(values.any(0..2) && !values.any(0..1));
}

/// How several servers read cookies, each in its own wrong way.
fn readers(line: &[u8]) -> Vec<Vec<u8>> {
    let decode = |name: &[u8]| percent_decode(name).collect::<Vec<u8>>();
    let divide = |separators: &'static [u8]| {
        line.split(move |byte| separators.contains(byte))
            .filter_map(|pair| {
                let pair = pair.trim_ascii();
                let sign = pair.iter().position(|byte| *byte == b'=')?;
                Some((
                    pair[..sign].trim_ascii().to_vec(),
                    pair[sign + 1..].to_vec(),
                ))
            })
            .collect::<Vec<_>>()
    };
    let is_session = |name: &[u8]| decode(name).eq_ignore_ascii_case(b"session");
    [&b";"[..], b";,", b";, ", b";,\""]
        .into_iter()
        .flat_map(divide)
        .filter(|(name, value)| is_session(name) && !value.is_empty())
        .map(|(_, value)| value)
        .collect()
}

proptest! {
    #[test]
    fn nobody_sees_a_session_where_we_see_none(
        line in r#"((session|SESSION|ses|sion|%73|a|b)(=|;|; |, |,| |"|%20|\t){1,2}){1,8}"#,
    ) {
        let read = session(&[line.as_bytes()], Version::HTTP_11);
        if let Ok(value) = read {
            for other in readers(line.as_bytes()) {
                prop_assert_eq!(other, value.as_bytes(), "{:?}", line);
            }
        }
    }

    #[test]
    fn what_is_plain_is_a_lookalike_if_it_would_be_as_anything_else(
        pair in r#"=?(session|SESSION|ses\.ion|session\[|%73ession|ses|a|1)(=|==|,|.|"|%| ){0,2}[ -~]{0,12}"#,
    ) {
        for name in [&b"session"[..], b"ses_ion", b"a"] {
            let carefully = is_called_like(pair.as_bytes(), name)
                || holds_lookalike(pair.as_bytes(), name);
            prop_assert_eq!(is_lookalike(pair.as_bytes(), name), carefully, "{:?}", pair);
        }
    }
}

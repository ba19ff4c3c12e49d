use std::fmt::Write;

use super::*;

type Understood = Result<Option<(u16, Vec<(String, String)>, String)>, Malformed>;

/// What is understood of a head, and what is behind it.
fn understood(bytes: &str) -> Understood {
    let mut bytes = BytesMut::from(bytes);
    let mut headers = HeaderMap::from_iter([("x-old".parse().unwrap(), "1".parse().unwrap())]);
    let said = Head::default().parse(&mut bytes, &mut headers)?;
    Ok(said.map(|said| {
        let lines = headers.iter();
        let lines = lines.map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
        let rest = String::from_utf8(bytes.to_vec()).unwrap();
        (said.status.as_u16(), lines.collect(), rest)
    }))
}

#[test]
fn a_head_is_read_up_to_its_end() {
    let cases: [(&str, &str, u16, &[(&str, &str)], &str); 6] = [
        (
            "fields",
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-b:2\r\n\r\n",
            200,
            &[("x-a", "1"), ("x-b", "2")],
            "",
        ),
        (
            "with a body behind it",
            "HTTP/1.1 404 Not Found\r\n\r\nHTTP",
            404,
            &[],
            "HTTP",
        ),
        (
            "white space around a value (§5.1)",
            "HTTP/1.1 200 OK\r\nx-a: \t a b \t\r\n\r\n",
            200,
            &[("x-a", "a b")],
            "",
        ),
        (
            "no reason (§4)",
            "HTTP/1.1 200 \r\nx-a:\r\n\r\n",
            200,
            &[("x-a", "")],
            "",
        ),
        (
            "line feeds alone (§2.2)",
            "HTTP/1.1 200 OK\nx-a: 1\n\n\r\n",
            200,
            &[("x-a", "1")],
            "\r\n",
        ),
        (
            "an empty line in front",
            "\r\nHTTP/1.0 599 Whatever\r\n\r\n",
            599,
            &[],
            "",
        ),
    ];
    for (name, bytes, status, fields, rest) in cases {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let expected = (status, fields.collect(), rest.into());
        assert_eq!(understood(bytes), Ok(Some(expected)), "{name}");
    }
}

#[test]
fn what_is_not_a_head_is_refused() {
    let cases = [
        ("not HTTP", "220 mail.example ESMTP\r\n"),
        ("another version", "HTTP/2.0 200 OK\r\n\r\n"),
        ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        ("a status below 100", "HTTP/1.1 099 OK\r\n\r\n"),
        (
            "§5.1: white space in front of a colon",
            "HTTP/1.1 200 OK\r\nx-a : 1\r\n\r\n",
        ),
        (
            "§5.2: a line that goes on",
            "HTTP/1.1 200 OK\r\nx-a: 1\r\n 2\r\n\r\n",
        ),
        (
            "§2.2: white space in front of the first field",
            "HTTP/1.1 200 OK\r\n x-a: 1\r\n\r\n",
        ),
        ("no colon", "HTTP/1.1 200 OK\r\nx-a\r\n\r\n"),
        ("no name", "HTTP/1.1 200 OK\r\n: 1\r\n\r\n"),
        ("not a name", "HTTP/1.1 200 OK\r\nx a: 1\r\n\r\n"),
        ("a zero byte", "HTTP/1.1 200 OK\r\nx-a: 1\0\r\n\r\n"),
        (
            "a carriage return alone",
            "HTTP/1.1 200 OK\r\nx-a: 1\rx-b: 2\r\n\r\n",
        ),
    ];
    for (name, bytes) in cases {
        let refused = matches!(understood(bytes), Err(Malformed::Head(_)));
        assert!(refused, "{name}: {:?}", understood(bytes));
    }
}

#[test]
fn a_head_has_bounds() {
    let fields = |count| {
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        for number in 0..count {
            write!(head, "x-{number}: 1\r\n").unwrap();
        }
        head + "\r\n"
    };
    let long = |len: usize| {
        let head = "HTTP/1.1 200 OK\r\nx-a: \r\n\r\n";
        head.replace("a: ", &format!("a: {}", "x".repeat(len - head.len())))
    };
    let unended = long(MAX_HEAD + 2)[..MAX_HEAD].to_owned();
    let cases = [
        ("many fields", fields(MAX_FIELDS), None),
        (
            "one more",
            fields(MAX_FIELDS + 1),
            Some(Malformed::TooManyFields),
        ),
        ("a long one", long(MAX_HEAD), None),
        (
            "a longer one",
            long(MAX_HEAD + 1),
            Some(Malformed::HeadTooLarge),
        ),
        ("without an end", unended, Some(Malformed::HeadTooLarge)),
    ];
    for (name, head, expected) in cases {
        assert_eq!(understood(&head).err(), expected, "{name}");
    }
}

#[test]
fn a_head_may_come_byte_by_byte() {
    for head in [
        "HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n",
        "HTTP/1.1 200 OK\nx-a: 1\n\n",
        "HTTP/1.1 200 OK\nx-a: 1\n\r\n",
    ] {
        let mut parser = Head::default();
        let mut bytes = BytesMut::new();
        let mut headers = HeaderMap::new();
        for (at, byte) in head.bytes().enumerate() {
            bytes.extend_from_slice(&[byte]);
            let said = parser.parse(&mut bytes, &mut headers).unwrap();
            assert_eq!(said.is_some(), at + 1 == head.len(), "{head:?} at {at}");
        }
        assert_eq!(headers["x-a"], "1");
        assert!(bytes.is_empty());
    }
}

#[test]
fn only_an_unusual_reason_is_kept() {
    for (line, expected) in [
        ("HTTP/1.1 200 OK", None),
        ("HTTP/1.1 200 Fine, thanks", Some("Fine, thanks")),
        ("HTTP/1.1 200", Some("")),
    ] {
        let mut bytes = BytesMut::from(&format!("{line}\r\n\r\n")[..]);
        let said = Head::default().parse(&mut bytes, &mut HeaderMap::new());
        let reason = said.unwrap().unwrap().reason;
        let reason = reason.as_ref().map(ReasonPhrase::as_bytes);
        assert_eq!(reason, expected.map(str::as_bytes), "{line}");
    }
}

#[test]
fn a_head_that_is_cut_off_is_malformed_if_it_was_so_already() {
    let cases = [
        ("HTTP/1.1 200 OK\r\nx-", false),
        ("HTTP/1.1 200 OK\r\nx y", true),
    ];
    for (bytes, expected) in cases {
        let failure = Head::end(&BytesMut::from(bytes));
        assert_eq!(
            matches!(failure, Failure::Malformed(_)),
            expected,
            "{bytes}"
        );
    }
}

#[test]
fn one_head_after_the_other_is_read_as_if_it_were_the_first() {
    let heads = [
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\netag: 1\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\netag: 2\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\netag: 2\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\netag: 2\r\n\r\n",
        // What is known, and what is not, of one field.
        "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\nx-a: 1\r\netag: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 3\r\nx-a: 1\r\netag: 2\r\n\r\n",
        // One that is not plain, between those that are.
        "HTTP/1.0 200 Fine\netag:  2\n\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\netag: 2\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\netag: 2\r\nContent-Length: 5\r\n\r\n",
    ];
    let mut all = BytesMut::from(&*heads.concat());
    let mut parser = Head::default();
    let mut headers = HeaderMap::new();
    for (number, head) in heads.iter().enumerate() {
        let said = parser.parse(&mut all, &mut headers).unwrap().unwrap();
        let mut alone = HeaderMap::new();
        let expected = Head::default()
            .parse(&mut BytesMut::from(*head), &mut alone)
            .unwrap()
            .unwrap();
        assert_eq!(headers, alone, "{number}");
        assert_eq!(said.status, expected.status, "{number}");
        assert_eq!(said.version, expected.version, "{number}");
        assert_eq!(said.fields, expected.fields, "{number}");
    }
    assert!(all.is_empty());
}

#[test]
fn a_value_that_is_none_is_refused_in_a_plain_head_too() {
    let mut bytes = BytesMut::from("HTTP/1.1 200 OK\r\nx-a: 1\x7f\r\n\r\n");
    let refused = Head::default().parse(&mut bytes, &mut HeaderMap::new());
    assert!(matches!(refused, Err(Malformed::Head(_))), "{refused:?}");
}

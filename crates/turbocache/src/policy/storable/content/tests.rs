use super::*;

fn parts(fields: &[(&str, &str)]) -> response::Parts {
    let mut response = http::Response::builder();
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

#[test]
fn how_long_a_body_may_be() {
    let unknown = SizeHint::new();
    let at_least = |lower| {
        let mut hint = SizeHint::new();
        hint.set_lower(lower);
        hint
    };
    let cases: &[(
        &str,
        &[(&str, &str)],
        SizeHint,
        Result<Option<u64>, NotStored>,
    )] = &[
        (
            "as long as may be",
            &[],
            SizeHint::with_exact(1000),
            Ok(Some(1000)),
        ),
        (
            "too long",
            &[],
            SizeHint::with_exact(1001),
            Err(NotStored::TooLarge),
        ),
        (
            "too long by its field",
            &[("content-length", "1001")],
            unknown,
            Err(NotStored::TooLarge),
        ),
        (
            "too long for a number",
            &[("content-length", "99999999999999999999")],
            unknown,
            Err(NotStored::ContentLength),
        ),
        (
            "too long at least",
            &[],
            at_least(1001),
            Err(NotStored::TooLarge),
        ),
        ("not known", &[], unknown, Ok(None)),
        (
            "known by its field",
            &[("content-length", "7")],
            unknown,
            Ok(Some(7)),
        ),
        (
            "longer than its field",
            &[("content-length", "7")],
            at_least(8),
            Err(NotStored::ContentLength),
        ),
        (
            "ended by the connection",
            &[("connection", "Close")],
            unknown,
            Err(NotStored::CloseDelimited),
        ),
        (
            "known, whatever the connection does",
            &[("connection", "close"), ("content-length", "7")],
            unknown,
            Ok(Some(7)),
        ),
    ];
    for (name, fields, body, expected) in cases {
        assert_eq!(length(&parts(fields), body, 1000), *expected, "{name}");
    }
}

#[test]
fn a_body_without_a_length_that_its_connection_may_have_ended_is_not_stored() {
    type Change = fn(&mut http::response::Parts);
    let cases: [(&str, Change); 2] = [
        ("HTTP/1.0", |parts| parts.version = Version::HTTP_10),
        ("a proxy further in says so", |parts| {
            parts.extensions.insert(CloseDelimited);
        }),
    ];
    for (name, change) in cases {
        let mut parts = parts(&[]);
        change(&mut parts);
        let verdict = length(&parts, &SizeHint::new(), 1000);
        assert_eq!(verdict, Err(NotStored::CloseDelimited), "{name}");
    }
}

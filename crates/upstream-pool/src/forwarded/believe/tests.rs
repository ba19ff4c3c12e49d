use super::*;

type Fields = &'static [(&'static str, &'static str)];

fn map(fields: Fields) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

#[test]
fn what_stays_from_whom() {
    // name, trusted, fields, names that stay
    let cases: [(&str, bool, Fields, &[&str]); 8] = [
        (
            "an ordinary request",
            false,
            &[("accept", "*/*"), ("x-request-id", "1"), ("forward", "1")],
            &["accept", "forward", "x-request-id"],
        ),
        (
            "claims of a stranger",
            false,
            &[
                ("x-forwarded-for", "1.2.3.4"),
                ("x-forwarded-host", "evil.example"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-port", "443"),
                ("x-forwarded", "1"),
                ("forwarded", "for=1.2.3.4"),
                ("x-real-ip", "1.2.3.4"),
                ("host", "a.example"),
            ],
            &["host"],
        ),
        (
            "claims of a trusted proxy",
            true,
            &[
                ("x-forwarded-for", "1.2.3.4"),
                ("x-forwarded-host", "a.example"),
                ("x-forwarded-proto", "https"),
                ("x-real-ip", "1.2.3.4"),
            ],
            &[
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-proto",
                "x-real-ip",
            ],
        ),
        (
            "what a trusted proxy may have let through",
            true,
            &[
                ("x-forwarded-port", "1"),
                ("x-forwarded-prefix", "/evil"),
                ("forwarded", "host=evil.example"),
            ],
            &[],
        ),
        (
            "names that CGI makes the same",
            true,
            &[
                ("x_forwarded_for", "1.2.3.4"),
                ("x-forwarded_host", "evil.example"),
                ("x_real-ip", "1.2.3.4"),
            ],
            &[],
        ),
        (
            "control fields",
            true,
            &[("!~request-oob-work", "1"), ("!~", "1"), ("!x", "1")],
            &["!x"],
        ),
        ("httpoxy", true, &[("proxy", "evil.example")], &[]),
        (
            "a trusted proxy that talks nonsense",
            true,
            &[("x-forwarded-host", "a b"), ("x-forwarded-proto", "gopher")],
            &[],
        ),
    ];
    for (name, trusted, fields, expected) in cases {
        let mut headers = map(fields);
        believe(&mut headers, &Uri::from_static("/"), || trusted);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, expected, "{name}");
    }
}

#[test]
fn which_origin_was_meant() {
    let cases: [(&str, bool, &str, Fields, Option<&str>); 12] = [
        ("nobody says", true, "/", &[("host", "in")], None),
        (
            "both",
            true,
            "/",
            &[
                ("host", "in"),
                ("x-forwarded-proto", "HTTPS"),
                ("x-forwarded-host", "a:8443"),
            ],
            Some("https://a:8443"),
        ),
        (
            "only the scheme",
            true,
            "/",
            &[("host", "in"), ("x-forwarded-proto", "https")],
            Some("https://in"),
        ),
        (
            "only the host",
            true,
            "/",
            &[("host", "in"), ("x-forwarded-host", "a")],
            Some("http://a"),
        ),
        (
            "the target's host goes before Host",
            true,
            "http://target/",
            &[("host", "in"), ("x-forwarded-proto", "https")],
            Some("https://target"),
        ),
        (
            "a stranger's word",
            false,
            "/",
            &[("host", "in"), ("x-forwarded-host", "evil")],
            None,
        ),
        (
            "two hosts",
            true,
            "/",
            &[("x-forwarded-host", "a"), ("x-forwarded-host", "b")],
            None,
        ),
        (
            "a list of schemes",
            true,
            "/",
            &[("host", "in"), ("x-forwarded-proto", "https, http")],
            None,
        ),
        (
            "credentials",
            true,
            "/",
            &[("x-forwarded-host", "u@a")],
            None,
        ),
        ("a path", true, "/", &[("x-forwarded-host", "a/b")], None),
        (
            "an empty host",
            true,
            "/",
            &[("x-forwarded-host", "")],
            None,
        ),
        (
            "a scheme for no host",
            true,
            "/",
            &[("x-forwarded-proto", "https")],
            None,
        ),
    ];
    for (name, trusted, uri, fields, expected) in cases {
        let uri = Uri::from_static(uri);
        let origin = believe(&mut map(fields), &uri, || trusted)
            .map(|origin| format!("{}://{}", origin.scheme, origin.authority));
        assert_eq!(origin.as_deref(), expected, "{name}");
    }
}

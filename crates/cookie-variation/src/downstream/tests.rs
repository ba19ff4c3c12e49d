use super::*;

type Fields = &'static [(&'static str, &'static str)];

fn declared(audience: Audience, fields: Fields) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().unwrap());
    }
    audience.declare(&mut headers);
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_page_for_visitors_varies_and_stays_as_it_is() {
    let cases: &[(&str, Fields, &[&str])] = &[
        ("nothing said", &[], &["vary: Cookie"]),
        (
            "varies by something else",
            &[("vary", "Accept-Encoding")],
            &["vary: Accept-Encoding", "vary: Cookie"],
        ),
        (
            "varies already",
            &[("vary", "Accept, COOKIE")],
            &["vary: Accept, COOKIE"],
        ),
        ("varies by everything", &[("vary", "*")], &["vary: *"]),
        (
            "public",
            &[("cache-control", "public, s-maxage=60")],
            &["cache-control: public, s-maxage=60", "vary: Cookie"],
        ),
    ];
    for (name, fields, expected) in cases {
        assert_eq!(declared(Audience::Visitors, fields), *expected, "{name}");
    }
}

#[test]
fn no_shared_cache_beyond_us_may_store_any_other() {
    let cases: &[(&str, Fields, &str)] = &[
        ("nothing said", &[], "private"),
        (
            "fresh",
            &[("cache-control", "max-age=60")],
            "private, max-age=60",
        ),
        (
            "public",
            &[(
                "cache-control",
                "Public, max-age=60, S-MaxAge=600, immutable",
            )],
            "private, max-age=60, immutable",
        ),
        (
            "on two lines",
            &[("cache-control", "public"), ("cache-control", "max-age=60")],
            "private, max-age=60",
        ),
        (
            "private",
            &[("cache-control", "private, max-age=1")],
            "private, max-age=1",
        ),
        (
            "§5.2.2.7: private for one field only",
            &[("cache-control", "private=\"set-cookie, x\", max-age=60")],
            "private, max-age=60",
        ),
        (
            "no-store, which says more",
            &[("cache-control", "no-store")],
            "no-store",
        ),
        (
            "a comma in quotes",
            &[("cache-control", "ext=\"a, public\", public")],
            "private, ext=\"a, public\"",
        ),
        (
            "a quote that does not end",
            &[("cache-control", "ext=\"a, max-age=60")],
            "private, no-store",
        ),
        (
            "targeted (RFC 9213)",
            &[
                ("cdn-cache-control", "max-age=60"),
                ("cloudflare-cdn-cache-control", "max-age=60"),
                ("surrogate-control", "max-age=60"),
                ("x-accel-expires", "60"),
            ],
            "private",
        ),
    ];
    for (name, fields, cache_control) in cases {
        let expected = [
            format!("cache-control: {cache_control}"),
            "vary: Cookie".to_owned(),
        ];
        assert_eq!(declared(Audience::SomeOnly, fields), expected, "{name}");
    }
}

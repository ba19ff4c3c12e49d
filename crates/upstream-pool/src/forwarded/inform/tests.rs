use http::Uri;

use super::*;

/// A request, and what the application is told of it.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    uri: &'static str,
    host: Option<&'static str>,
    /// What a trusted proxy says.
    said: &'static [&'static str],
    origin: Option<&'static str>,
    peer: Option<&'static str>,
    told: [Option<&'static str>; 3],
}

const CLIENT: Case = Case {
    name: "a client",
    uri: "/",
    host: Some("in"),
    said: &[],
    origin: None,
    peer: Some("192.0.2.7"),
    told: [Some("192.0.2.7"), Some("http"), Some("in")],
};

#[test]
fn the_application_learns_who_asks() {
    let cases = [
        Case {
            name: "nobody knows anything",
            host: None,
            peer: None,
            told: [None, Some("http"), None],
            ..CLIENT
        },
        CLIENT,
        Case {
            name: "an IPv4 client on an IPv6 listener",
            peer: Some("::ffff:192.0.2.7"),
            ..CLIENT
        },
        Case {
            name: "an absolute target",
            uri: "http://target:81/",
            told: [Some("192.0.2.7"), Some("http"), Some("target:81")],
            ..CLIENT
        },
        Case {
            name: "a trusted proxy",
            said: &["198.51.100.1", "198.51.100.2"],
            origin: Some("https://forum.example"),
            peer: Some("10.0.0.1"),
            told: [
                Some("198.51.100.1, 198.51.100.2, 10.0.0.1"),
                Some("https"),
                Some("forum.example"),
            ],
            ..CLIENT
        },
        Case {
            name: "another scheme",
            origin: Some("https://in"),
            told: [Some("192.0.2.7"), Some("https"), Some("in")],
            ..CLIENT
        },
        Case {
            name: "a client without an address",
            peer: None,
            told: [None, Some("http"), Some("in")],
            ..CLIENT
        },
        Case {
            name: "a client on IPv6",
            peer: Some("2001:db8::1"),
            told: [Some("2001:db8::1"), Some("http"), Some("in")],
            ..CLIENT
        },
    ];
    // Of the case before: it must not say of one client what it has said of another.
    let mut beside = Beside::default();
    for case in cases {
        let name = case.name;
        let mut request = case.request();
        let peer = case
            .peer
            .map(|peer| Peer::new(peer.parse().unwrap()).unwrap());
        let told = Told::of(&request, peer.as_ref());
        let names = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST];
        for time in 1..=2 {
            let fields = names
                .iter()
                .cloned()
                .zip(case.told)
                .filter_map(|(name, value)| Some((name, HeaderValue::from_static(value?))));
            let expected = case.said.is_empty().then(|| fields.collect());
            assert_eq!(beside.fields(&told), expected, "{name}, the {time}. time");
        }
        put(told.fields(), request.headers_mut());
        for (field, expected) in names.iter().zip(case.told) {
            let lines: Vec<_> = request.headers().get_all(field).iter().collect();
            assert_eq!(lines, Vec::from_iter(expected), "{name}: {field}");
        }
    }
}

impl Case {
    fn request(self) -> Request<()> {
        let mut request = Request::builder().uri(self.uri);
        if let Some(host) = self.host {
            request = request.header(HOST, host);
        }
        for address in self.said {
            request = request.header(X_FORWARDED_FOR, *address);
        }
        if let Some(origin) = self.origin {
            let origin = Uri::from_static(origin).into_parts();
            request = request.extension(TargetOrigin {
                scheme: origin.scheme.unwrap(),
                authority: origin.authority.unwrap(),
            });
        }
        request.body(()).unwrap()
    }
}

#[test]
fn nothing_is_told_beside_what_a_request_says() {
    let peer = Peer::new([10, 0, 0, 1].into()).unwrap();
    for (name, expected) in [
        (X_FORWARDED_FOR, "said, 10.0.0.1"),
        (X_FORWARDED_PROTO, "http"),
        (X_FORWARDED_HOST, "in"),
    ] {
        let mut request = Request::new(());
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("in"));
        headers.append(&name, HeaderValue::from_static("said"));
        let told = Told::of(&request, Some(&peer));
        assert_eq!(Beside::default().fields(&told), None, "{name}");
        put(told.fields(), request.headers_mut());
        let lines: Vec<_> = request.headers().get_all(&name).iter().collect();
        assert_eq!(lines, [expected], "{name}");
        assert_eq!(request.headers().len(), 4, "{name}");
    }
}

//! An exchange, some time, and another request, drawn at random.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples.
const START: Duration = Duration::from_secs(784_111_777);

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) first: Asked,
    pub(crate) status: u16,
    pub(crate) response: Vec<(&'static str, String)>,
    /// Seconds between both requests.
    pub(crate) wait: u64,
    pub(crate) second: Asked,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) fields: Vec<(&'static str, &'static str)>,
}

impl Asked {
    pub(crate) fn request<B: Default>(&self) -> Request<B> {
        let mut request = Request::builder()
            .method(self.method)
            .uri("/page")
            .header("host", "forum.example");
        for (name, value) in &self.fields {
            request = request.header(*name, *value);
        }
        request.body(B::default()).unwrap()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| *known == name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

impl Case {
    /// When the first request is made.
    pub(crate) fn start() -> SystemTime {
        SystemTime::UNIX_EPOCH + START
    }

    pub(crate) fn response<B: Default>(&self) -> Response<B> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.response {
            response = response.header(*name, value);
        }
        response.body(B::default()).unwrap()
    }

    /// The value of a field of the response other than `Cache-Control`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut fields = self.response.iter();
        fields
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn directives(&self) -> impl Iterator<Item = &str> {
        let lines = self
            .response
            .iter()
            .filter(|(name, _)| *name == "cache-control");
        lines.map(|(_, line)| line.as_str())
    }

    pub(crate) fn says(&self, directive: &str) -> bool {
        self.directives().any(|said| said == directive)
    }

    /// How many different lifetimes it has.
    pub(crate) fn lifetimes(&self) -> usize {
        let lifetimes = self.directives().filter(|said| {
            let name = said.split('=').next().unwrap_or_default();
            ["max-age", "s-maxage"].contains(&name.to_ascii_lowercase().as_str())
        });
        lifetimes.collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn date_is_in_the_past(&self) -> bool {
        self.value("date") == Some(&date(-20))
    }
}

const DIRECTIVES: [&str; 25] = [
    "max-age=60",
    "max-age=60",
    "max-age=60",
    "max-age=60",
    "max-age=0",
    "max-age=30",
    "Max-Age=60",
    "max-age=\"60\"",
    "max-age=sixty",
    "max-age=9999999999999999999999",
    "s-maxage=40",
    "s-maxage=0",
    "public",
    "private",
    "PRIVATE",
    "private=\"x-secret\"",
    "no-store",
    "no-cache",
    "no-cache=\"x-secret\"",
    "must-revalidate",
    "proxy-revalidate",
    "no-store, must-understand",
    "immutable",
    "stale-while-revalidate=100",
    "extension=\"a, no-store\"",
];

const STATUSES: [u16; 12] = [200, 200, 200, 200, 200, 204, 302, 404, 410, 500, 299, 304];

fn date(seconds: i64) -> String {
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let start = Case::start();
    httpdate::fmt_http_date(if seconds < 0 {
        start - offset
    } else {
        start + offset
    })
}

/// A field that is there so many times of a hundred.
fn maybe<V: Clone + std::fmt::Debug + 'static>(
    percent: u32,
    name: &'static str,
    values: Vec<V>,
) -> BoxedStrategy<Option<(&'static str, V)>> {
    let field = select(values).prop_map(move |value| (name, value));
    option::weighted(f64::from(percent) / 100.0, field).boxed()
}

fn asked(wishes: Vec<&'static str>) -> impl Strategy<Value = Asked> {
    let fields = vec![
        maybe(40, "accept-language", vec!["en", "de"]),
        maybe(5, "authorization", vec!["Basic YTpi"]),
        maybe(5, "cookie", vec!["id=1"]),
        maybe(10, "pragma", vec!["no-cache", "foo"]),
        maybe(10, "cache-control", wishes),
    ];
    let method = prop_oneof![20 => Just("GET"), 1 => Just("HEAD"), 1 => Just("POST")];
    (method, fields).prop_map(|(method, fields)| Asked {
        method,
        fields: fields.into_iter().flatten().collect(),
    })
}

pub(crate) fn any() -> impl Strategy<Value = Case> {
    let line = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cache_control = vec(select(&DIRECTIVES[..]), 0..4).prop_map(|lines| {
        let lines = lines
            .into_iter()
            .map(|line| ("cache-control", line.to_owned()));
        lines.collect::<Vec<_>>()
    });
    let others = vec![
        maybe(
            80,
            "date",
            vec![
                date(0),
                date(0),
                date(0),
                date(-20),
                date(20),
                "yesterday".to_owned(),
            ],
        ),
        maybe(15, "age", line(&["10", "100", "-1", "ten", "5, 100"])),
        maybe(
            20,
            "expires",
            vec![
                date(50),
                date(0),
                date(-50),
                "0".to_owned(),
                "Sunday, 06-Nov-94 08:50:27 GMT".to_owned(),
            ],
        ),
        maybe(
            40,
            "last-modified",
            vec![date(-1000), date(-86_400), "long ago".to_owned()],
        ),
        maybe(30, "etag", line(&["\"1\"", "W/\"1\""])),
        maybe(
            20,
            "vary",
            line(&["accept-language", "*", "Accept-Language, Cookie"]),
        ),
        maybe(5, "set-cookie", line(&["id=1"])),
        maybe(5, "pragma", line(&["no-cache"])),
        maybe(
            5,
            "cdn-cache-control",
            line(&["max-age=60", "no-store", "&&&"]),
        ),
        maybe(3, "x-secret", line(&["1"])),
    ];
    let wait = select(vec![0, 0, 1, 10, 29, 30, 31, 39, 41, 59, 61, 200]);
    // With `only-if-cached`, there would be no exchange.
    let first = vec!["no-cache", "no-store", "max-age=5", "foo"];
    let second = vec![
        "no-cache",
        "no-store",
        "max-age=5",
        "max-age=1000",
        "min-fresh=30",
        "max-stale",
        "max-stale=5",
        "only-if-cached",
        "foo",
    ];
    (
        asked(first),
        select(&STATUSES[..]),
        cache_control,
        others,
        wait,
        asked(second),
    )
        .prop_map(|(first, status, mut response, others, wait, second)| {
            response.extend(others.into_iter().flatten());
            Case {
                first,
                status,
                response,
                wait,
                second,
            }
        })
}

//! What happens, drawn at random.

use proptest::{collection::vec, option, prelude::*, sample::select};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// So many seconds pass.
    Wait(u64),
    /// A client asks; if the cache asks the origin, it does as it is told.
    Ask(Ask, Reply),
}

/// What a client asks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) fields: Vec<(&'static str, &'static str)>,
}

/// What the origin does for as long as this step lasts.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It breaks the connection.
    Fail,
    Respond {
        /// The page is no longer what it was.
        changed: bool,
        /// Not 200, whatever was asked.
        status: Option<u16>,
        /// All that it says about caching.
        said: Said,
        /// Its length is not known beforehand.
        streamed: bool,
    },
}

/// What a response says about its use by caches.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) cache_control: Vec<&'static str>,
    pub(crate) cdn_cache_control: Option<&'static str>,
    pub(crate) vary: Option<&'static str>,
    pub(crate) age: Option<u64>,
    /// Seconds by which its `Date` is off; none if it has no `Date`.
    pub(crate) date: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) last_modified: bool,
    pub(crate) etag: bool,
    pub(crate) set_cookie: bool,
}

/// What an origin says that has thought about it.
const LIFETIMES: [&str; 4] = ["max-age=60", "max-age=10", "s-maxage=20", "MAX-AGE=30"];
const EXTRAS: [&str; 6] = [
    "must-revalidate",
    "stale-while-revalidate=30",
    "stale-if-error=100",
    "public",
    "no-cache=\"x-secret\"",
    "Private=\"x-secret\"",
];

/// What an origin says that says anything.
const WILD: [&str; 18] = [
    "max-age=60",
    "max-age=0",
    "MAX-AGE=30",
    "s-maxage=0",
    "s-maxage=20",
    "public",
    "private",
    "Private=\"x-secret\"",
    "no-store",
    "No-Cache",
    "no-cache=\"x-secret\"",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "stale-while-revalidate=30",
    "immutable",
    "community=\"UCI, private\"",
    "max-age=sixty",
];

/// Nine of ten are safe.
const METHODS: [&str; 20] = [
    "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET",
    "GET", "GET", "HEAD", "HEAD", "HEAD", "POST", "M-SEARCH",
];

const STATUSES: [u16; 10] = [200, 204, 301, 404, 410, 403, 500, 503, 299, 599];

/// What a client may say, each in so many of a hundred requests.
const FIELDS: [(u32, &str, &[&str]); 9] = [
    (50, "accept-language", &["en", "de"]),
    (15, "cookie", &["id=1", "id=2"]),
    (10, "authorization", &["Basic YTpi", "Basic Yzpk"]),
    (
        10,
        "range",
        &["bytes=0-3", "bytes=2-", "bytes=-2", "bytes=90-"],
    ),
    (
        10,
        "if-none-match",
        &["\"0\"", "\"1\"", "*", "\"x\", \"2\""],
    ),
    (5, "if-modified-since", &["Sun, 06 Nov 1994 08:00:00 GMT"]),
    (5, "if-range", &["\"0\"", "\"1\""]),
    (
        15,
        "cache-control",
        &[
            "no-cache",
            "max-age=5",
            "no-store",
            "only-if-cached",
            "max-stale",
            "foo",
        ],
    ),
    (5, "pragma", &["no-cache", "foo"]),
];

pub(crate) fn any() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => select(vec![1, 5, 9, 10, 11, 25, 59, 61, 200]).prop_map(Step::Wait),
        5 => (ask(), reply()).prop_map(|(ask, reply)| Step::Ask(ask, reply)),
    ];
    vec(step, 1..40)
}

fn ask() -> impl Strategy<Value = Ask> {
    let fields = FIELDS.map(|(percent, name, values)| {
        let field = select(values).prop_map(move |value| (name, value));
        option::weighted(f64::from(percent) / 100.0, field)
    });
    (
        select(&METHODS[..]),
        prop_oneof![4 => Just("/a"), 1 => Just("/b")],
        fields.to_vec(),
    )
        .prop_map(|(method, path, fields)| Ask {
            method,
            path,
            fields: fields.into_iter().flatten().collect(),
        })
}

fn reply() -> impl Strategy<Value = Reply> {
    let respond = (
        any_bool(30),
        option::weighted(0.15, select(&STATUSES[..])),
        said(),
        any_bool(20),
    );
    prop_oneof![
        1 => Just(Reply::Fail),
        12 => respond.prop_map(|(changed, status, said, streamed)| Reply::Respond {
            changed,
            status,
            said,
            streamed,
        }),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    (
        cache_control(),
        option::weighted(
            0.1,
            select(&["max-age=25", "no-store", "private", "no-cache", "&&&"][..]),
        ),
        option::weighted(
            0.3,
            select(&["accept-language", "Accept-Language, Cookie", "*", "cookie"][..]),
        ),
        option::weighted(0.1, select(&[3, 30][..])),
        option::weighted(0.8, prop_oneof![4 => Just(0), 1 => Just(-7), 1 => Just(7)]),
        option::weighted(0.2, select(&[-10, 0, 40][..])),
        any_bool(60),
        any_bool(70),
        any_bool(5),
    )
        .prop_map(
            |(
                cache_control,
                cdn_cache_control,
                vary,
                age,
                date,
                expires,
                last_modified,
                etag,
                set_cookie,
            )| Said {
                cache_control,
                cdn_cache_control,
                vary,
                age,
                date,
                expires,
                last_modified,
                etag,
                set_cookie,
            },
        )
}

fn cache_control() -> impl Strategy<Value = Vec<&'static str>> {
    let sane = (
        select(&LIFETIMES[..]),
        option::weighted(0.6, select(&EXTRAS[..])),
    );
    prop_oneof![
        2 => sane.prop_map(|(lifetime, extra)| [lifetime].into_iter().chain(extra).collect()),
        1 => vec(select(&WILD[..]), 0..4),
    ]
}

fn any_bool(percent: u32) -> impl Strategy<Value = bool> {
    prop::bool::weighted(f64::from(percent) / 100.0)
}

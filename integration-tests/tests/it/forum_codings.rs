//! The forum compresses its pages once, and the cache gives them to whoever takes that
//! coding: the same page to the same people as without.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{ACCEPT_ENCODING, COOKIE, IF_NONE_MATCH, IF_RANGE, RANGE},
    response,
};
use http_body_util::BodyExt;
use integration_tests::{Server, client, run, wait};

use crate::{
    forum::{start, start_program},
    forum_people::{Reader, reached},
};

/// As browsers have it.
const BROWSER: (HeaderName, &str) = (ACCEPT_ENCODING, "gzip, deflate, br, zstd");

/// An answer as it came, whatever its coding.
struct Answer {
    head: response::Parts,
    body: Bytes,
}

impl Answer {
    async fn to(
        server: &Server,
        method: Method,
        path: &str,
        fields: &[(HeaderName, &str)],
    ) -> Self {
        let mut request = client::request(method, path);
        for (name, value) in fields {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().append(name, value);
        }
        wait::bounded("the answer", async {
            let answer = client::open(server.address(), request).await.unwrap();
            let (head, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Self { head, body }
        })
        .await
    }

    /// The lines of a field, joined.
    fn field(&self, name: &str) -> String {
        let lines = self.head.headers.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
        lines.join(", ")
    }

    fn is_hit(&self) -> bool {
        self.field("cache-status").contains("; hit")
    }

    fn is_compressed(&self) -> bool {
        self.field("content-encoding") == "gzip"
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.is_compressed() {
            GzDecoder::new(&*self.body)
                .read_to_string(&mut text)
                .unwrap();
        } else {
            (&*self.body).read_to_string(&mut text).unwrap();
        }
        text
    }
}

async fn get(server: &Server, path: &str, fields: &[(HeaderName, &str)]) -> Answer {
    Answer::to(server, Method::GET, path, fields).await
}

#[tokio::test]
async fn browsers_share_a_page_in_whatever_order_they_name_the_codings() {
    let server = start().await;
    let before = reached(&server).await;
    let first = get(&server, "/topics/1", &[BROWSER]).await;
    assert!(first.is_compressed() && !first.is_hit());
    for codings in [
        &["gzip, deflate, br, zstd"][..],
        &["zstd, br, deflate, gzip"],
        &["gzip,deflate,br"],
        &["GZIP, deflate"],
        &["gzip"],
        &["br", "gzip"],
    ] {
        let fields: Vec<_> = codings
            .iter()
            .map(|line| (ACCEPT_ENCODING, *line))
            .collect();
        let answer = get(&server, "/topics/1", &fields).await;
        assert!(answer.is_hit(), "{codings:?}: {:?}", answer.head);
        assert!(answer.is_compressed(), "{codings:?}");
        assert_eq!(answer.body, first.body, "{codings:?}");
        let length = answer.body.len().to_string();
        assert_eq!(answer.field("content-length"), length, "{codings:?}");
        assert_eq!(answer.field("vary"), "accept-encoding, Cookie");
    }
    assert_eq!(reached(&server).await - before, 1);

    // Who takes none of them shares the page with others who do not.
    for (codings, hit) in [(None, false), (None, true), (Some("identity"), true)] {
        let fields: Vec<_> = codings
            .map(|codings| (ACCEPT_ENCODING, codings))
            .into_iter()
            .collect();
        let answer = get(&server, "/topics/1", &fields).await;
        assert!(!answer.is_compressed(), "{codings:?}");
        assert_eq!(answer.is_hit(), hit, "{codings:?}");
        assert!(answer.text().contains("Welcome, passengers"), "{codings:?}");
    }
    assert_eq!(reached(&server).await - before, 2);
}

#[tokio::test]
async fn what_changes_a_page_changes_it_in_every_coding() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let codings = [&[BROWSER][..], &[]];
    for round in 0..3 {
        let news = format!("The news of round {round}.");
        for fields in codings {
            get(&server, "/topics/1", fields).await;
            assert!(get(&server, "/topics/1", fields).await.is_hit());
        }
        let form = format!("text={news}");
        let answer = ines.post("/topics/1/posts", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        for fields in codings {
            let page = get(&server, "/topics/1", fields).await;
            assert_eq!(page.is_compressed(), !fields.is_empty());
            assert!(page.text().contains(&news), "{}", page.text());
        }
    }
    let socket = server.admin_socket();
    let purged = run(&["purge", "/topics/1", "--admin-socket", &socket]).await;
    assert!(purged.status.success(), "{purged:?}");
    for fields in codings {
        assert!(!get(&server, "/topics/1", fields).await.is_hit());
    }
}

#[tokio::test]
async fn who_has_a_page_is_told_so_from_memory_in_his_coding() {
    let server = start().await;
    let mut tags = Vec::new();
    for codings in [&[BROWSER][..], &[]] {
        let page = get(&server, "/", codings).await;
        let tag = page.field("etag");
        assert!(tag.starts_with("W/"), "{tag}");
        let fields = [codings, &[(IF_NONE_MATCH, &*tag)]].concat();
        let answer = get(&server, "/", &fields).await;
        assert_eq!(answer.head.status, StatusCode::NOT_MODIFIED);
        assert!(answer.is_hit(), "{:?}", answer.head);
        assert_eq!(answer.field("vary"), "accept-encoding, Cookie");
        assert_eq!(answer.field("etag"), tag);
        assert_eq!(answer.body, "");

        let head = Answer::to(&server, Method::HEAD, "/", codings).await;
        assert!(head.is_hit(), "{:?}", head.head);
        assert_eq!(head.body, "");
        for name in ["etag", "vary", "content-encoding", "content-type"] {
            assert_eq!(head.field(name), page.field(name), "{name}");
        }
        assert_eq!(head.field("content-length"), page.body.len().to_string());
        tags.push(tag);
    }
    // They were rendered one after the other, and each says when.
    assert_ne!(tags[0], tags[1]);
    let answer = get(&server, "/", &[BROWSER, (IF_NONE_MATCH, &tags[1])]).await;
    assert_eq!(answer.head.status, StatusCode::OK);
    assert!(answer.is_hit() && answer.is_compressed());
}

#[tokio::test]
async fn a_part_is_one_of_what_is_sent() {
    let server = start().await;
    let whole = get(&server, "/", &[BROWSER]).await;
    let plain = get(&server, "/", &[]).await;
    for (codings, whole) in [(&[BROWSER][..], &whole), (&[], &plain)] {
        let fields = [codings, &[(RANGE, "bytes=10-19")]].concat();
        let part = get(&server, "/", &fields).await;
        assert_eq!(part.head.status, StatusCode::PARTIAL_CONTENT);
        assert!(part.is_hit(), "{:?}", part.head);
        assert_eq!(
            part.field("content-encoding"),
            whole.field("content-encoding")
        );
        let of = format!("bytes 10-19/{}", whole.body.len());
        assert_eq!(part.field("content-range"), of);
        assert_eq!(part.body, whole.body[10..20]);

        // RFC 9110 §13.1.5: by a weak entity tag, nobody knows that he has the rest.
        let tag = whole.field("etag");
        let fields = [&fields[..], &[(IF_RANGE, &*tag)]].concat();
        let answer = get(&server, "/", &fields).await;
        assert_eq!(answer.head.status, StatusCode::OK);
        assert_eq!(answer.body, whole.body);
    }
}

/// Whoever asks, in whatever coding, and in whatever way pages vary by cookies.
#[tokio::test]
async fn nobody_gets_the_page_of_another_level_in_any_coding() {
    let folder = tempfile::tempdir().unwrap();
    for (number, options) in [
        &["--config", "/dev/null"][..],
        &[
            "--config",
            "/dev/null",
            "--turbocache-without-cookie",
            "session",
        ],
        &["--vary-turbocache-by-session", "session"],
    ]
    .into_iter()
    .enumerate()
    {
        let database = folder.path().join(number.to_string());
        let server = start_program(database.to_str().unwrap(), options).await;
        let [member, staff] = [
            Reader::logged_in(&server, "Ines").await,
            Reader::logged_in(&server, "Marit").await,
        ]
        .map(|reader| reader.cookie.unwrap());
        for round in 0..3 {
            let people = [
                ("visitor", "_ga"),
                ("member", &*member),
                ("staff", &*staff),
                ("visitor", "session=forged; _ga"),
            ];
            for (level, cookies) in people {
                for codings in [Some("gzip, deflate, br, zstd"), None, Some("br, gzip")] {
                    // Analytics have another one for each.
                    let cookies = format!("{cookies}; _ga={round}");
                    let mut fields = vec![(COOKIE, &*cookies)];
                    fields.extend(codings.map(|codings| (ACCEPT_ENCODING, codings)));
                    let name = format!("{options:?}, {level}, {codings:?}, round {round}");
                    for path in ["/topics/1", "/json/topics/1"] {
                        let page = get(&server, path, &fields).await;
                        assert_eq!(page.head.status, StatusCode::OK, "{name}");
                        assert_eq!(page.is_compressed(), codings.is_some(), "{name}");
                        let text = page.text();
                        let says = match path {
                            "/topics/1" => format!("data-level=\"{level}\""),
                            _ => format!("\"level\":\"{level}\""),
                        };
                        assert!(text.contains(&says), "{name}: {text}");
                        let shared = level == "visitor" && cookies.starts_with("_ga");
                        assert!(!shared || round == 0 || page.is_hit(), "{name}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn who_takes_nothing_that_there_is_spoils_nothing_for_others() {
    let server = start().await;
    for path in ["/", "/members", "/me"] {
        for _ in 0..2 {
            let nothing = (ACCEPT_ENCODING, "br, identity;q=0");
            let refused = get(&server, path, &[nothing]).await;
            assert_eq!(refused.head.status, StatusCode::NOT_ACCEPTABLE, "{path}");
        }
        for codings in [&[BROWSER][..], &[]] {
            let answer = get(&server, path, codings).await;
            assert_ne!(answer.head.status, StatusCode::NOT_ACCEPTABLE, "{path}");
        }
    }
}

//! In which coding are pages sent?

use std::io::Read;

use axum::{body::Bytes, response::Response};
use flate2::read::GzDecoder;

use super::*;

/// As browsers have it.
const BROWSER: &str = "gzip, deflate, br, zstd";

impl Site {
    async fn get_as(&self, method: Method, path: &str, codings: Option<&str>) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(codings) = codings {
            request = request.header("accept-encoding", codings);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

async fn bytes(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

fn uncompressed(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// All lines of `Vary`.
fn varies_by(response: &Response) -> Vec<&str> {
    let lines = response.headers().get_all("vary").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

/// Without what says when, and by whom, it was rendered.
fn undated(page: &str) -> String {
    let (before, rest) = page.split_once("Rendered for").unwrap();
    let (_, after) = rest.split_once("UTC").unwrap();
    format!("{before}{after}")
}

#[tokio::test]
async fn what_is_long_is_compressed_for_whoever_takes_that() {
    let site = Site::new();
    let style = crate::assets::STYLE.path();
    let script = crate::assets::SCRIPT.path();
    let both = &["Cookie", "accept-encoding"][..];
    // Path, what is taken, the coding, `Vary`.
    let cases = [
        ("/", Some(BROWSER), "gzip", both),
        ("/", Some("br, gzip"), "gzip", both),
        ("/", Some("deflate, br"), "", both),
        ("/", Some("gzip;q=0"), "", both),
        ("/", None, "", both),
        ("/topics/1", Some(BROWSER), "gzip", both),
        ("/json/topics/1", Some(BROWSER), "gzip", both),
        ("/json/topics/1", None, "", both),
        ("/nothing", Some(BROWSER), "gzip", &both[1..]),
        (&style, Some(BROWSER), "gzip", &both[1..]),
        (&script, Some(BROWSER), "gzip", &both[1..]),
        ("/me", Some(BROWSER), "", &both[..1]),
        ("/members", Some(BROWSER), "", &both[..1]),
    ];
    for (path, taken, coding, vary) in cases {
        let name = format!("{path} for {taken:?}");
        let page = site.get_as(Method::GET, path, taken).await;
        assert_eq!(field(&page, "content-encoding"), coding, "{name}");
        assert_eq!(varies_by(&page), vary, "{name}");
    }
}

#[tokio::test]
async fn it_is_the_same_page_in_every_coding() {
    let site = Site::new();
    for path in ["/", "/topics/1", "/login", "/json/topics/1", "/nothing"] {
        let plain = site.get_as(Method::GET, path, None).await;
        let compressed = site.get_as(Method::GET, path, Some(BROWSER)).await;
        for page in [&plain, &compressed] {
            let etag = field(page, "etag");
            assert!(etag.starts_with("W/\""), "{path}: {etag}");
        }
        let plain = bytes(plain).await;
        let compressed = bytes(compressed).await;
        assert!(compressed.len() < plain.len(), "{path}");
        let plain = std::str::from_utf8(&plain).unwrap();
        assert_eq!(
            undated(&uncompressed(&compressed)),
            undated(plain),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_head_says_what_the_page_would() {
    let site = Site::new();
    for taken in [None, Some(BROWSER)] {
        let said = |response: &Response| {
            let mut headers = response.headers().clone();
            // Each is rendered at another time.
            headers.remove("etag");
            headers
        };
        let head = site.get_as(Method::HEAD, "/login", taken).await;
        let page = site.get_as(Method::GET, "/login", taken).await;
        assert_eq!(said(&head), said(&page), "{taken:?}");
        assert_eq!(bytes(head).await, "", "{taken:?}");
    }
}

use std::{convert::Infallible, fs, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CACHE_CONTROL};
use http_body_util::{BodyExt, Empty, Full};
use tempfile::TempDir;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;

/// A folder with these files, each of which has its own name in it.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    folder
}

struct Answer {
    head: http::response::Parts,
    text: String,
}

async fn ask(files: &StaticFiles, request: Request<Empty<Bytes>>) -> Answer {
    let service = service_fn(|_| async {
        let answer = Response::new(Full::<Bytes>::from("the service's"));
        Ok::<_, Infallible>(answer)
    });
    let response = files.layer(service).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.into()).unwrap();
    Answer { head, text }
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_file_that_is_there_is_sent_and_everything_else_is_the_service_s() {
    let folder = folder(&[
        "robots.txt",
        "posts.html",
        "posts/1.html",
        "posts/index.html",
        "assets/a.css",
        ".env",
        ".well-known/acme",
    ]);
    let files = StaticFiles::new(folder.path());
    let service = "the service's";
    let cases = [
        ("a file", Method::GET, "/robots.txt", "robots.txt"),
        ("with a query", Method::GET, "/robots.txt?1", "robots.txt"),
        ("in a folder", Method::GET, "/assets/a.css", "assets/a.css"),
        ("a page", Method::GET, "/posts", "posts.html"),
        ("a page below", Method::GET, "/posts/1", "posts/1.html"),
        (
            "a folder's page",
            Method::GET,
            "/posts/",
            "posts/index.html",
        ),
        (
            "RFC 8615",
            Method::GET,
            "/.well-known/acme",
            ".well-known/acme",
        ),
        ("no such file", Method::GET, "/posts/2", service),
        ("no first page", Method::GET, "/", service),
        ("a folder", Method::GET, "/assets", service),
        ("hidden", Method::GET, "/.env", service),
        ("another method", Method::POST, "/robots.txt", service),
        ("not even a look", Method::OPTIONS, "/robots.txt", service),
    ];
    for (name, method, path, expected) in cases {
        let mut request = get(path);
        *request.method_mut() = method;
        assert_eq!(ask(&files, request).await.text, expected, "{name}");
    }
    assert_eq!(
        ask(&StaticFiles::none(), get("/robots.txt")).await.text,
        service
    );
}

#[tokio::test]
async fn a_folder_may_be_below_a_path() {
    let folder = folder(&["a.css", "index.html"]);
    let files = StaticFiles::new(folder.path()).below("/blog/");
    let service = "the service's";
    let cases = [
        ("/blog/a.css", "a.css"),
        ("/blog/", "index.html"),
        ("/a.css", service),
        ("/blogs/a.css", service),
        ("/blog", service),
    ];
    for (path, expected) in cases {
        assert_eq!(ask(&files, get(path)).await.text, expected, "{path}");
    }
}

#[tokio::test]
async fn what_never_changes_is_kept_and_the_rest_is_asked_for() {
    let folder = folder(&["a.css", "assets/a-1d4cd8b1.css"]);
    let files = StaticFiles::new(folder.path());
    let later = files.clone().max_age(Duration::from_secs(60));
    let cases = [
        (&files, "/a.css", "public, max-age=0, must-revalidate"),
        (&later, "/a.css", "public, max-age=60, must-revalidate"),
        (
            &files,
            "/assets/a-1d4cd8b1.css",
            "public, max-age=31536000, immutable",
        ),
    ];
    for (files, path, expected) in cases {
        let answer = ask(files, get(path)).await;
        assert_eq!(answer.head.headers[CACHE_CONTROL], expected, "{path}");
        assert_eq!(answer.head.headers["content-type"], "text/css", "{path}");
    }
}

#[tokio::test]
async fn who_has_a_file_does_not_get_it_again_and_who_wants_a_part_gets_that() {
    let folder = folder(&["robots.txt"]);
    let files = StaticFiles::new(folder.path());
    let whole = ask(&files, get("/robots.txt")).await;
    let etag = whole.head.headers["etag"].to_str().unwrap();
    let modified = whole.head.headers["last-modified"].to_str().unwrap();
    let part = "bytes=1-2";
    let cases: [(&str, &[(&str, &str)], u16, &str); 8] = [
        ("nothing else", &[], 200, "robots.txt"),
        ("the same", &[("if-none-match", etag)], 304, ""),
        ("as old", &[("if-modified-since", modified)], 304, ""),
        ("another", &[("if-none-match", "\"x\"")], 200, "robots.txt"),
        ("a part", &[("range", part)], 206, "ob"),
        (
            "a part of this",
            &[("range", part), ("if-range", etag)],
            206,
            "ob",
        ),
        (
            "a part of another",
            &[("range", part), ("if-range", "\"x\"")],
            200,
            "robots.txt",
        ),
        (
            "a part by date",
            &[("range", part), ("if-range", modified)],
            200,
            "robots.txt",
        ),
    ];
    for (name, fields, status, text) in cases {
        let mut request = get("/robots.txt");
        for (name, value) in fields {
            let name = http::HeaderName::from_static(name);
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = ask(&files, request).await;
        assert_eq!(answer.head.status.as_u16(), status, "{name}");
        assert_eq!(answer.text, text, "{name}");
        assert!(answer.head.headers.contains_key(CACHE_CONTROL), "{name}");
    }

    let mut request = get("/robots.txt");
    *request.method_mut() = Method::HEAD;
    let answer = ask(&files, request).await;
    assert_eq!(answer.head.headers["content-length"], "10");
    assert_eq!(answer.text, "");

    let mut request = get("/robots.txt");
    request
        .headers_mut()
        .insert("range", "bytes=100-".parse().unwrap());
    let answer = ask(&files, request).await;
    assert_eq!(answer.head.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert!(!answer.head.headers.contains_key(CACHE_CONTROL));
}

#[tokio::test]
async fn a_compressed_form_is_sent_to_those_who_take_it() {
    let folder = folder(&["a.css", "a.css.gz", "b.css"]);
    let files = StaticFiles::new(folder.path());
    let cases = [
        ("/a.css", Some("gzip, br"), "a.css.gz", Some("gzip"), true),
        ("/a.css", None, "a.css", None, true),
        ("/b.css", Some("gzip, br"), "b.css", None, false),
    ];
    for (path, accepted, text, encoding, varies) in cases {
        let mut request = get(path);
        if let Some(accepted) = accepted {
            let accepted = accepted.parse().unwrap();
            request.headers_mut().insert("accept-encoding", accepted);
        }
        let answer = ask(&files, request).await;
        assert_eq!(answer.text, text);
        let headers = &answer.head.headers;
        assert_eq!(
            headers
                .get("content-encoding")
                .map(|it| it.to_str().unwrap()),
            encoding
        );
        assert_eq!(headers.contains_key("vary"), varies, "{path}");
        assert_eq!(headers["content-type"], "text/css");
    }
}

#[tokio::test]
async fn what_may_be_a_file_holds_no_place_while_it_is_looked_for() {
    let folder = folder(&["robots.txt"]);
    let mut service = StaticFiles::new(folder.path()).layer(
        tower::ServiceBuilder::new()
            .concurrency_limit(1)
            .service(service_fn(|_: Request<Empty<Bytes>>| async {
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            })),
    );
    let file = tower_service::Service::call(service.ready().await.unwrap(), get("/robots.txt"));
    service.ready().await.unwrap();
    file.await.unwrap();
}

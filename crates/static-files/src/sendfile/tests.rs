use std::{convert::Infallible, fs, path::Path};

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;

type Fields<'a> = &'a [(&'static str, &'a str)];

fn insert(headers: &mut http::HeaderMap, fields: Fields<'_>) {
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
}

/// What the client gets if the service answers with these fields.
async fn answer(
    files: &SendFile,
    method: Method,
    asked: Fields<'_>,
    (status, answered): (u16, Fields<'_>),
) -> (http::response::Parts, String) {
    let mut response = Response::new(Full::<Bytes>::from("rendered"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    insert(response.headers_mut(), answered);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = method;
    insert(request.headers_mut(), asked);
    let mut response = Some(response);
    let service =
        service_fn(move |_| std::future::ready(Ok::<_, Infallible>(response.take().unwrap())));
    let response = files.layer(service).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (head, String::from_utf8(text.into()).unwrap())
}

fn files() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("files")).unwrap();
    fs::write(root.path().join("files/a.txt"), "contents").unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    root
}

fn path(root: &Path, name: &str) -> String {
    root.join(name).into_os_string().into_string().unwrap()
}

#[tokio::test]
async fn a_file_that_is_named_is_sent_if_it_may_be() {
    let root = files();
    let by_path = SendFile::none().root(root.path().join("files"));
    let by_location = SendFile::none().mapping("/internal", root.path().join("files"));
    let none = SendFile::none();
    let at = |name| path(root.path(), name);
    let cases: [(&str, &SendFile, (&'static str, String), u16, &str); 9] = [
        (
            "by path",
            &by_path,
            ("x-sendfile", at("files/a.txt")),
            200,
            "contents",
        ),
        ("outside", &by_path, ("x-sendfile", at("secret")), 404, ""),
        (
            "up",
            &by_path,
            ("x-sendfile", at("files/../secret")),
            404,
            "",
        ),
        (
            "not there",
            &by_path,
            ("x-sendfile", at("files/b")),
            404,
            "",
        ),
        (
            "relative",
            &by_path,
            ("x-sendfile", "files/a.txt".into()),
            404,
            "",
        ),
        (
            "by location",
            &by_location,
            ("x-accel-redirect", "/internal/a.txt".into()),
            200,
            "contents",
        ),
        (
            "up from it",
            &by_location,
            ("x-accel-redirect", "/internal/../secret".into()),
            404,
            "",
        ),
        (
            "in the other way",
            &by_location,
            ("x-sendfile", at("files/a.txt")),
            404,
            "",
        ),
        (
            "nothing is configured",
            &none,
            ("x-sendfile", at("files/a.txt")),
            200,
            "rendered",
        ),
    ];
    for (name, files, (field, value), status, text) in cases {
        let named = (200, &[(field, &*value)][..]);
        let (head, body) = answer(files, Method::GET, &[], named).await;
        assert_eq!(head.status.as_u16(), status, "{name}");
        if status == 200 {
            assert_eq!(body, text, "{name}");
        }
        for field in ["x-sendfile", "x-accel-redirect"] {
            assert!(!head.headers.contains_key(field), "{name}");
        }
    }
}

#[tokio::test]
async fn the_application_says_what_it_is_and_the_file_how_long() {
    let root = files();
    let files = SendFile::none().root(root.path());
    let file = path(root.path(), "files/a.txt");
    let said: Fields<'_> = &[
        ("x-sendfile", &file),
        ("content-length", "0"),
        ("content-type", "application/pdf"),
        ("content-disposition", "attachment"),
        ("cache-control", "private"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ];
    let (head, body) = answer(&files, Method::GET, &[], (200, said)).await;
    assert_eq!(body, "contents");
    let headers = &head.headers;
    assert_eq!(headers["content-length"], "8");
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(headers["content-disposition"], "attachment");
    assert_eq!(headers["cache-control"], "private");
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    assert!(headers.contains_key("etag") && headers.contains_key("last-modified"));

    let part: Fields<'_> = &[("range", "bytes=1-3")];
    let (head, body) = answer(&files, Method::GET, part, (200, said)).await;
    assert_eq!((head.status.as_u16(), &*body), (206, "ont"));
    assert_eq!(head.headers["content-range"], "bytes 1-3/8");

    let (head, body) = answer(&files, Method::HEAD, &[], (200, said)).await;
    assert_eq!(
        (&*body, &head.headers["content-length"]),
        ("", &"8".parse().unwrap())
    );

    // Of a page that says what went wrong nobody gets a part, nor of what a
    // form has led to.
    for (method, status) in [(Method::GET, 404), (Method::POST, 200)] {
        let (head, body) = answer(&files, method, part, (status, said)).await;
        assert_eq!((head.status.as_u16(), &*body), (status, "contents"));
    }
}

#[tokio::test]
async fn the_application_is_told_what_is_configured_and_not_what_a_client_claims() {
    let roots = SendFile::none().root("/srv/files");
    let mappings = SendFile::none()
        .mapping("/in/", "/srv/a")
        .mapping("/too", "/srv/b/");
    let cases = [
        ("nothing", SendFile::none(), None, None),
        ("roots", roots, Some("X-Sendfile"), None),
        (
            "mappings",
            mappings,
            Some("X-Accel-Redirect"),
            Some("/srv/a/=/in/, /srv/b/=/too/"),
        ),
    ];
    for (name, files, kind, mapping) in cases {
        let service = service_fn(|request: Request<Empty<Bytes>>| async move {
            let (head, body) = request.into_parts();
            let mut response = Response::new(body);
            response.extensions_mut().insert(head.headers);
            Ok::<_, Infallible>(response)
        });
        let mut request = Request::new(Empty::new());
        let claims: Fields<'_> = &[
            ("x-sendfile-type", "X-Accel-Redirect"),
            ("x-accel-mapping", "/etc/=/"),
            ("x_accel_mapping", "/etc/=/"),
            ("x_sendfile-type", "X-Accel-Redirect"),
            ("x-other", "1"),
        ];
        insert(request.headers_mut(), claims);
        let response = files.layer(service).oneshot(request).await.unwrap();
        let mut told = response
            .extensions()
            .get::<http::HeaderMap>()
            .unwrap()
            .clone();
        let mut take = |name| told.remove(name).map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(take("x-sendfile-type").as_deref(), kind, "{name}");
        assert_eq!(take("x-accel-mapping").as_deref(), mapping, "{name}");
        assert_eq!(told.len(), 1, "{name}: {told:?}");
    }
}

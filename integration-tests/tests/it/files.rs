//! Files that clients get without the application, or as it says.

use std::fs;

use http::{Method, StatusCode};
use integration_tests::{
    Server,
    client::{Page, request},
    tools,
};
use tempfile::TempDir;

use crate::unruly;

/// The folder of an application, with these files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

async fn start(folder: &TempDir, options: &[&str]) -> Server {
    let folder = folder.path().to_str().unwrap();
    Server::start(&[&["start", folder], options, &["--", unruly::PROGRAM]].concat()).await
}

fn is_the_application_s(page: &Page) -> bool {
    page.status == StatusCode::OK && page.body.starts_with("request ")
}

#[tokio::test]
async fn what_is_in_the_public_folder_does_not_reach_the_application() {
    let folder = folder(&[
        ("public/robots.txt", "Disallow:"),
        ("public/assets/a-1d4cd8b1.css", "a {}"),
        ("public/about.html", "<p>About"),
        ("public/.env", "SECRET"),
        ("secret", "SECRET"),
    ]);
    let server = start(&folder, &[]).await;

    let page = server.get("/robots.txt").await;
    assert_eq!(page.body, "Disallow:");
    assert_eq!(page.header("content-type"), "text/plain");
    assert_eq!(server.get("/about").await.body, "<p>About");

    let mut again = request(Method::GET, "/robots.txt");
    let etag = page.headers["etag"].clone();
    again.headers_mut().insert("if-none-match", etag);
    assert_eq!(server.send(again).await.status, StatusCode::NOT_MODIFIED);

    // What never changes is answered from memory.
    let path = "/assets/a-1d4cd8b1.css";
    assert!(!server.get(path).await.is_hit());
    let page = server.get(path).await;
    assert!(page.is_hit() && page.body == "a {}", "{page:?}");

    assert!(is_the_application_s(&server.get("/elsewhere").await));
    assert!(is_the_application_s(
        &server.post("/robots.txt", "a=b").await
    ));
}

#[tokio::test]
async fn there_is_no_way_out_of_the_public_folder() {
    let folder = folder(&[
        ("public/a", "a"),
        ("public/.env", "SECRET"),
        ("secret", "SECRET"),
    ]);
    let public = folder.path().join("public");
    std::os::unix::fs::symlink("../secret", public.join("link")).unwrap();
    let server = start(&folder, &[]).await;
    for path in [
        "/../secret",
        "/a/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/..%5csecret",
        "//../secret",
        "/.env",
        "/%2eenv",
        "/link",
        "/./link",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.exchange(request.as_bytes()).await;
        assert!(!answer.contains("SECRET"), "{path}: {answer}");
    }

    let followed = start(&folder, &["--follow-static-links"]).await;
    assert_eq!(followed.get("/link").await.body, "SECRET");
}

#[tokio::test]
async fn another_folder_or_none_may_be_named() {
    let folder = folder(&[("public/a.txt", "public"), ("static/a.txt", "static")]);
    let dir = folder.path().join("static");
    let server = start(&folder, &["--static-files-dir", dir.to_str().unwrap()]).await;
    assert_eq!(server.get("/a.txt").await.body, "static");

    let server = start(&folder, &["--no-static-files"]).await;
    assert!(is_the_application_s(&server.get("/a.txt").await));
}

#[tokio::test]
async fn the_name_of_a_file_never_reaches_a_client() {
    let server = unruly::start(&[]).await;
    for field in ["X-Sendfile", "X-Accel-Redirect"] {
        let page = server.get(&format!("/answer/{field}=secret")).await;
        assert!(is_the_application_s(&page), "{page:?}");
        assert_eq!(page.header(field), "");
    }
}

/// Whatever is asked for is in the folder `files`; `Rack::Sendfile` says so.
const RACK: &str = r#"
use Rack::Sendfile, ENV["SENDFILE"]
run ->(env) {
  path = File.expand_path(File.join("files", Rack::Utils.unescape_path(env["PATH_INFO"])))
  if File.file?(path)
    [200, {"Content-Type" => "application/x-test", "Set-Cookie" => "a=1"}, File.open(path)]
  else
    [404, {"Content-Type" => "text/plain"}, ["none"]]
  end
}
"#;

#[tokio::test]
async fn a_rack_application_has_its_files_sent() {
    tools::require("puma");
    let folder = folder(&[
        ("config.ru", RACK),
        ("files/a b?.pdf", "contents"),
        ("other/c.pdf", "SECRET"),
    ]);
    let dir = folder.path().to_str().unwrap();
    let files = format!("{dir}/files");
    let mapping = format!("/internal/={files}");
    for (kind, option, value) in [
        ("X-Sendfile", "--sendfile-root", &files),
        ("X-Accel-Redirect", "--accel-mapping", &mapping),
    ] {
        let variable = format!("SENDFILE={kind}");
        let server = Server::start(&["start", dir, "--envvar", &variable, option, value]).await;

        let page = server.get("/a%20b%3F.pdf").await;
        assert_eq!(page.body, "contents", "{page:?}");
        assert_eq!(page.header("content-type"), "application/x-test");
        assert_eq!(page.header("content-length"), "8");
        assert_eq!(page.header("set-cookie"), "a=1");
        assert_eq!(page.header(kind), "");

        let mut part = request(Method::GET, "/a%20b%3F.pdf");
        part.headers_mut()
            .insert("range", "bytes=0-2".parse().unwrap());
        let page = server.send(part).await;
        assert_eq!(page.status, StatusCode::PARTIAL_CONTENT, "{page:?}");
        assert_eq!(page.body, "con");

        // The application would name it, but it is in no folder that may be.
        let page = server.get("/..%2Fother%2Fc.pdf").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
        assert!(!page.body.contains("SECRET"), "{page:?}");
    }
}

use axum::{body::Body, http::Request, response::Response};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;

mod coding;

/// The forum, with what is planted in it, and nobody in front of it.
struct Site {
    router: Router,
    _folder: TempDir,
}

/// Who asks: nobody in particular, or one with this cookie.
type Who<'a> = Option<&'a str>;

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let forum = Forum::open(&folder.path().join("forum.sqlite")).unwrap();
        forum.plant().unwrap();
        Self {
            router: router(forum),
            _folder: folder,
        }
    }

    async fn ask(&self, method: Method, path: &str, who: Who<'_>, form: &str) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(cookie) = who {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, who: Who<'_>) -> Response {
        self.ask(Method::GET, path, who, "").await
    }

    async fn post(&self, path: &str, who: Who<'_>, form: &str) -> Response {
        self.ask(Method::POST, path, who, form).await
    }

    /// The cookie of a new session.
    async fn log_in(&self, name: &str, before: Who<'_>) -> String {
        let form = format!("name={name}&password=passenger");
        let answer = self.post("/login", before, &form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = field(&answer, "set-cookie");
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// What the README's table of pages says.
#[tokio::test]
async fn each_page_says_who_may_keep_it_and_for_whom() {
    const OURS: &str = "max-age=600";
    let site = Site::new();
    let ines = site.log_in("Ines", None).await;
    let marit = site.log_in("Marit", None).await;
    let visitor = None;
    let member = Some(ines.as_str());
    let staff = Some(marit.as_str());
    let stranger = Some("session=forged");
    // Path, who, status, Cache-Control, CDN-Cache-Control, Cache-Groups.
    let cases = [
        ("/", visitor, 200, "no-cache", OURS, "\"room-open\""),
        ("/", stranger, 200, "no-cache", OURS, "\"room-open\""),
        ("/", member, 200, "no-store", OURS, "\"room-open\""),
        ("/", staff, 200, "no-store", OURS, "\"room-open\""),
        ("/?page=2", visitor, 404, "no-cache", OURS, "\"room-open\""),
        ("/?page=x", visitor, 404, "no-cache", OURS, "\"room-open\""),
        ("/members", visitor, 303, "no-cache", OURS, ""),
        ("/members", stranger, 303, "no-cache", OURS, ""),
        (
            "/members",
            member,
            200,
            "no-store",
            OURS,
            "\"room-members\"",
        ),
        ("/topics/1", visitor, 200, "no-cache", OURS, "\"topic-1\""),
        ("/topics/1", member, 200, "no-store", OURS, "\"topic-1\""),
        ("/topics/3", visitor, 303, "no-cache", OURS, "\"topic-3\""),
        ("/topics/3", staff, 200, "no-store", OURS, "\"topic-3\""),
        ("/topics/99", visitor, 404, "no-cache", OURS, "\"topic-99\""),
        ("/topics/x", visitor, 404, "no-store", "", ""),
        ("/new/open", visitor, 303, "no-cache", OURS, ""),
        ("/new/open", member, 200, "no-store", OURS, ""),
        ("/new/other", member, 404, "no-store", "", ""),
        ("/login", visitor, 200, "no-cache", OURS, ""),
        ("/login", member, 303, "no-store", OURS, ""),
        ("/join", visitor, 200, "no-cache", OURS, ""),
        ("/me", visitor, 200, "no-cache", OURS, ""),
        ("/me", member, 200, "no-store", "", ""),
        ("/people", visitor, 303, "no-cache", OURS, ""),
        ("/people", member, 404, "no-store", OURS, ""),
        ("/people", staff, 200, "no-store", OURS, "\"people\""),
        ("/account", visitor, 303, "no-cache", OURS, ""),
        ("/account", member, 200, "no-store", "", ""),
        ("/nothing", visitor, 404, "no-store", "", ""),
        ("/json", visitor, 200, "no-cache", OURS, "\"room-open\""),
        ("/json/members", visitor, 303, "no-cache", OURS, ""),
        (
            "/json/topics/1",
            staff,
            200,
            "no-store",
            OURS,
            "\"topic-1\"",
        ),
        ("/json/account", member, 200, "no-store", "", ""),
    ];
    for (path, who, status, browsers, ours, groups) in cases {
        let level = match who {
            None => None,
            Some(cookie) if cookie == ines => Some("member"),
            Some(cookie) if cookie == marit => Some("staff"),
            Some(_) => Some(""),
        };
        let name = format!("{path} for {level:?}");
        let page = site.get(path, who).await;
        assert_eq!(page.status(), status, "{name}");
        assert_eq!(field(&page, "cache-control"), browsers, "{name}");
        assert_eq!(field(&page, "cdn-cache-control"), ours, "{name}");
        assert_eq!(field(&page, "cache-groups"), groups, "{name}");
        let said = page.headers().get("!~rendered-for");
        assert_eq!(said.map(|said| said.to_str().unwrap()), level, "{name}");
        let mut vary = page.headers().get_all("vary").iter();
        let varies = vary.any(|line| line == "Cookie");
        assert_eq!(varies, !ours.is_empty(), "{name}");
        assert!(!page.headers().contains_key("set-cookie"), "{name}");
        let policy = field(&page, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_kept_for_many_is_the_same_for_all_of_them() {
    let site = Site::new();
    let ines = site.log_in("Ines", None).await;
    let bao = site.log_in("Bao", None).await;
    let rendered = |page: String| {
        let (page, _) = page.split_once("<p class=\"rendered\">").unwrap();
        page.to_owned()
    };
    for path in ["/", "/members", "/topics/1", "/topics/6", "/new/members"] {
        let of_ines = rendered(text(site.get(path, Some(&ines)).await).await);
        let of_bao = rendered(text(site.get(path, Some(&bao)).await).await);
        assert_eq!(of_ines, of_bao, "{path}");
    }
}

#[tokio::test]
async fn an_answer_says_what_it_has_changed() {
    let site = Site::new();
    let ines = site.log_in("Ines", None).await;
    let marit = site.log_in("Marit", None).await;
    let changed = "cache-group-invalidation";
    let cases = [
        (
            "/topics/1/posts",
            &ines,
            "text=Hello",
            "\"topic-1\", \"room-open\"",
        ),
        (
            "/topics/3/posts",
            &ines,
            "text=Hello",
            "\"topic-3\", \"room-members\"",
        ),
        (
            "/new/open",
            &ines,
            "title=Kestrels&text=Hello",
            "\"topic-7\", \"room-open\"",
        ),
        (
            "/json/topics/1/posts",
            &ines,
            "text=Hello",
            "\"topic-1\", \"room-open\"",
        ),
        ("/posts/1/remove", &marit, "", "\"topic-1\""),
        ("/people/3/suspend", &marit, "", "\"people\""),
        ("/people/3/restore", &marit, "", "\"people\""),
        (
            "/join",
            &marit,
            "name=Ada&password=difference",
            "\"people\"",
        ),
        ("/login", &marit, "name=Marit&password=passenger", ""),
    ];
    for (path, who, form, groups) in cases {
        let answer = site.post(path, Some(who), form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(field(&answer, changed), groups, "{path}");
        assert_eq!(field(&answer, "cache-control"), "no-store", "{path}");
    }
    // Nothing was taken, so nothing has changed.
    for (path, form) in [
        ("/topics/1/posts", "text="),
        ("/new/open", "title=x&text=Hello"),
        ("/topics/99/posts", "text=Hello"),
        ("/posts/99/remove", ""),
        ("/people/3/suspend", ""),
    ] {
        let answer = site.post(path, Some(&ines), form).await;
        assert!(answer.status().is_client_error(), "{path}");
        assert_eq!(field(&answer, changed), "", "{path}");
        assert_eq!(field(&answer, "cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_login_makes_a_session_that_nobody_could_have_planted() {
    let site = Site::new();
    let planted = "session=planted-by-somebody-else";
    let cookie = site.log_in("Ines", Some(planted)).await;
    assert_ne!(cookie, planted);
    let me = text(site.get("/me", Some(planted)).await).await;
    assert_eq!(me, r#"{"level":"visitor","name":null}"#);
    let me = text(site.get("/me", Some(&cookie)).await).await;
    assert_eq!(me, r#"{"level":"member","name":"Ines"}"#);
    // The next one ends it.
    let next = site.log_in("Ines", Some(&cookie)).await;
    let me = text(site.get("/me", Some(&cookie)).await).await;
    assert_eq!(me, r#"{"level":"visitor","name":null}"#);
    assert_ne!(next, cookie);
}

#[tokio::test]
async fn only_the_right_password_logs_in_and_leads_nowhere_else() {
    let site = Site::new();
    let cases = [
        ("right", "name=Ines&password=passenger", 303, "/"),
        ("in another case", "name=+ines&password=passenger", 303, "/"),
        (
            "on to a page",
            "name=Ines&password=passenger&next=/topics/3",
            303,
            "/topics/3",
        ),
        (
            "on to another site",
            "name=Ines&password=passenger&next=//evil.example",
            303,
            "/",
        ),
        ("wrong", "name=Ines&password=Passenger", 422, ""),
        ("nobody", "name=Ada&password=passenger", 422, ""),
        ("nothing", "", 422, ""),
    ];
    for (name, form, status, location) in cases {
        let answer = site.post("/login", None, form).await;
        assert_eq!(answer.status(), status, "{name}");
        assert_eq!(field(&answer, "location"), location, "{name}");
        assert_eq!(
            answer.headers().contains_key("set-cookie"),
            status == 303,
            "{name}"
        );
        assert_eq!(field(&answer, "cache-control"), "no-store", "{name}");
    }
}

#[tokio::test]
async fn what_people_write_is_text() {
    let site = Site::new();
    let ines = site.log_in("Ines", None).await;
    let form = "title=<img+src=x+onerror=alert(1)>&text=</textarea><script>alert(1)</script>";
    let answer = site.post("/new/open", Some(&ines), form).await;
    let path = field(&answer, "location")
        .split('#')
        .next()
        .unwrap()
        .to_owned();
    let hostile = ["<img", "</textarea><script", "<script>"];
    let refused = "title=<img+src=x>&text=%20";
    let pages = [
        site.get(&path, None).await,
        site.get("/", None).await,
        site.get("/account", Some(&ines)).await,
        site.post("/new/open", Some(&ines), refused).await,
        site.post("/login", None, "name=<img+src=x>&password=x")
            .await,
        site.get("/login?next=/%22%3E%3Cimg%3E", None).await,
    ];
    for page in pages {
        let page = text(page).await;
        assert!(page.contains("&lt;") || page.contains("&quot;"), "{page}");
        for markup in hostile {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
    }
}

#[tokio::test]
async fn nobody_writes_without_end() {
    let site = Site::new();
    let ines = site.log_in("Ines", None).await;
    let bao = site.log_in("Bao", None).await;
    let mut taken = 0;
    loop {
        let answer = site.post("/topics/1/posts", Some(&ines), "text=More").await;
        if answer.status() != StatusCode::SEE_OTHER {
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let page = text(answer).await;
            assert!(page.contains("Please take a break."), "{page}");
            // What was written is not lost.
            assert!(page.contains("\nMore</textarea>"), "{page}");
            break;
        }
        taken += 1;
    }
    // Some of the planted ones may count.
    assert!((10..=20).contains(&taken), "{taken}");
    let answer = site.post("/topics/1/posts", Some(&bao), "text=More").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);

    let long = format!("text={}", "a".repeat(200 * 1024));
    let answer = site.post("/topics/1/posts", Some(&bao), &long).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn who_is_suspended_is_out_and_cannot_come_in() {
    let site = Site::new();
    let marit = site.log_in("Marit", None).await;
    let ines = site.log_in("Ines", None).await;
    let form = "name=Ines&password=passenger";
    let answer = site.post("/people/2/suspend", Some(&marit), "").await;
    assert_eq!(field(&answer, "!~forget-rendered-for"), "member");
    let me = text(site.get("/me", Some(&ines)).await).await;
    assert_eq!(me, r#"{"level":"visitor","name":null}"#);
    let answer = site.post("/login", None, form).await;
    assert!(text(answer).await.contains("have suspended this account"));
    // Only who knows the password is told so.
    let answer = site
        .post("/login", None, "name=Ines&password=guessed")
        .await;
    assert!(!text(answer).await.contains("suspended"));

    site.post("/people/2/restore", Some(&marit), "").await;
    site.log_in("Ines", None).await;
    // Staff do not suspend one another.
    let answer = site.post("/people/1/suspend", Some(&marit), "").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

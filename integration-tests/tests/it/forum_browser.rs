//! The forum in a real browser: what its users see, whom else they see nothing of,
//! and how little of it the application notices.

use integration_tests::{Browser, Server, wait};
use serde_json::Value;

use crate::{
    forum::{SECRET, start},
    forum_people::{PASSWORD, reached},
};

/// Where the page says who is here.
const YOU: &str = "nav.you";

/// Counts the requests that reach the application, step by step.
struct Meter<'a> {
    server: &'a Server,
    before: u64,
}

impl<'a> Meter<'a> {
    async fn new(server: &'a Server) -> Self {
        let before = reached(server).await;
        Self { server, before }
    }

    /// How many have reached it since this was last asked.
    async fn steps(&mut self) -> u64 {
        let now = reached(self.server).await;
        let steps = now - self.before;
        self.before = now;
        steps
    }
}

/// Opens a page of the forum as one does who comes from elsewhere, until all that it
/// loads is there.
async fn open(browser: &Browser, path: &str) {
    browser.visit(path).await;
    let asked = "return performance.getEntriesByName(`${location.origin}/me`).length";
    wait::until("the script to know who is here", async || {
        (browser.run(asked).await == 1).then_some(())
    })
    .await;
}

async fn log_in(browser: &Browser, name: &str) {
    browser.follow("Log in").await;
    browser.shows("h1", "Log in").await;
    browser.fill("name", name).await;
    browser.fill("password", PASSWORD).await;
    browser.press("Log in").await;
    browser.shows(YOU, name).await;
}

async fn log_out(browser: &Browser) {
    browser.press("Log out").await;
    browser.shows(YOU, "Join").await;
}

#[tokio::test]
async fn a_visit_reaches_the_application_as_seldom_as_promised() {
    let server = start().await;
    let mut meter = Meter::new(&server).await;

    // Somebody has to be the first: the page, style, script, and `/me`.
    let ines = Browser::open(&server).await;
    open(&ines, "/").await;
    ines.shows("h1", "Topics").await;
    assert_eq!(meter.steps().await, 4);
    ines.follow("Welcome, passengers").await;
    ines.shows("h1", "Welcome, passengers").await;
    assert_eq!(ines.path().await, "/topics/1");
    assert_eq!(meter.steps().await, 1);

    // Whoever comes after him is answered from memory.
    let bao = Browser::open(&server).await;
    open(&bao, "/").await;
    bao.follow("Welcome, passengers").await;
    bao.shows(".rendered", "from memory").await;
    bao.back().await;
    bao.shows("h1", "Topics").await;
    assert_eq!(bao.path().await, "/");
    // The list as JSON was not there yet.
    assert_eq!(meter.steps().await, 1);

    // The form, the login, the page it leads to, and `/me`.
    log_in(&ines, "Ines").await;
    assert_eq!(meter.steps().await, 4);
    ines.follow("Members’ room").await;
    ines.follow("The quarry ledge is taken again").await;
    ines.shows("main", SECRET).await;
    assert_eq!(ines.path().await, "/topics/3");
    assert_eq!(meter.steps().await, 2);

    // The form is there. The first page of a session is the application's own word
    // on whose it is.
    log_in(&bao, "Bao").await;
    assert_eq!(meter.steps().await, 3);
    bao.follow("Members’ room").await;
    bao.follow("The quarry ledge is taken again").await;
    bao.shows("main", SECRET).await;
    bao.shows(".rendered", "from memory").await;
    assert_eq!(meter.steps().await, 0);

    // The post, and what its author sees then. Of what has changed, it is the list
    // that is not there yet for the next one.
    ines.fill("text", "There are three eggs now.").await;
    ines.press("Post").await;
    ines.shows("main", "There are three eggs now.").await;
    assert_eq!(meter.steps().await, 2);
    bao.follow("Members’ room").await;
    bao.shows(".topics li:first-child", "last post by Ines")
        .await;
    bao.follow("The quarry ledge is taken again").await;
    bao.shows("main", "There are three eggs now.").await;
    assert_eq!(meter.steps().await, 1);

    // What is open has not changed. But Bao's login led to `/`, and where a `POST` leads
    // to is taken for changed (RFC 9111 §4.4).
    let visitor = Browser::open(&server).await;
    open(&visitor, "/").await;
    visitor.follow("Welcome, passengers").await;
    visitor.shows(".rendered", "from memory").await;
    assert_eq!(meter.steps().await, 1);

    // The logout, and where it leads to.
    log_out(&ines).await;
    assert_eq!(meter.steps().await, 2);
}

#[tokio::test]
async fn a_new_topic_is_there_at_once_for_visitors() {
    let server = start().await;
    let (ines, visitor) = tokio::join!(Browser::open(&server), Browser::open(&server));
    open(&visitor, "/").await;
    open(&ines, "/").await;
    log_in(&ines, "Ines").await;
    ines.follow("New topic").await;
    ines.fill("title", "Seen <b>over</b> the harbour").await;
    ines.fill("text", "A hobby & two swifts.\n\n<script>alert(1)</script>")
        .await;
    ines.press("Post").await;
    ines.shows("main", "A hobby & two swifts.").await;
    ines.shows("main", "<script>alert(1)</script>").await;

    visitor.visit("/").await;
    visitor.follow("Seen <b>over</b> the harbour").await;
    visitor.shows("main", "A hobby & two swifts.").await;
    assert_eq!(visitor.path().await, ines.path().await);
}

#[tokio::test]
async fn back_after_a_logout_shows_nothing_of_who_has_left() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/members").await;
    // Sent to log in, and back.
    browser.shows("h1", "Log in").await;
    browser.fill("name", "Ines").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Log in").await;
    browser.shows("h1", "The members’ room").await;
    browser.follow("The quarry ledge is taken again").await;
    browser.shows("main", SECRET).await;
    browser.follow("Ines").await;
    browser.shows("h1", "Ines").await;
    browser.visit("/topics/3").await;
    browser.shows(YOU, "Ines").await;
    log_out(&browser).await;

    for _ in 0..4 {
        browser.back().await;
        browser.shows(YOU, "Join").await;
        let source = browser.source().await;
        assert!(!source.contains(SECRET), "{source}");
        assert!(!source.contains(">Ines</a>"), "{source}");
        assert!(!source.contains("<h1>Ines</h1>"), "{source}");
        assert!(!source.contains("Your latest posts"), "{source}");
    }
}

#[tokio::test]
async fn who_comes_next_at_the_same_machine_is_somebody_else() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/").await;
    log_in(&browser, "Ines").await;
    browser
        .follow("Why do falcons dive instead of chasing?")
        .await;
    browser.shows("h1", "Why do falcons dive").await;
    // Two of the three posts are hers.
    assert_eq!(removable(&browser).await, ["Ines", "Ines"]);
    log_out(&browser).await;
    log_in(&browser, "Tomasz").await;
    let you = browser.text(YOU).await.unwrap();
    assert!(!you.contains("Ines"), "{you}");
    browser
        .follow("Why do falcons dive instead of chasing?")
        .await;
    browser.shows("h1", "Why do falcons dive").await;
    assert_eq!(removable(&browser).await, ["Tomasz"]);
}

#[tokio::test]
async fn a_page_put_away_before_a_login_is_not_shown_after_it() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/topics/1").await;
    // A document of its own, so that the browser puts the one before away.
    open(&browser, "/login").await;
    browser.fill("name", "Ines").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Log in").await;
    browser.shows(YOU, "Ines").await;
    browser.back().await;
    browser.back().await;
    browser.shows("h1", "Welcome, passengers").await;
    browser.shows(YOU, "Ines").await;
    browser.shows("main", "Reply").await;
    assert_eq!(browser.path().await, "/topics/1");
}

#[tokio::test]
async fn a_page_that_was_put_away_comes_back_as_it_was_to_the_same_person() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/topics/1").await;
    browser
        .run(
            "window.untouched = true;
             addEventListener('pageshow', (event) => { window.kept = event.persisted; })",
        )
        .await;
    open(&browser, "/login").await;
    browser.back().await;
    wait::until("the page", async || {
        let seen = "return [window.untouched, window.kept, \
                    document.documentElement.classList.contains('away')]";
        (browser.run(seen).await == serde_json::json!([true, true, false])).then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_tab_shows_nothing_of_who_has_left() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/").await;
    log_in(&browser, "Ines").await;
    browser.follow("Members’ room").await;
    browser.shows("h1", "The members’ room").await;
    let first = browser.open_tab().await;
    open(&browser, "/").await;
    browser.shows(YOU, "Ines").await;
    log_out(&browser).await;
    browser.to_tab(first).await;
    browser.shows(YOU, "Join").await;
    browser.shows("h1", "Log in").await;
}

#[tokio::test]
async fn without_javascript_all_of_it_works() {
    let server = start().await;
    let browser = Browser::open_without_javascript(&server).await;
    browser.visit("/").await;
    browser.follow("Members’ room").await;
    browser.shows("h1", "Log in").await;
    browser.fill("name", "Tomasz").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Log in").await;
    browser.shows("h1", "The members’ room").await;
    browser.follow("The quarry ledge is taken again").await;
    browser.fill("text", "Without a script.").await;
    browser.press("Post").await;
    browser.shows("main", "Without a script.").await;
    // Nobody has put the name there.
    browser.follow("Your account").await;
    browser.shows("h1", "Tomasz").await;
    browser.press("Remove").await;
    browser.shows("main", "This post was removed.").await;
    browser.press("Log out").await;
    browser.shows(YOU, "Join").await;
    browser.back().await;
    assert!(!browser.source().await.contains(SECRET));
}

#[tokio::test]
async fn who_joins_is_a_member() {
    let server = start().await;
    let browser = Browser::open(&server).await;
    open(&browser, "/").await;
    browser.follow("Join").await;
    browser.fill("name", "tomasz").await;
    browser.fill("password", "long enough").await;
    browser.press("Join").await;
    browser.shows("[role=alert]", "somebody of this name").await;
    browser.fill("name", "Žofie").await;
    browser.fill("password", "long enough").await;
    browser.press("Join").await;
    browser.shows(YOU, "Žofie").await;
    browser.follow("Members’ room").await;
    browser.shows("h1", "The members’ room").await;
}

/// The authors of the posts that can be removed by who is here.
async fn removable(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('form.remove:not([hidden])')]
        .map((form) => form.dataset.author)";
    let Value::Array(authors) = browser.run(script).await else {
        panic!("no list");
    };
    authors
        .into_iter()
        .map(|author| author.as_str().unwrap().to_owned())
        .collect()
}

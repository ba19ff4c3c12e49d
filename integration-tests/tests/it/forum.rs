//! The forum of `examples/forum`, by plain HTTP: as one who has no JavaScript uses
//! it, and as one who wants to see what he should not.

use std::process::Command;

use http::StatusCode;
use integration_tests::{Load, Server, binary, wait};

use crate::forum_people::{Reader, reached};

/// With all its processes ready.
pub(crate) async fn start() -> Server {
    let server = Server::start(&["demo", "--max-pool-size", "2"]).await;
    wait::until("all processes to be ready", async || {
        (server.ready_processes().await.len() == 2).then_some(())
    })
    .await;
    server
}

/// What is only in the members' room.
pub(crate) const SECRET: &str = "Third ledge from the top";

#[tokio::test]
async fn what_is_posted_is_there_at_once_for_everybody() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let bao = Reader::logged_in(&server, "Bao").await;
    let marit = Reader::logged_in(&server, "Marit").await;
    let visitor = Reader::visitor(&server);
    let everybody = [&ines, &bao, &marit, &visitor];
    for round in 0..3 {
        for reader in everybody {
            // Twice, so that it is there from memory.
            for path in ["/", "/topics/1", "/topics/1"] {
                assert_eq!(reader.get(path).await.status, StatusCode::OK);
            }
            assert!(reader.get("/topics/1").await.is_hit());
        }
        let news = format!("The news of round {round}.");
        let sent = bao.post("/topics/1/posts", &format!("text={news}")).await;
        assert!(bao.follow(&sent).await.body.contains(&news));
        for reader in everybody {
            let page = reader.get("/topics/1").await;
            assert!(page.body.contains(&news), "{page:?}");
            let list = reader.get("/").await.body;
            let (first, _) = list.split_once("</li>").unwrap();
            assert!(first.contains("Welcome, passengers"), "{list}");
            assert!(first.contains("last post by Bao"), "{list}");
        }
    }
}

#[tokio::test]
async fn all_on_one_level_share_their_pages() {
    let server = start().await;
    let members = ["Ines", "Bao", "Tomasz", "Oluwaseun"];
    let mut sessions = Vec::new();
    for name in members {
        sessions.push(Reader::logged_in(&server, name).await);
    }
    for member in &sessions {
        // The first page of each session is the application's own word on who it is.
        member.get("/me").await;
    }
    let before = reached(&server).await;
    for _ in 0..5 {
        for member in &sessions {
            for path in ["/", "/members", "/topics/1", "/topics/3", "/new/open"] {
                let page = member.get(path).await;
                assert_eq!(page.status, StatusCode::OK, "{page:?}");
                for name in members {
                    let link = format!(">{name}</a>");
                    assert!(!page.body.contains(&link), "{page:?}");
                }
            }
        }
    }
    assert_eq!(reached(&server).await - before, 5);
}

#[tokio::test]
async fn the_members_room_is_for_members() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    assert!(ines.get("/topics/3").await.body.contains(SECRET));
    assert!(ines.get("/topics/3").await.is_hit());

    let mut forger = Reader::visitor(&server);
    for cookie in [None, Some("session=forged"), Some("session=member")] {
        forger.cookie = cookie.map(str::to_owned);
        for path in [
            "/members",
            "/topics/3",
            "/json/members",
            "/json/topics/3",
            "/new/members",
        ] {
            let page = forger.get(path).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}: {page:?}");
            assert!(page.header("location").contains("/login?next="), "{page:?}");
            assert!(!page.body.contains(SECRET), "{page:?}");
        }
        let sent = forger.post("/topics/3/posts", "text=Let+me+in").await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
        assert!(sent.header("location").starts_with("/login"), "{sent:?}");
    }
    assert!(!ines.get("/topics/3").await.body.contains("Let me in"));
}

#[tokio::test]
async fn who_has_logged_out_sees_what_visitors_see() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let bao = Reader::logged_in(&server, "Bao").await;
    for _ in 0..2 {
        assert!(ines.get("/topics/3").await.body.contains(SECRET));
        assert!(bao.get("/topics/3").await.body.contains(SECRET));
    }
    let answer = ines.post("/logout", "").await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("session=; "), "{cookie}");
    // Whoever has kept the cookie gets nothing for it.
    let page = ines.get("/topics/3").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    assert!(bao.get("/topics/3").await.is_hit());
}

#[tokio::test]
async fn what_staff_remove_nobody_reads_any_more() {
    let server = start().await;
    let marit = Reader::logged_in(&server, "Marit").await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let visitor = Reader::visitor(&server);
    let everybody = [&marit, &ines, &visitor];
    let remove = "/posts/2/remove";
    for reader in everybody {
        let page = reader.get("/topics/1").await;
        assert!(
            page.body.contains("Is this page always so quick?"),
            "{page:?}"
        );
    }
    for reader in [&ines, &visitor] {
        let answer = reader.post(remove, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
        let page = reader.get("/topics/1").await;
        assert!(page.is_hit(), "{page:?}");
    }
    let answer = marit.post(remove, "").await;
    assert!(
        marit
            .follow(&answer)
            .await
            .body
            .contains("This post was removed.")
    );
    for reader in everybody {
        let page = reader.get("/topics/1").await;
        assert!(
            !page.body.contains("Is this page always so quick?"),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn who_is_suspended_reads_nothing_more_from_memory() {
    let server = start().await;
    let marit = Reader::logged_in(&server, "Marit").await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let bao = Reader::logged_in(&server, "Bao").await;
    for reader in [&marit, &ines, &bao, &ines] {
        assert!(reader.get("/topics/3").await.body.contains(SECRET));
    }
    assert!(ines.get("/topics/3").await.is_hit());

    let people = marit.get("/people").await;
    let (_, button) = people.body.split_once("Suspend Ines").unwrap();
    assert!(button.contains("Suspend"), "{people:?}");
    let answer = marit.post("/people/2/suspend", "").await;
    assert!(marit.follow(&answer).await.body.contains("Restore Ines"));
    let page = ines.get("/topics/3").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    // Nobody else has lost anything but a moment.
    assert!(bao.get("/topics/3").await.body.contains(SECRET));
    assert!(bao.get("/topics/3").await.is_hit());
}

#[tokio::test]
async fn another_site_can_do_nothing_in_a_member_s_name() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    for (field, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let answer = ines
            .post_with("/topics/1/posts", "text=Gotcha", &[(field, value)])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{field}: {value}");
    }
    assert!(!ines.get("/topics/1").await.body.contains("Gotcha"));
}

#[tokio::test]
async fn nobody_is_shown_what_was_there_before_a_post_however_many_read() {
    let server = start().await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let visitor = Reader::visitor(&server);
    // Pages that were rendered before a post may come after it.
    let readers = Load::start(server.address(), "/topics/1", 8);
    for round in 0..12 {
        let news = format!("The news of round {round}.");
        let sent = ines.post("/topics/1/posts", &format!("text={news}")).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
        for _ in 0..3 {
            let page = visitor.get("/topics/1").await;
            assert!(page.body.contains(&news), "{page:?}");
        }
        readers.answers(8).await;
    }
    readers.stop().await;
}

/// The program of its own, with these options of the server.
pub(crate) async fn start_program(database: &str, options: &[&str]) -> Server {
    let forum = binary::forum().to_str().unwrap();
    let seeded = Command::new(forum)
        .args(["seed", "--topics", "50", "--database", database])
        .status();
    assert!(seeded.unwrap().success());
    let folder = format!("{}/../examples/forum", env!("CARGO_MANIFEST_DIR"));
    let program = ["--", forum, "serve", "{socket}", "--database", database];
    Server::start(&[&["start", &folder], options, &program].concat()).await
}

#[tokio::test]
async fn a_database_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("forum.sqlite");
    let database = database.to_str().unwrap();
    let cookie = {
        let server = start_program(database, &[]).await;
        let ines = Reader::logged_in(&server, "Ines").await;
        let list = ines.get("/?page=3").await;
        assert!(list.body.contains("Page 3 of 3"), "{list:?}");
        ines.post("/topics/1/posts", "text=This+will+stay.").await;
        let cookie = ines.cookie.clone();
        assert_eq!(server.stop().await.left, []);
        cookie
    };
    let server = start_program(database, &[]).await;
    let mut reader = Reader::visitor(&server);
    assert!(
        reader
            .get("/topics/1")
            .await
            .body
            .contains("This will stay.")
    );
    reader.cookie = cookie;
    assert!(reader.get("/account").await.body.contains("<h1>Ines</h1>"));
}

#[tokio::test]
async fn a_server_that_knows_nothing_of_sessions_keeps_levels_apart() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("forum.sqlite");
    let database = database.to_str().unwrap();
    let server = start_program(database, &["--config", "/dev/null"]).await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let bao = Reader::logged_in(&server, "Bao").await;
    let mut visitor = Reader::visitor(&server);
    for _ in 0..3 {
        let page = ines.get("/topics/3").await;
        assert!(page.body.contains(SECRET), "{page:?}");
        assert!(
            page.headers
                .keys()
                .all(|name| !name.as_str().starts_with("!~"))
        );
        for cookie in [None, Some("session=forged"), Some("session=member; _ga=1")] {
            visitor.cookie = cookie.map(str::to_owned);
            let page = visitor.get("/topics/3").await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        }
    }
    // By the whole of their cookies, members share nothing.
    assert!(ines.get("/topics/3").await.is_hit());
    assert!(!bao.get("/topics/3").await.is_hit());
}

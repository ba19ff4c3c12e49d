use std::{path::PathBuf, sync::Barrier, thread};

use tempfile::TempDir;

use super::*;
use crate::{
    level::Level,
    moment::Moment,
    paging::{POSTS_PER_PAGE, TOPICS_PER_PAGE},
    room::Room,
    token::Token,
};

struct Fresh {
    store: Store,
    path: PathBuf,
    _folder: TempDir,
}

fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forum.sqlite");
    Fresh {
        store: Store::open(&path).unwrap(),
        path,
        _folder: folder,
    }
}

fn now() -> Moment {
    Moment::now()
}

/// Somebody who has nothing better to do than to be tested.
fn somebody(connection: &Connection) -> i64 {
    Person::add(connection, "Ines", "hash", Level::Member, now()).unwrap()
}

fn topic(connection: &Connection, author: i64, title: &str) -> Topic {
    let topic = NewTopic {
        room: Room::Open,
        title: title.to_owned(),
    };
    post(author, "first")
        .begin(connection, &topic, now())
        .unwrap()
        .topic
}

fn post(author: i64, text: &str) -> NewPost {
    let text = text.to_owned();
    NewPost { author, text }
}

fn titles(connection: &Connection, page: u32) -> Option<Vec<String>> {
    let page = TopicPage::read(connection, Room::Open, page).unwrap()?;
    Some(
        page.topics
            .into_iter()
            .map(|listed| listed.topic.title)
            .collect(),
    )
}

#[test]
fn processes_that_start_together_make_one_database() {
    // Which of them comes in between which others is chance, so more than once.
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("forum.sqlite");
        let together = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    let store = Store::open(&path).unwrap();
                    store.write_here(Person::count).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let fresh = fresh();
    let later = |connection: &Connection| {
        connection.pragma_update(None, "user_version", 1000)?;
        Ok(())
    };
    fresh.store.write_here(later).unwrap();
    let error = Store::open(&fresh.path).unwrap_err();
    assert!(error.to_string().contains("later version"), "{error}");
}

#[test]
fn what_one_process_has_written_another_one_reads() {
    let fresh = fresh();
    let other = Store::open(&fresh.path).unwrap();
    fresh
        .store
        .write_here(|connection| Ok(somebody(connection)))
        .unwrap();
    let found = other.write_here(|connection| Person::named(connection, "INES"));
    assert_eq!(found.unwrap().unwrap().0.name, "Ines");
}

#[test]
fn half_of_something_is_nothing() {
    let fresh = fresh();
    let failed: Result<(), _> = fresh.store.write_here(|connection| {
        somebody(connection);
        Err(rusqlite::Error::InvalidQuery.into())
    });
    assert!(failed.is_err());
    let count = fresh.store.write_here(Person::count);
    assert_eq!(count.unwrap(), 0);
}

#[test]
fn a_name_is_one_person_s_in_whatever_case() {
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            somebody(connection);
            let again = Person::add(connection, "INES", "hash", Level::Staff, now());
            assert!(again.unwrap_err().is_taken());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_member_is_made_staff_and_nobody_else() {
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            somebody(connection);
            assert!(!Person::make_staff(connection, "Bao")?);
            assert!(Person::make_staff(connection, "ines")?);
            let (ines, _) = Person::named(connection, "Ines")?.unwrap();
            assert_eq!(ines.level, Level::Staff);
            // Who can no longer be suspended.
            assert!(!Person::suspend(connection, ines.id, true)?);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_topic_with_the_latest_post_comes_first_even_within_a_second() {
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            let author = somebody(connection);
            let first = topic(connection, author, "first");
            topic(connection, author, "second");
            assert_eq!(titles(connection, 1).unwrap(), ["second", "first"]);
            post(author, "again").reply(connection, first.id, now())?;
            assert_eq!(titles(connection, 1).unwrap(), ["first", "second"]);
            Ok(())
        })
        .unwrap();
}

#[test]
fn lists_come_in_pages() {
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            let author = somebody(connection);
            assert_eq!(titles(connection, 1), Some(vec![]));
            for number in 0..=TOPICS_PER_PAGE {
                topic(connection, author, &number.to_string());
            }
            assert_eq!(
                titles(connection, 1).unwrap().len(),
                TOPICS_PER_PAGE as usize
            );
            assert_eq!(titles(connection, 2).unwrap(), ["0"]);
            assert_eq!(titles(connection, 3), None);

            let mut topic = topic(connection, author, "a long one");
            for _ in 0..POSTS_PER_PAGE {
                let posted = post(author, "more").reply(connection, topic.id, now())?;
                topic = posted.unwrap().topic;
            }
            let (posts, _) = Post::page(connection, &topic, 2)?.unwrap();
            assert_eq!(posts.len(), 1);
            assert!(Post::page(connection, &topic, 3)?.is_none());
            Ok(())
        })
        .unwrap();
}

#[test]
fn nobody_writes_in_a_topic_that_is_not_there() {
    let fresh = fresh();
    let posted = fresh.store.write_here(|connection| {
        let author = somebody(connection);
        post(author, "Hello?").reply(connection, 17, now())
    });
    assert!(posted.unwrap().is_none());
}

#[test]
fn the_text_of_a_post_that_was_removed_is_not_read() {
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            let author = somebody(connection);
            let topic = topic(connection, author, "on nests");
            let (first, _) = Post::page(connection, &topic, 1)?.unwrap();
            assert_eq!(first[0].text.as_deref(), Some("first"));
            Post::remove(connection, first[0].id)?;
            let (first, _) = Post::page(connection, &topic, 1)?.unwrap();
            assert_eq!(first[0].text, None);
            assert!(Post::latest_of(connection, author)?.is_empty());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_session_ends_by_itself_or_when_it_is_told_to() {
    const WEEK: i64 = 7 * 24 * 3600;
    let fresh = fresh();
    fresh
        .store
        .write_here(|connection| {
            let id = somebody(connection);
            let (token, next) = (Token::random().hash(), Token::random().hash());
            let is_known = |token, now| sessions::person(connection, token, now).unwrap().is_some();
            assert!(!is_known(&token, now()));
            sessions::begin(connection, &token, None, id, now())?;
            assert!(is_known(&token, now()));
            assert!(is_known(&token, now().later(WEEK)));
            assert!(!is_known(&token, now().later(2 * WEEK + 10)));

            // Another login in the same browser.
            sessions::begin(connection, &next, Some(&token), id, now())?;
            assert!(!is_known(&token, now()));
            assert!(is_known(&next, now()));
            sessions::end(connection, &next)?;
            assert!(!is_known(&next, now()));

            // A login that overlaps with a suspension.
            Person::suspend(connection, id, true)?;
            sessions::begin(connection, &token, None, id, now())?;
            assert!(!is_known(&token, now()));
            Ok(())
        })
        .unwrap();
}

#[test]
fn who_reads_the_database_can_use_no_session() {
    let fresh = fresh();
    let token = Token::random();
    fresh
        .store
        .write_here(|connection| {
            let id = somebody(connection);
            sessions::begin(connection, &token.hash(), None, id, now())
        })
        .unwrap();
    drop(fresh.store);
    let mut bytes = std::fs::read(&fresh.path).unwrap();
    bytes.extend(std::fs::read(fresh.path.with_extension("sqlite-wal")).unwrap_or_default());
    let token = token.as_str().as_bytes();
    assert!(bytes.windows(token.len()).all(|window| window != token));
    let name = b"Ines";
    assert!(bytes.windows(name.len()).any(|window| window == name));
}

use rusqlite::{Connection, OptionalExtension, Row};

use super::{NewTopic, StoreError, Topic};
use crate::{
    level::Level,
    moment::Moment,
    paging::{POSTS_PER_PAGE, Paging},
};

/// What one person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) id: i64,
    pub(crate) topic: i64,
    pub(crate) author: String,
    pub(crate) author_level: Level,
    /// `None` if it was removed: nobody is to read it.
    pub(crate) text: Option<String>,
    pub(crate) written: Moment,
}

/// What somebody has just written.
pub(crate) struct NewPost {
    pub(crate) author: i64,
    pub(crate) text: String,
}

/// Where a new post is to be found.
pub(crate) struct Posted {
    pub(crate) topic: Topic,
    pub(crate) post: i64,
}

impl Post {
    /// A page of what was said in `topic`, in the order in which it was said. `None`
    /// if there are not so many pages.
    pub(crate) fn page(
        connection: &Connection,
        topic: &Topic,
        number: u32,
    ) -> Result<Option<(Vec<Self>, Paging)>, StoreError> {
        let Some(paging) = Paging::new(number, topic.posts, POSTS_PER_PAGE) else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(
            "SELECT posts.id, topic, name, level, text, written, removed
             FROM posts JOIN people ON people.id = author
             WHERE topic = ? ORDER BY posts.id LIMIT ? OFFSET ?",
        )?;
        let posts = statement.query_map((topic.id, paging.size(), paging.first()), Self::read)?;
        Ok(Some((posts.collect::<Result<_, _>>()?, paging)))
    }

    /// The post of this id, and who wrote it.
    pub(crate) fn find(
        connection: &Connection,
        id: i64,
    ) -> Result<Option<(Self, i64)>, StoreError> {
        let found = connection
            .prepare_cached(
                "SELECT posts.id, topic, name, level, text, written, removed, author
                 FROM posts JOIN people ON people.id = author WHERE posts.id = ?",
            )?
            .query_row((id,), |row| Ok((Self::read(row)?, row.get(7)?)))
            .optional()?;
        Ok(found)
    }

    /// The latest of what a person wrote, with the titles of its topics.
    pub(crate) fn latest_of(
        connection: &Connection,
        person: i64,
    ) -> Result<Vec<(Self, String)>, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT posts.id, topic, name, level, text, written, removed, title
             FROM posts JOIN people ON people.id = author JOIN topics ON topics.id = topic
             WHERE author = ? AND NOT removed ORDER BY written DESC, posts.id DESC LIMIT 20",
        )?;
        let posts = statement.query_map((person,), |row| Ok((Self::read(row)?, row.get(7)?)))?;
        Ok(posts.collect::<Result<_, _>>()?)
    }

    /// How many posts a person has written since `then`.
    pub(crate) fn count_since(
        connection: &Connection,
        person: i64,
        then: Moment,
    ) -> Result<u32, StoreError> {
        let count = connection
            .prepare_cached("SELECT count(*) FROM posts WHERE author = ? AND written > ?")?
            .query_row((person, then), |row| row.get(0))?;
        Ok(count)
    }

    /// Lets nobody read it any more.
    pub(crate) fn remove(connection: &Connection, id: i64) -> Result<(), StoreError> {
        connection
            .prepare_cached("UPDATE posts SET removed = 1 WHERE id = ?")?
            .execute((id,))?;
        Ok(())
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = row.get(4)?;
        let removed: bool = row.get(6)?;
        Ok(Self {
            id: row.get(0)?,
            topic: row.get(1)?,
            author: row.get(2)?,
            author_level: row.get(3)?,
            text: (!removed).then_some(text),
            written: row.get(5)?,
        })
    }
}

impl NewPost {
    /// Adds it to the topic of this id; `None` if there is no such topic.
    pub(crate) fn reply(
        &self,
        connection: &Connection,
        topic: i64,
        now: Moment,
    ) -> Result<Option<Posted>, StoreError> {
        match Topic::find(connection, topic)? {
            Some(_) => self.add(connection, topic, now).map(Some),
            None => Ok(None),
        }
    }

    /// Begins a topic with it.
    pub(crate) fn begin(
        &self,
        connection: &Connection,
        topic: &NewTopic,
        now: Moment,
    ) -> Result<Posted, StoreError> {
        let topic = topic.add(connection)?;
        self.add(connection, topic, now)
    }

    fn add(&self, connection: &Connection, id: i64, now: Moment) -> Result<Posted, StoreError> {
        connection
            .prepare_cached("INSERT INTO posts (topic, author, text, written) VALUES (?, ?, ?, ?)")?
            .execute((id, self.author, &self.text, now))?;
        let post = connection.last_insert_rowid();
        let topic = connection
            .prepare_cached(
                "UPDATE topics SET posts = posts + 1, latest = ? WHERE id = ?
                 RETURNING id, room, title, posts",
            )?
            .query_row((post, id), Topic::read)?;
        Ok(Posted { topic, post })
    }
}

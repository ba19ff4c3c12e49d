use rusqlite::{Connection, OptionalExtension, Row};

use super::StoreError;
use crate::{
    moment::Moment,
    paging::{Paging, TOPICS_PER_PAGE},
    room::Room,
};

/// What people talk about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) id: i64,
    pub(crate) room: Room,
    pub(crate) title: String,
    /// How many posts it has.
    pub(crate) posts: u32,
}

/// What there is to say about a topic in a list of them.
pub(crate) struct Listed {
    pub(crate) topic: Topic,
    /// Who began it.
    pub(crate) author: String,
    /// Who wrote last.
    pub(crate) last_author: String,
    pub(crate) last_post: Moment,
}

/// Some of the topics of a room, those with the latest posts first.
pub(crate) struct TopicPage {
    pub(crate) topics: Vec<Listed>,
    pub(crate) paging: Paging,
}

/// A topic that is to be.
pub(crate) struct NewTopic {
    pub(crate) room: Room,
    pub(crate) title: String,
}

impl Topic {
    /// The topic of this id.
    pub(crate) fn find(connection: &Connection, id: i64) -> Result<Option<Self>, StoreError> {
        let found = connection
            .prepare_cached("SELECT id, room, title, posts FROM topics WHERE id = ?")?
            .query_row((id,), Self::read)
            .optional()?;
        Ok(found)
    }

    /// From the columns `id`, `room`, `title` and `posts`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            room: row.get(1)?,
            title: row.get(2)?,
            posts: row.get(3)?,
        })
    }
}

impl TopicPage {
    /// Page `number` of the topics in `room`. `None` if there are not so many.
    pub(crate) fn read(
        connection: &Connection,
        room: Room,
        number: u32,
    ) -> Result<Option<Self>, StoreError> {
        let all = connection
            .prepare_cached("SELECT count(*) FROM topics WHERE room = ?")?
            .query_row((room.as_str(),), |row| row.get(0))?;
        let Some(paging) = Paging::new(number, all, TOPICS_PER_PAGE) else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(
            "SELECT topics.id, room, title, topics.posts,
                 (SELECT name FROM posts JOIN people ON people.id = author
                  WHERE topic = topics.id ORDER BY posts.id LIMIT 1),
                 name, written
             FROM topics
             JOIN posts ON posts.id = latest
             JOIN people ON people.id = author
             WHERE room = ? ORDER BY latest DESC LIMIT ? OFFSET ?",
        )?;
        let topics =
            statement.query_map((room.as_str(), paging.size(), paging.first()), |row| {
                Ok(Listed {
                    topic: Topic::read(row)?,
                    author: row.get(4)?,
                    last_author: row.get(5)?,
                    last_post: row.get(6)?,
                })
            })?;
        Ok(Some(Self {
            topics: topics.collect::<Result<_, _>>()?,
            paging,
        }))
    }
}

impl NewTopic {
    /// Its id. It has no post yet, so this is but a part of a transaction.
    pub(super) fn add(&self, connection: &Connection) -> Result<i64, StoreError> {
        connection
            .prepare_cached("INSERT INTO topics (room, title) VALUES (?, ?)")?
            .execute((self.room.as_str(), &self.title))?;
        Ok(connection.last_insert_rowid())
    }
}

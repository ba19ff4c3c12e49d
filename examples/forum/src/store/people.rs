use rusqlite::{Connection, OptionalExtension, Row};

use super::StoreError;
use crate::{level::Level, moment::Moment};

/// One who has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) joined: Moment,
}

impl Person {
    /// Adds one. It is an error that [`is_taken`](StoreError::is_taken) if there is
    /// somebody of that name.
    pub(crate) fn add(
        connection: &Connection,
        name: &str,
        password_hash: &str,
        level: Level,
        now: Moment,
    ) -> Result<i64, StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO people (name, password, level, joined) VALUES (?, ?, ?, ?)",
            )?
            .execute((name, password_hash, level.as_str(), now))?;
        Ok(connection.last_insert_rowid())
    }

    /// Who is called so, in any case, with the hash of the password.
    pub(crate) fn named(
        connection: &Connection,
        name: &str,
    ) -> Result<Option<(Self, String)>, StoreError> {
        let found = connection
            .prepare_cached("SELECT id, name, level, joined, password FROM people WHERE name = ?")?
            .query_row((name,), |row| Ok((Self::read(row)?, row.get(4)?)))
            .optional()?;
        Ok(found)
    }

    /// How many there are.
    pub(crate) fn count(connection: &Connection) -> Result<u32, StoreError> {
        let count = connection
            .prepare_cached("SELECT count(*) FROM people")?
            .query_row((), |row| row.get(0))?;
        Ok(count)
    }

    /// The ids of the first `most` of them.
    pub(crate) fn first(connection: &Connection, most: u32) -> Result<Vec<i64>, StoreError> {
        let mut statement =
            connection.prepare_cached("SELECT id FROM people ORDER BY id LIMIT ?")?;
        let ids = statement.query_map((most,), |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// From the columns `id`, `name`, `level` and `joined`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            level: row.get(2)?,
            joined: row.get(3)?,
        })
    }
}

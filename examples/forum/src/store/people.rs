use rusqlite::{Connection, OptionalExtension, Row};

use super::StoreError;
use crate::{
    level::Level,
    moment::Moment,
    paging::{PEOPLE_PER_PAGE, Paging},
};

/// One who has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) joined: Moment,
    /// Staff have locked him out.
    pub(crate) suspended: bool,
}

/// Some of those who have registered, by their names.
pub(crate) struct PeoplePage {
    pub(crate) people: Vec<Person>,
    pub(crate) paging: Paging,
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
            .prepare_cached(
                "SELECT id, name, level, joined, suspended, password FROM people WHERE name = ?",
            )?
            .query_row((name,), |row| Ok((Self::read(row)?, row.get(5)?)))
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

    /// Makes one staff. Whether there is anybody of that name.
    pub(crate) fn make_staff(connection: &Connection, name: &str) -> Result<bool, StoreError> {
        let changed = connection
            .prepare_cached("UPDATE people SET level = 'staff', suspended = 0 WHERE name = ?")?
            .execute((name,))?;
        Ok(changed > 0)
    }

    /// Locks a member out, or lets him in again. Whether there is such a member: staff
    /// cannot be locked out.
    pub(crate) fn suspend(
        connection: &Connection,
        id: i64,
        suspended: bool,
    ) -> Result<bool, StoreError> {
        let changed = connection
            .prepare_cached("UPDATE people SET suspended = ? WHERE id = ? AND level = 'member'")?
            .execute((suspended, id))?;
        if changed > 0 && suspended {
            connection
                .prepare_cached("DELETE FROM sessions WHERE person = ?")?
                .execute((id,))?;
        }
        Ok(changed > 0)
    }

    /// From the columns `id`, `name`, `level`, `joined` and `suspended`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            level: row.get(2)?,
            joined: row.get(3)?,
            suspended: row.get(4)?,
        })
    }
}

impl PeoplePage {
    /// Page `number` of them. `None` if there are not so many.
    pub(crate) fn read(connection: &Connection, number: u32) -> Result<Option<Self>, StoreError> {
        let all = Person::count(connection)?;
        let Some(paging) = Paging::new(number, all, PEOPLE_PER_PAGE) else {
            return Ok(None);
        };
        let mut statement = connection.prepare_cached(
            "SELECT id, name, level, joined, suspended FROM people
             ORDER BY name LIMIT ? OFFSET ?",
        )?;
        let people = statement.query_map((paging.size(), paging.first()), Person::read)?;
        Ok(Some(Self {
            people: people.collect::<Result<_, _>>()?,
            paging,
        }))
    }
}

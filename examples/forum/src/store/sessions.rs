use rusqlite::{Connection, OptionalExtension};

use super::{Person, StoreError};
use crate::{moment::Moment, token::TokenHash};

/// For how long one is logged in, in seconds: two weeks.
const LIFETIME: i64 = 14 * 24 * 3600;

/// Whose session it is, if it is one. One that a member began in the moment in which
/// he was suspended is none.
pub(crate) fn person(
    connection: &Connection,
    token: &TokenHash,
    now: Moment,
) -> Result<Option<Person>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT people.id, name, level, joined, suspended
             FROM sessions JOIN people ON people.id = person
             WHERE token = ? AND expires > ? AND NOT suspended",
        )?
        .query_row((token.as_bytes(), now), Person::read)
        .optional()?;
    Ok(found)
}

/// Lets `token` be a session of `person`, instead of `before`, and clears out those
/// that nobody can use any more.
pub(crate) fn begin(
    connection: &Connection,
    token: &TokenHash,
    before: Option<&TokenHash>,
    person: i64,
    now: Moment,
) -> Result<(), StoreError> {
    if let Some(before) = before {
        end(connection, before)?;
    }
    connection
        .prepare_cached("DELETE FROM sessions WHERE expires <= ?")?
        .execute((now,))?;
    connection
        .prepare_cached("INSERT INTO sessions (token, person, expires) VALUES (?, ?, ?)")?
        .execute((token.as_bytes(), person, now.later(LIFETIME)))?;
    Ok(())
}

/// Nobody is known by `token` from now on.
pub(crate) fn end(connection: &Connection, token: &TokenHash) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM sessions WHERE token = ?")?
        .execute((token.as_bytes(),))?;
    Ok(())
}

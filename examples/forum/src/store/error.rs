use std::{error::Error, fmt};

use tokio::task::JoinError;

/// The database does not do what it is asked to.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Database(rusqlite::Error),
    /// The work itself broke off.
    Panicked(JoinError),
    TooNew,
    Password(argon2::password_hash::Error),
}

impl StoreError {
    pub(super) const fn too_new() -> Self {
        Self { kind: Kind::TooNew }
    }

    pub(crate) const fn password(error: argon2::password_hash::Error) -> Self {
        Self {
            kind: Kind::Password(error),
        }
    }

    /// Whether it says that something of this name is there already.
    pub(crate) fn is_taken(&self) -> bool {
        let Kind::Database(error) = &self.kind else {
            return false;
        };
        error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            kind: Kind::Database(error),
        }
    }
}

impl From<JoinError> for StoreError {
    fn from(error: JoinError) -> Self {
        Self {
            kind: Kind::Panicked(error),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Database(error) => write!(f, "the database says: {error}"),
            Kind::Panicked(error) => write!(f, "work on the database broke off: {error}"),
            Kind::TooNew => f.write_str(
                "the database was made by a later version of this program; use that one",
            ),
            Kind::Password(error) => write!(f, "a password cannot be hashed: {error}"),
        }
    }
}

impl Error for StoreError {}

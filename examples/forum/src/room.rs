use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

use crate::level::Level;

/// Where a topic is talked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Where everybody reads.
    Open,
    /// Where members are among themselves.
    Members,
}

impl Room {
    /// Its name in the database, in addresses and forms.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Members => "members",
        }
    }

    /// Its name on pages.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Open => "Topics",
            Self::Members => "The members’ room",
        }
    }

    /// Where its topics are listed.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Open => "/",
            Self::Members => "/members",
        }
    }

    /// Who may read here.
    pub(crate) const fn readers(self) -> Level {
        match self {
            Self::Open => Level::Visitor,
            Self::Members => Level::Member,
        }
    }

    /// The room of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Members]
            .into_iter()
            .find(|room| room.as_str() == name)
    }
}

impl FromSql for Room {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::named(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

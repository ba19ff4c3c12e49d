use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

/// How far somebody may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Anybody: reads what is open.
    Visitor,
    /// Who has registered: writes, and reads what is for members.
    Member,
    /// Who looks after the place: removes what should not be there.
    Staff,
}

impl Level {
    /// Its name in the database, in pages, and to the cache, which keeps one copy
    /// of a page for each of them.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Member => "member",
            Self::Staff => "staff",
        }
    }
}

impl FromSql for Level {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "member" => Ok(Self::Member),
            "staff" => Ok(Self::Staff),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

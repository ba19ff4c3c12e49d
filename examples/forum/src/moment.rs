use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};
use time::OffsetDateTime;

/// A point in time, to the second. `Display` is for people, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(since.as_secs().cast_signed())
    }

    /// This many seconds later, or earlier if they are negative.
    pub(crate) const fn later(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// As HTML's `<time>` wants it, for scripts.
    pub(crate) fn to_machine(self) -> String {
        let utc = self.utc();
        let (month, day) = (u8::from(utc.month()), utc.day());
        let (hour, minute, second) = utc.to_hms();
        format!(
            "{}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z",
            utc.year()
        )
    }

    fn utc(self) -> OffsetDateTime {
        // Nobody writes in a year that has five digits.
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.utc();
        let (day, month, year) = (utc.day(), utc.month(), utc.year());
        let (hour, minute, _) = utc.to_hms();
        write!(f, "{day} {month} {year}, {hour:02}:{minute:02} UTC")
    }
}

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_machines_read_the_same_time() {
        let moment = Moment(1_700_000_003);
        assert_eq!(moment.to_string(), "14 November 2023, 22:13 UTC");
        assert_eq!(moment.to_machine(), "2023-11-14T22:13:23Z");
    }
}

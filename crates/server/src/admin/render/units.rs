//! Quantities as `passenger-status` writes them.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A span of seconds as `passenger-status` writes it: `14s`, `1m 2s`,
/// `3h 0m 5s`, `2d 0h 0m 1s`.
pub(in crate::admin) struct Span(pub(in crate::admin) f64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Saturates: what is negative or no number becomes 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = self.0 as u64;
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        if days > 0 {
            write!(f, "{days}d {hours}h {minutes}m {seconds}s")
        } else if hours > 0 {
            write!(f, "{hours}h {minutes}m {seconds}s")
        } else if minutes > 0 {
            write!(f, "{minutes}m {seconds}s")
        } else {
            write!(f, "{seconds}s")
        }
    }
}

/// Seconds since 1970 as the date that HTTP and the status's first lines write.
pub(super) struct Date(pub(super) f64);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since_1970 = Duration::try_from_secs_f64(self.0).ok();
        // Beyond the year 9999 there is no such date.
        let at = since_1970
            .filter(|since| since.as_secs() < 253_402_300_800)
            .map(|since| SystemTime::UNIX_EPOCH + since);
        match at {
            Some(at) => f.write_str(&httpdate::fmt_http_date(at)),
            None => f.write_str("?"),
        }
    }
}

/// Bytes in the largest unit that leaves a digit before the point, as
/// `passenger-status` writes memory: `512K`, `23M`, `1.5G`.
pub(in crate::admin) struct Size(pub(in crate::admin) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        match self.0 {
            0..KIB => write!(f, "{}B", self.0),
            KIB..MIB => write!(f, "{}K", self.0 / KIB),
            MIB..GIB => write!(f, "{}M", self.0 / MIB),
            bytes => write!(f, "{}.{}G", bytes / GIB, bytes % GIB * 10 / GIB),
        }
    }
}

/// `?` where something is not known.
pub(super) struct OrUnknown(pub(super) Option<String>);

impl fmt::Display for OrUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_deref().unwrap_or("?"))
    }
}

/// Text that somebody else wrote, without what a terminal would take for a command.
pub(in crate::admin) struct Plain<'a>(pub(in crate::admin) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |character: char| match character {
            '\t' => ' ',
            character if character.is_control() => '?',
            character => character,
        };
        f.pad(&self.0.chars().map(plain).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_there_is_not_is_not_known() {
        let cases = [
            (0.0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_795_248_000.9, "Sat, 21 Nov 2026 08:00:00 GMT"),
            (-1.0, "?"),
            (f64::NAN, "?"),
            (1e18, "?"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(Date(seconds).to_string(), expected, "{seconds}");
        }
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let spans = [
            (0.9, "0s"),
            (59.0, "59s"),
            (62.0, "1m 2s"),
            (3600.0, "1h 0m 0s"),
            (86_401.0, "1d 0h 0m 1s"),
            (-1.0, "0s"),
            (f64::NAN, "0s"),
        ];
        for (seconds, expected) in spans {
            assert_eq!(Span(seconds).to_string(), expected);
        }
        let sizes = [
            (0, "0B"),
            (1023, "1023B"),
            (1 << 10, "1K"),
            (64 << 20, "64M"),
            (3 << 29, "1.5G"),
        ];
        for (bytes, expected) in sizes {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }

    #[test]
    fn what_others_wrote_commands_no_terminal() {
        let cases = [
            ("/topics/7", "/topics/7"),
            ("\u{1b}[2Jgone", "?[2Jgone"),
            ("\u{9b}31m", "?31m"),
            ("a\tb\rc", "a b?c"),
            ("Füße", "Füße"),
        ];
        for (text, expected) in cases {
            assert_eq!(Plain(text).to_string(), expected);
        }
    }
}

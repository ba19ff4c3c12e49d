use std::{fmt, str::FromStr};

use super::normal::normal;

/// What the paths of an application begin with: `/` or `/blog`.
///
/// In its [`normal`] form, and without the slash at its end; the front page's is empty,
/// so that every path begins with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Prefix(Box<str>);

impl Prefix {
    /// Whether it is not all paths.
    pub(crate) fn is_below_root(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether `path`, in its normal form, is this one or below it.
    pub(super) fn has(&self, path: &str) -> bool {
        path.strip_prefix(&*self.0)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.0.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || Err("not a path such as /blog".to_owned());
        let path = &*normal(text.strip_suffix('/').unwrap_or(text));
        if text.is_empty() || !path.is_empty() && !path.starts_with('/') {
            return refuse();
        }
        // As it is sent: what a client has to escape is escaped here, too.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte);
        let parts = path.split('/').skip(1);
        let is_untidy = |part: &str| matches!(part, "" | "." | "..");
        if !path.bytes().all(is_plain) || parts.into_iter().any(is_untidy) {
            return refuse();
        }
        Ok(Self(path.into()))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_plain_path() {
        let cases = [
            ("the front page", "/", Some("/")),
            ("one segment", "/blog", Some("/blog")),
            ("a slash at the end", "/blog/", Some("/blog")),
            ("two segments", "/a/b", Some("/a/b")),
            ("an escape", "/a%20b", Some("/a%20b")),
            ("one that need not be", "/%62log", Some("/blog")),
            ("no slash", "blog", None),
            ("nothing", "", None),
            ("an empty segment", "/a//b", None),
            ("dots", "/a/../b", None),
            ("escaped dots", "/a/%2e%2E/b", None),
            ("a query", "/a?b", None),
            ("a space", "/a b", None),
            ("two slashes", "//", None),
        ];
        for (name, text, expected) in cases {
            let prefix = text.parse::<Prefix>().ok();
            let shown = prefix.map(|prefix| prefix.to_string());
            assert_eq!(shown.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_path_is_below_a_prefix_by_whole_segments() {
        let cases = [
            ("/", "/", true),
            ("/", "/blog", true),
            ("/", "*", true),
            ("/blog", "/blog", true),
            ("/blog", "/blog/", true),
            ("/blog", "/blog/1", true),
            ("/blog", "/blogs", false),
            ("/blog", "/Blog", false),
            ("/blog", "/blog%2F1", false),
            ("/blog", "//blog", false),
            ("/blog", "/", false),
            ("/blog", "*", false),
        ];
        for (prefix, path, expected) in cases {
            let prefix: Prefix = prefix.parse().unwrap();
            assert_eq!(prefix.has(path), expected, "{prefix} {path}");
        }
    }
}

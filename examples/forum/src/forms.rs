//! What people send, and what of it we take.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Why something was not taken, for the person who sent it.
pub(crate) type Refusal = &'static str;

/// Of a registration, or of a login.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) next: Local,
}

/// A new topic.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TopicForm {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A reply to one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReplyForm {
    pub(crate) text: String,
}

/// The query of a page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Query {
    page: Option<String>,
    pub(crate) next: Local,
}

impl Query {
    /// Which page of a list, if it is a number.
    pub(crate) fn page(&self) -> Option<u32> {
        match &self.page {
            None => Some(1),
            Some(number) => number.parse().ok(),
        }
    }
}

/// An address within the forum; `/` if it is any other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Local(String);

impl Local {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address at `path` from where one comes back to this one.
    pub(crate) fn after(&self, path: &str) -> String {
        if *self == Self::default() {
            return path.to_owned();
        }
        let next = utf8_percent_encode(&self.0, NON_ALPHANUMERIC);
        format!("{path}?next={next}")
    }
}

impl Default for Local {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl From<String> for Local {
    fn from(address: String) -> Self {
        // `//host` is another site, and browsers take a backslash for a slash.
        let is_local = address.starts_with('/')
            && !address.starts_with("//")
            && address.len() <= 200
            && address
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_local {
            Self(address)
        } else {
            Self::default()
        }
    }
}

/// Letters and digits of any script, and what stands between them.
pub(crate) fn name(name: &str) -> Result<&str, Refusal> {
    let name = name.trim();
    let is_name = name
        .chars()
        .all(|c| c.is_alphanumeric() || " -_.".contains(c))
        && name.contains(char::is_alphanumeric)
        && !name.contains("  ");
    match name.chars().count() {
        2..=24 if is_name => Ok(name),
        2..=24 => {
            Err("A name is made of letters and digits, with single spaces or - _ . between them.")
        }
        _ => Err("A name has 2 to 24 letters."),
    }
}

pub(crate) fn new_password(password: &str) -> Result<&str, Refusal> {
    match password.chars().count() {
        8..=128 => Ok(password),
        _ => Err("A password has 8 to 128 characters. Longer is better."),
    }
}

/// One line.
pub(crate) fn title(title: &str) -> Result<String, Refusal> {
    let words: Vec<_> = title.split_whitespace().collect();
    let title = words.join(" ");
    match title.chars().count() {
        3..=120 => Ok(title),
        _ => Err("A title has 3 to 120 characters."),
    }
}

/// Any text, with line breaks as we like them.
pub(crate) fn text(text: &str) -> Result<String, Refusal> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    match text.chars().count() {
        0 => Err("There is nothing in it yet."),
        1..=10_000 => Ok(text.to_owned()),
        _ => Err("That is more than 10,000 characters. Could you say it in two posts?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_sent_nowhere_else() {
        let cases = [
            ("a page", "/topics/3?page=2", "/topics/3?page=2"),
            ("nothing", "", "/"),
            ("no path", "topics", "/"),
            ("another site", "https://evil.example/", "/"),
            ("another site, without its scheme", "//evil.example", "/"),
            ("the same to a browser", "/\\evil.example", "/"),
            ("two lines", "/a\r\nSet-Cookie: x=y", "/"),
            ("a tab that browsers drop", "/\t/evil.example", "/"),
        ];
        for (name, address, expected) in cases {
            assert_eq!(Local::from(address.to_owned()).as_str(), expected, "{name}");
        }
    }

    #[test]
    fn what_people_send_is_within_bounds() {
        let cases = [
            ("a name", name("  Ada ").is_ok(), true),
            ("in any script", name("Žofie 東").is_ok(), true),
            ("markup", name("<b>").is_ok(), false),
            ("too short", name("A").is_ok(), false),
            ("nothing but dots", name("...").is_ok(), false),
            ("too long", name(&"a".repeat(25)).is_ok(), false),
            ("a password", new_password("12345678").is_ok(), true),
            ("a short one", new_password("1234567").is_ok(), false),
            ("a title", title("On falcons").is_ok(), true),
            ("no title", title(" \n ").is_ok(), false),
            ("a text", text("Hello").is_ok(), true),
            ("no text", text("\r\n").is_ok(), false),
            ("a long text", text(&"a".repeat(10_001)).is_ok(), false),
        ];
        for (name, taken, expected) in cases {
            assert_eq!(taken, expected, "{name}");
        }
        assert_eq!(text(" a\r\nb ").unwrap(), "a\nb");
        assert_eq!(title("a\n b  c").unwrap(), "a b c");
    }
}

//! What paths have in common that are the same to whoever reads them.

use std::borrow::Cow;

/// The same path for all paths that are equivalent by RFC 3986 §6.2.2.1 and §6.2.2.2:
/// "URIs that differ in the replacement of an unreserved character with its
/// corresponding percent-encoded US-ASCII octet are equivalent", and so are those that
/// differ in the case of the digits of an escape.
///
/// Other escapes stay, a slash's (`%2F`) and a percent sign's among them: to replace
/// these would make another path of it. So nothing is decoded twice.
pub(super) fn normal(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        rest = after;
        // What is no escape stays as it is.
        match escaped(after) {
            Some(byte) if is_unreserved(byte) => {
                normal.push(byte.into());
                rest = &after[2..];
            }
            Some(_) => {
                normal.push('%');
                normal.push_str(&after[..2].to_ascii_uppercase());
                rest = &after[2..];
            }
            None => normal.push('%'),
        }
    }
    normal.push_str(rest);
    Cow::Owned(normal)
}

/// Whether a [`normal`] path goes up, or nowhere, on its way down. Also by an escaped
/// slash, which many take for one that is not.
pub(super) fn has_dot_segments(path: &str) -> bool {
    let mut segments = path.split('/').flat_map(|segment| segment.split("%2F"));
    segments.any(|segment| matches!(segment, "." | ".."))
}

/// The byte that follows the percent sign, if its digits do.
fn escaped(after: &str) -> Option<u8> {
    let digits = after.as_bytes().get(..2)?;
    let digit = |at: usize| char::from(digits[at]).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

/// RFC 3986 §2.3: "ALPHA / DIGIT / "-" / "." / "_" / "~"".
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_paths_have_one_normal_form() {
        let cases = [
            ("nothing escaped", "/blog/1", "/blog/1"),
            ("a letter", "/%62log", "/blog"),
            ("all of it", "/%62%6C%6f%67", "/blog"),
            ("what else is unreserved", "/%2D%2e%5F%7e%30", "/-._~0"),
            ("a slash", "/a%2fb", "/a%2Fb"),
            ("a percent sign", "/%2562log", "/%2562log"),
            ("a question mark", "/a%3fb", "/a%3Fb"),
            ("no ASCII", "/caf%c3%a9", "/caf%C3%A9"),
            ("no escape", "/100%", "/100%"),
            ("half an escape", "/%6", "/%6"),
            ("no digits", "/%zz%62", "/%zzb"),
            ("a sign for a digit", "/%+2%62", "/%+2b"),
            ("letters behind a percent sign", "/%é2", "/%é2"),
        ];
        for (name, path, expected) in cases {
            assert_eq!(normal(path), expected, "{name}");
        }
    }

    #[test]
    fn dot_segments_are_seen_in_every_spelling() {
        let cases = [
            ("none", "/blog/1", false),
            ("up", "/blog/../admin", true),
            ("at the end", "/blog/..", true),
            ("nowhere", "/./blog", true),
            ("escaped", "/blog/%2e%2E/admin", true),
            ("half of it", "/blog/.%2e/admin", true),
            ("an escaped slash", "/blog/..%2fadmin", true),
            ("before an escaped slash", "/blog%2f../admin", true),
            ("escaped twice", "/blog/%252e%252e/admin", false),
            ("a hidden file", "/.well-known/x", false),
            ("three dots", "/blog/.../x", false),
            ("at the end of a name", "/blog../x", false),
            ("no path", "*", false),
        ];
        for (name, path, expected) in cases {
            assert_eq!(has_dot_segments(&normal(path)), expected, "{name}");
        }
    }
}

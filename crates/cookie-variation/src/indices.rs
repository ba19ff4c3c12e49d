//! `Cookie-Indices`: which cookies a response that says `Vary: Cookie` depends
//! on. From the Internet-Draft "HTTP Availability Hints".

use http::{HeaderMap, HeaderName, HeaderValue, header::VARY};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::name::CookieName;

const COOKIE_INDICES: HeaderName = HeaderName::from_static("cookie-indices");

/// Takes `Cookie` out of `Vary` if the variants that we tell apart by `cookies`
/// are all that there are.
///
/// One that lists a cookie of which we do not know whom to believe stays as it
/// is: by `Vary`, it is for those who send all the same cookies.
pub(crate) fn apply(headers: &mut HeaderMap, cookies: &[CookieName]) {
    if !headers.contains_key(&COOKIE_INDICES) || !covers(headers, cookies) {
        return;
    }
    let lines = headers.get_all(VARY).iter();
    let members = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let others: Vec<_> = members
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.eq_ignore_ascii_case(b"cookie"))
        .filter(|member| !member.is_empty())
        .collect();
    match HeaderValue::from_bytes(&others.join(&b", "[..])) {
        Ok(left) if !left.is_empty() => {
            headers.insert(VARY, left);
        }
        _ => {
            headers.remove(VARY);
        }
    }
}

/// Whether each of the names listed is one of `cookies`. False if it lists none,
/// or cannot be read.
fn covers(headers: &HeaderMap, cookies: &[CookieName]) -> bool {
    let lines = headers.get_all(&COOKIE_INDICES).iter();
    let lines: Vec<_> = lines.map(HeaderValue::as_bytes).collect();
    let Ok(list) = Parser::new(&lines.join(&b","[..])).parse::<List>() else {
        return false;
    };
    let is_ours = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) => cookies.iter().any(|ours| ours.as_str() == name.as_str()),
            _ => false,
        },
        ListEntry::InnerList(_) => false,
    };
    !list.is_empty() && list.iter().all(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_varies_by_listed_cookies_only_if_all_are_ours() {
        let cases: &[(&str, &[&str], &[&str], &[&str])] = &[
            ("one", &["Cookie"], &["\"user_id\""], &[]),
            ("all", &["Cookie"], &["\"user_id\", \"lang\""], &[]),
            (
                "on two lines",
                &["Cookie"],
                &["\"user_id\"", "\"lang\""],
                &[],
            ),
            (
                "beside others",
                &["Accept, cookie, Origin"],
                &["\"lang\""],
                &["Accept, Origin"],
            ),
            ("without Vary", &[], &["\"lang\""], &[]),
            ("varies by everything", &["*"], &["\"lang\""], &["*"]),
            (
                "one is not ours",
                &["Cookie"],
                &["\"lang\", \"theme\""],
                &["Cookie"],
            ),
            ("names count case", &["Cookie"], &["\"Lang\""], &["Cookie"]),
            ("none listed", &["Cookie"], &[""], &["Cookie"]),
            ("no strings", &["Cookie"], &["lang"], &["Cookie"]),
            ("a list inside", &["Cookie"], &["(\"lang\")"], &["Cookie"]),
            ("nonsense", &["Cookie"], &["\"lang"], &["Cookie"]),
            ("no hint", &["Cookie"], &[], &["Cookie"]),
        ];
        let cookies = ["user_id", "lang"].map(CookieName::new);
        for (name, vary, indices, left) in cases {
            let mut headers = HeaderMap::new();
            for line in *vary {
                headers.append(VARY, line.parse().unwrap());
            }
            for line in *indices {
                headers.append(COOKIE_INDICES, line.parse().unwrap());
            }
            apply(&mut headers, &cookies);
            let lines: Vec<_> = headers.get_all(VARY).iter().collect();
            assert_eq!(lines, *left, "{name}");
        }
    }
}

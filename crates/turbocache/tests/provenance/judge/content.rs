//! The body is what the head says that it is.

use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};

use super::{Answer, Case, Exchange};

impl Case<'_> {
    /// The body is the page, or the part of it that it says it is, or none where
    /// there must be none.
    pub(super) fn content(&self, source: &Exchange, answer: &Answer) -> Result<(), String> {
        let status = self.answer.status().as_u16();
        let headers = self.answer.headers();
        let body = self.answer.body();
        let stored = match answer.status {
            // The representation is one that came before it.
            304 | 206 => 200,
            status => status,
        };
        let whole = if stored == 204 { "" } else { &answer.page };
        match status {
            304 if answer.status != 304 || source.step != self.step => {
                rule!(self.client_has(), "a 304 to a client that does not have it");
            }
            206 => {
                let asked = self.ask.fields.iter().any(|(name, _)| *name == "range");
                rule!(asked, "a part for who has asked for the whole");
                let range = headers
                    .get(CONTENT_RANGE)
                    .map(|range| range.to_str().unwrap());
                let part = range.and_then(|range| slice(range, whole));
                rule!(
                    part.is_some(),
                    "a part of something else: {range:?} of {}",
                    whole.len()
                );
                rule!(
                    part == Some(body),
                    "the wrong part: {body:?} is not {part:?}"
                );
            }
            304 => {}
            _ => {
                let allowed = status == stored
                    || status == answer.status
                    || (answer.status == 304
                        && self.earlier(source).any(|known| known.status == status));
                rule!(allowed, "status {status} instead of {stored}");
                if self.ask.method != "HEAD" {
                    rule!(body == whole, "the content {body:?} instead of {whole:?}");
                }
            }
        }
        if status == 304 || self.ask.method == "HEAD" {
            rule!(body.is_empty(), "a body where none may be");
        } else if let Some(length) = headers.get(CONTENT_LENGTH) {
            rule!(
                length == &body.len().to_string(),
                "another length than it says"
            );
        }
        Ok(())
    }

    /// RFC 9110 §13.2.2: whether the client's own preconditions say that it has
    /// what the answer is about.
    fn client_has(&self) -> bool {
        let headers = self.answer.headers();
        let mut tags = self.said(IF_NONE_MATCH).peekable();
        if tags.peek().is_some() {
            let etag = headers.get(ETAG).map(|etag| etag.to_str().unwrap());
            return tags.any(|tags| tags == "*" || tags.split(", ").any(|tag| Some(tag) == etag));
        }
        // A cache without `Last-Modified` goes by `Date` (RFC 9111 §4.3.2).
        let changed = headers.get(LAST_MODIFIED).or_else(|| headers.get(DATE));
        let since = self.said(IF_MODIFIED_SINCE).next();
        let date = |value: &str| httpdate::parse_http_date(value).ok();
        let changed = changed.and_then(|changed| date(changed.to_str().unwrap()));
        changed
            .zip(since.and_then(date))
            .is_some_and(|(changed, since)| changed <= since)
    }
}

/// The part of `whole` that `Content-Range` names.
fn slice<'a>(range: &str, whole: &'a str) -> Option<&'a str> {
    let (range, length) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
    (length == whole.len().to_string()).then(|| whole.get(from..=to))?
}

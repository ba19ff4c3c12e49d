//! What an operator may tell a running server to forget.

use axum::{Json, Router, extract::State, extract::rejection::JsonRejection, routing::post};
use http::{StatusCode, Uri};
use peregrine::turbocache::{Scope, TurboCacheHandle};
use serde::{Deserialize, Serialize};

use super::{control::Choice, problem::Problem, served::Served};

/// What `POST /v1/purge` is to do: exactly one of `url`, `prefix`, `tag` and
/// `everything` says what is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Purge {
    /// All variants of one page: with scheme and host as clients ask for it, or
    /// its path and query alone, at every host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Every page whose path and query begin like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// What the application has tagged so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    /// All that is stored.
    pub(crate) everything: bool,
    /// Not to be removed, but validated at the next request, which may still get
    /// it unless it forbids that.
    pub(crate) soft: bool,
    /// The application whose cache it is; that of each if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<String>,
}

/// What it answers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Purged {
    /// How many stored responses that were; each variant of a page is one.
    pub(super) purged: u64,
}

pub(super) fn router<S: Served>() -> Router<S> {
    Router::new().route("/v1/purge", post(purge::<S>))
}

async fn purge<S: Served>(
    State(served): State<S>,
    wanted: Result<Json<Purge>, JsonRejection>,
) -> Result<Json<Purged>, Problem> {
    let Json(wanted) = wanted.map_err(|error| {
        // Too large, or not said to be JSON, or none.
        Problem::new(error.status(), "bad-request", error.body_text())
    })?;
    let scope = wanted.scope()?;
    let choice = Choice {
        application: wanted.application,
    };
    let applications = choice.among(served.controls())?;
    let caches: Vec<_> = applications.into_iter().filter_map(|it| it.cache).collect();
    if caches.is_empty() {
        let detail = "this server has no cache; see --cache";
        return Err(Problem::new(StatusCode::CONFLICT, "no-cache", detail));
    }
    let purge = |cache: &TurboCacheHandle| {
        if wanted.soft {
            cache.purge_softly(&scope)
        } else {
            cache.purge(&scope)
        }
    };
    let purged = caches.iter().map(purge).sum();
    Ok(Json(Purged { purged }))
}

impl Purge {
    fn scope(&self) -> Result<Scope, Problem> {
        let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail);
        let address = |text: &str| {
            let uri: Result<Uri, _> = text.parse();
            // `topics` alone would be a host.
            uri.ok()
                .filter(|uri| text.starts_with('/') || uri.scheme().is_some())
                .ok_or_else(|| {
                    bad("an address is a path as /topics/7, or begins with http:// or https://")
                })
        };
        match (&self.url, &self.prefix, &self.tag, self.everything) {
            (Some(url), None, None, false) => Ok(Scope::url(&address(url)?)),
            (None, Some(prefix), None, false) => Ok(Scope::prefix(&address(prefix)?)),
            (None, None, Some(tag), false) => Ok(Scope::tag(tag)),
            (None, None, None, true) => Ok(Scope::everything()),
            _ => Err(bad(
                "say exactly one of `url`, `prefix`, `tag` and `everything`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_says_one_thing() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let page = "http://forum.example/topics/7?page=2";
        let cases = [
            (
                "a page",
                format!(r#"{{"url": "{page}"}}"#),
                Some(Scope::url(&uri(page))),
            ),
            (
                "a page of every host",
                r#"{"url": "/topics/7"}"#.to_owned(),
                Some(Scope::url(&uri("/topics/7"))),
            ),
            (
                "a prefix",
                r#"{"prefix": "/topics/"}"#.to_owned(),
                Some(Scope::prefix(&uri("/topics/"))),
            ),
            (
                "a tag",
                r#"{"tag": "topic-7"}"#.to_owned(),
                Some(Scope::tag("topic-7")),
            ),
            (
                "all",
                r#"{"everything": true}"#.to_owned(),
                Some(Scope::everything()),
            ),
            ("nothing", "{}".to_owned(), None),
            ("not all", r#"{"everything": false}"#.to_owned(), None),
            ("two things", r#"{"url": "/", "tag": "a"}"#.to_owned(), None),
            (
                "all and more",
                r#"{"everything": true, "tag": "a"}"#.to_owned(),
                None,
            ),
            ("a host for a path", r#"{"url": "topics"}"#.to_owned(), None),
            ("no address", r#"{"prefix": "http://"}"#.to_owned(), None),
        ];
        for (name, json, expected) in cases {
            let purge: Purge = serde_json::from_str(&json).unwrap();
            assert_eq!(purge.scope().ok(), expected, "{name}");
        }
        // A word that is misspelled would otherwise purge something else.
        assert!(serde_json::from_str::<Purge>(r#"{"url": "/", "sofd": true}"#).is_err());
    }
}

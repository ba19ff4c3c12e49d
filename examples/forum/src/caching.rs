//! Who may keep an answer, and until when?

use std::time::Duration;

use axum::response::IntoResponseParts;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderName, HeaderValue,
    header::{ETAG, VARY},
};
use sha2::{Digest, Sha256};
use turbocache::response::{
    CacheControl, CacheGroups, CdnCacheControl, InvalidateGroups, NoVarySearch,
};

use crate::{identity::SESSION, level::Level, room::Room, store::Topic};

/// For how long a page may be kept. Long, since whatever changes it also says so.
const FRESH: Duration = Duration::from_secs(600);

/// For what never changes under its name.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Which cookies a response that varies by `Cookie` depends on, from the
/// Internet-Draft "HTTP Availability Hints".
const COOKIE_INDICES: HeaderName = HeaderName::from_static("cookie-indices");

/// What pages have in common that change together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// The lists of a room.
    Room(Room),
    /// What there is to read about a topic, or that there is none of this id.
    Topic(i64),
    /// The list of who has registered.
    People,
}

impl Group {
    /// What changes with a new post in this topic.
    pub(crate) fn of_post(topic: &Topic) -> [Self; 2] {
        [Self::Topic(topic.id), Self::Room(topic.room)]
    }
}

impl From<Group> for String {
    fn from(group: Group) -> Self {
        match group {
            Group::Room(room) => format!("room-{}", room.as_str()),
            Group::Topic(id) => format!("topic-{id}"),
            Group::People => "people".to_owned(),
        }
    }
}

/// Who may keep an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The cache of this server, for all who are on the level of who asked, until
    /// one of these groups changes.
    ForLevel(Vec<Group>),
    /// Nobody. It is one person's own, or about one request.
    ForNobody,
}

impl Keep {
    /// What an answer to somebody on `level` says about it.
    pub(crate) fn said_to(self, level: Level) -> impl IntoResponseParts {
        // A browser that is logged in keeps nothing, so that there is nothing left
        // in it after it has logged out. One that is not asks each time, and is
        // told "not modified" from memory.
        let for_browsers = match (&self, level) {
            (Self::ForLevel(_), Level::Visitor) => CacheControl::new().no_cache(),
            _ => CacheControl::new().no_store(),
        };
        let for_our_cache = match self {
            Self::ForNobody => None,
            Self::ForLevel(groups) => Some((
                CdnCacheControl(CacheControl::new().max_age(FRESH)),
                CacheGroups::new(groups),
                // Whoever makes up other parameters gets the same page.
                NoVarySearch::new()
                    .key_order()
                    .params_except(["page", "next"]),
                // A cache that does not know who sees which variant is to give a page
                // to those alone who send the same cookies.
                [
                    (VARY, HeaderValue::from_static("Cookie")),
                    (COOKIE_INDICES, session_index()),
                ],
            )),
        };
        (for_browsers, for_our_cache)
    }
}

/// What an answer says that has changed all that belongs to `groups`.
pub(crate) fn changes(groups: impl IntoIterator<Item = Group>) -> InvalidateGroups {
    InvalidateGroups::new(groups)
}

/// What never changes under its name is for everybody, and for good.
pub(crate) fn for_ever() -> CacheControl {
    CacheControl::new().public().max_age(FOR_EVER).immutable()
}

/// By what a browser asks whether it has this content already, whatever its coding.
pub(crate) fn etag(content: &str) -> [(HeaderName, HeaderValue); 1] {
    let digest = Sha256::digest(content);
    // RFC 9110 §8.8.3.3: "a strong entity tag for a content-encoded representation has
    // to be distinct from the entity tag of an unencoded representation". A weak one
    // is for both, and a page is not asked for in ranges.
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..12]));
    [(ETAG, HeaderValue::try_from(tag).expect("Base64 is ASCII"))]
}

/// A list of one string (RFC 9651 §3.1).
fn session_index() -> HeaderValue {
    HeaderValue::try_from(format!("\"{SESSION}\"")).expect("the cookie's name is a word")
}

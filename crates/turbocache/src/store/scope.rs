use bytes::Bytes;
use http::Uri;

use super::{Entry, Label};
use crate::key::{Key, query::QueryRules};

/// Which stored responses a purge is about.
///
/// ```
/// use turbocache::{Scope, TurboCache};
///
/// let handle = TurboCache::conservative().handle();
/// handle.purge(&Scope::url(&"http://forum.example/topics/7".parse().unwrap()));
/// // Under every name of the application, and everything below it.
/// handle.purge(&Scope::prefix(&"/topics/".parse().unwrap()));
/// handle.purge_softly(&Scope::tag("topic-7"));
/// assert_eq!(handle.purge(&Scope::everything()), 0, "nothing was stored");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// What has this plain key.
    Url(Key),
    /// At any origin.
    Path(Bytes),
    Prefix(Key),
    PathPrefix(Bytes),
    Label(Label),
    Everything,
}

/// Where a store has to look for what is in a scope.
pub(super) enum Where<'a> {
    /// At this key, and at what belongs to it.
    Url(&'a Key),
    /// At what has this label.
    Label(&'a Label),
    /// At all keys.
    Anywhere,
    Everything,
}

impl Scope {
    /// All variants of the page at `url`.
    ///
    /// With scheme and host, that page, as clients ask for it: `https` only where
    /// the cache knows of it. With neither (`/page?id=7`), that page at every
    /// host; to find it takes a look at every key.
    pub fn url(url: &Uri) -> Self {
        Self(match Key::of_uri(url, &QueryRules::All) {
            Some(key) => Kind::Url(key),
            None => Kind::Path(path_and_query(url)),
        })
    }

    /// Every page whose path and query begin with that of `url`: `/topics/` and
    /// `/topics` are not the same, the latter is the beginning of `/topics.html`,
    /// too.
    ///
    /// With scheme and host, at that host only. Takes a look at every key.
    pub fn prefix(url: &Uri) -> Self {
        Self(match Key::of_uri(url, &QueryRules::All) {
            Some(key) => Kind::Prefix(key),
            None => Kind::PathPrefix(path_and_query(url)),
        })
    }

    /// What the application has tagged with `tag`, in `Surrogate-Key` or
    /// `Cache-Tag`.
    pub fn tag(tag: &str) -> Self {
        Self(Kind::Label(Label::Tag(tag.as_bytes().into())))
    }

    /// All that is stored.
    pub const fn everything() -> Self {
        Self(Kind::Everything)
    }

    /// What is stored for the URI with this plain key.
    pub(crate) const fn of_key(key: Key) -> Self {
        Self(Kind::Url(key))
    }

    pub(crate) const fn of_label(label: Label) -> Self {
        Self(Kind::Label(label))
    }

    /// The same, by the rules of one cache for what of a query counts.
    pub(crate) fn under(&self, rules: &QueryRules) -> Self {
        Self(match &self.0 {
            Kind::Url(key) => Kind::Url(key.beside(key.as_target().path_and_query, rules)),
            Kind::Path(path) => match str::from_utf8(path) {
                Ok(path) => Kind::Path(rules.apply(path).into_owned().into()),
                Err(_) => Kind::Path(path.clone()),
            },
            other => other.clone(),
        })
    }

    /// Whether what is stored for `key` with `labels` is in it. `None` if the
    /// labels are not known yet: then it may be.
    pub(crate) fn has(&self, key: &Key, labels: Option<&[Label]>) -> bool {
        match &self.0 {
            Kind::Label(label) => labels.is_none_or(|labels| labels.contains(label)),
            Kind::Url(plain) => key.may_be_for(plain),
            Kind::Path(path) => key.may_be_for_target(path),
            Kind::Prefix(plain) => key.may_begin_with(plain),
            Kind::PathPrefix(prefix) => key.target_may_begin_with(prefix),
            Kind::Everything => true,
        }
    }

    pub(super) fn has_entry(&self, key: &Key, entry: &Entry) -> bool {
        self.has(key, Some(entry.head.labels()))
    }

    pub(super) const fn place(&self) -> Where<'_> {
        match &self.0 {
            Kind::Url(plain) => Where::Url(plain),
            Kind::Label(label) => Where::Label(label),
            Kind::Path(_) | Kind::Prefix(_) | Kind::PathPrefix(_) => Where::Anywhere,
            Kind::Everything => Where::Everything,
        }
    }
}

fn path_and_query(url: &Uri) -> Bytes {
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    Bytes::copy_from_slice(target.as_bytes())
}

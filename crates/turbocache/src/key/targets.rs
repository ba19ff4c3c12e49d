//! The keys of a URI, for those who invalidate it: RFC 9111 §4.4.
//!
//! What is stored for a URI may be under several keys: a plain one, those with
//! more parts, which are noted under their [plain](Key::plain) one, and what
//! either of them is [under](super::variances::Variances::of) the search variance
//! that its path has.

mod text;

use std::{borrow::Cow, iter};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Uri, header::HOST};
use peregrine_core::TargetOrigin;

use self::text::{Short, Text};
use super::{
    Authority, DIVIDER, Key, end_of, original_uri, path_and_query, plain, query::QueryRules,
    without_query,
};
use crate::policy::{invalidation::Target, request::host};

impl Key {
    /// The plain key of an absolute URI, or `None` if it is none that has a key.
    pub(crate) fn of_uri(uri: &Uri, rules: &QueryRules) -> Option<Self> {
        let authority = uri.authority()?.as_str().as_bytes();
        Self::of_parts(uri.scheme_str()?, authority, path_and_query(uri), rules)
    }

    /// The plain key of another URI of the same origin.
    pub(crate) fn beside(&self, path_and_query: &str, rules: &QueryRules) -> Self {
        let mut key = self.origin().to_vec();
        key.push(DIVIDER);
        key.extend_from_slice(rules.apply(path_and_query).as_bytes());
        Self(Bytes::from(key))
    }

    /// The key of a request for the same URI that has nothing else to it, or
    /// `None` if this is that key.
    ///
    /// Who invalidates a URI knows only this one. So whoever stores something
    /// under another key has to note it under its plain one.
    pub(crate) fn plain(&self) -> Option<Self> {
        let mut end = self.end_of_part(2);
        if self.0[end..].starts_with(&[DIVIDER, b'n']) {
            end = self.end_of_part(3);
        }
        (end < self.len()).then(|| Self(self.0.slice(..end)))
    }

    /// Whether it is for a URI that begins as the one of the key `prefix`, which
    /// is a plain one, or may be: one for several queries, if it has the same path.
    pub(crate) fn may_begin_with(&self, prefix: &Self) -> bool {
        self.origin() == prefix.origin() && self.target_may_begin_with(prefix.path_and_query())
    }

    /// The same without the origin.
    pub(crate) fn target_may_begin_with(&self, prefix: &[u8]) -> bool {
        let path = without_query(prefix);
        if path.len() < prefix.len() && self.is_general() {
            return self.path_alone() == path;
        }
        self.path_and_query().starts_with(prefix)
    }

    /// Whether it is one for this path and query, at whatever origin, or may be.
    pub(crate) fn may_be_for_target(&self, target: &[u8]) -> bool {
        if self.is_general() {
            return self.path_alone() == without_query(target);
        }
        self.path_and_query() == target
    }

    /// Whether it is one for the URI with the key `plain`, in any of its forms. One
    /// for several queries may be, if it has the same path.
    pub(crate) fn may_be_for(&self, plain: &Self) -> bool {
        if self.is_general() {
            return self.path() == plain.path();
        }
        self.0[..self.end_of_part(2)] == plain.0
    }

    /// Whether requests with different queries share it.
    pub(crate) fn is_general(&self) -> bool {
        self.0[self.end_of_part(2)..].starts_with(&[DIVIDER, b'n'])
    }

    /// Without the origin.
    pub(crate) fn path_and_query(&self) -> &[u8] {
        let start = self.end_of_part(1) + 1;
        &self.0[start..end_of(&self.0, start, DIVIDER)]
    }

    /// What it is for, in words of RFC 9110 §7.1.
    pub(crate) fn as_target(&self) -> Target<'_> {
        let [scheme, authority, target] = [0, 1, 2].map(|number| self.end_of_part(number));
        // It was made of text.
        let text = str::from_utf8(&self.0[..target]).unwrap_or_default();
        let part = |from, to| text.get(from..to).unwrap_or_default();
        Target {
            scheme: part(0, scheme),
            authority: part(scheme + 1, authority),
            path_and_query: part(authority + 1, target),
        }
    }

    fn of_parts(scheme: &str, authority: &[u8], path: &str, rules: &QueryRules) -> Option<Self> {
        let authority = Authority::read(authority, scheme).ok()?;
        let key = plain(scheme, &authority, &rules.apply(path), 0);
        Some(Self(Bytes::from(key)))
    }
}

/// Whatever a request may be for. It need not be one that has a key itself: where
/// its parts contradict each other, the application may have gone by any of them,
/// and all of it is to be invalidated.
///
/// What a key is made of, and not the keys: few requests need those.
#[derive(Debug)]
pub(crate) struct Targets {
    seen: Seen<Text>,
    unusual: Option<Box<Unusual>>,
}

/// Those of a request that has nothing unusual to it, and begins with its `Host`, as nearly
/// all do, if they are short. There is nothing to be dropped.
#[derive(Clone, Copy)]
pub(crate) struct PlainTargets(Seen<Short>);

/// What anybody sees of a request.
#[derive(Clone, Copy, Debug)]
struct Seen<T> {
    /// Path and query, and behind them the first `Host`. A copy: those of the request are
    /// slices of the buffer that its connection reads into, and to keep them until there
    /// is a response takes another buffer for what comes next.
    text: T,
    length_of_target: usize,
    length_of_path: usize,
}

/// What most requests have nothing of.
#[derive(Debug)]
struct Unusual {
    /// The target, if there is an authority in it.
    absolute: Option<Uri>,
    /// Where a prefix was taken off.
    original: Option<Uri>,
    trusted: Option<TargetOrigin>,
    other_hosts: Vec<HeaderValue>,
}

impl PlainTargets {
    /// `None` if `request` is not as plain as that.
    #[inline]
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let (uri, headers) = (request.uri(), request.headers());
        let (name, host) = headers.iter().next()?;
        let has_one_of_each = headers.len() == headers.keys_len();
        // Most have none at all.
        let is_known_otherwise = || {
            let extensions = request.extensions();
            !extensions.is_empty() && is_known_otherwise(uri, extensions)
        };
        if name != HOST || !has_one_of_each || uri.authority().is_some() || is_known_otherwise() {
            return None;
        }
        let (target, path) = target_and_path(uri);
        let text = Short::of(target.as_bytes(), host.as_bytes())?;
        Some(Self(Seen::new(text, target, path)))
    }
}

impl From<PlainTargets> for Targets {
    fn from(PlainTargets(seen): PlainTargets) -> Self {
        Self {
            seen: Seen {
                text: Text::Short(seen.text),
                length_of_target: seen.length_of_target,
                length_of_path: seen.length_of_path,
            },
            unusual: None,
        }
    }
}

impl Targets {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let (host, are_several) = host(request.headers());
        let host = host.map_or(&[][..], HeaderValue::as_bytes);
        let (target, path) = target_and_path(request.uri());
        let text = Text::of(target.as_bytes(), host);
        Self {
            seen: Seen::new(text, target, path),
            unusual: Unusual::of(request, are_several).map(Box::new),
        }
    }

    /// The one path that all of its keys have, if it is one.
    pub(crate) fn path(&self) -> Option<&[u8]> {
        self.unusual.is_none().then(|| self.seen.path())
    }

    /// Path and query of all of its keys.
    pub(crate) fn paths<'a>(&'a self, rules: &QueryRules) -> impl Iterator<Item = Cow<'a, str>> {
        let original = self.unusual.iter().filter_map(|unusual| unusual.original());
        let paths = iter::once(self.seen.target()).chain(original);
        paths.map(|path| rules.apply(path))
    }

    /// Its plain keys.
    pub(crate) fn keys(&self, rules: &QueryRules) -> Vec<Key> {
        let unusual = self.unusual.as_deref();
        let seen = self.seen.target();
        let original = unusual.and_then(Unusual::original).unwrap_or(seen);

        let trusted = unusual.and_then(|unusual| unusual.trusted.as_ref());
        let trusted = trusted.map(|origin| {
            let authority = origin.authority.as_str().as_bytes();
            (origin.scheme.as_str(), authority)
        });
        let absolute = unusual.and_then(|unusual| unusual.absolute.as_ref());
        let scheme = absolute.and_then(Uri::scheme_str).unwrap_or("http");
        let from_uri = absolute.and_then(Uri::authority);
        let from_uri = from_uri.map(|authority| (scheme, authority.as_str().as_bytes()));
        let other_hosts = unusual.iter().flat_map(|unusual| &unusual.other_hosts);
        let from_host = iter::once(self.seen.host()).chain(other_hosts.map(HeaderValue::as_bytes));
        let from_host = from_host.map(|host| (scheme, host));

        let mut keys = Vec::new();
        for (scheme, authority) in trusted.into_iter().chain(from_uri).chain(from_host) {
            let others = (original != seen).then_some(seen);
            for path in iter::once(original).chain(others) {
                if let Some(key) = Key::of_parts(scheme, authority, path, rules)
                    && !keys.contains(&key)
                {
                    keys.push(key);
                }
            }
        }
        keys
    }
}

impl<T> Seen<T> {
    #[inline]
    const fn new(text: T, target: &str, path: &str) -> Self {
        Self {
            text,
            length_of_target: target.len(),
            length_of_path: path.len(),
        }
    }
}

impl Seen<Text> {
    fn target(&self) -> &str {
        let target = &self.text.as_bytes()[..self.length_of_target];
        str::from_utf8(target).expect("it was text")
    }

    fn path(&self) -> &[u8] {
        &self.text.as_bytes()[..self.length_of_path]
    }

    fn host(&self) -> &[u8] {
        &self.text.as_bytes()[self.length_of_target..]
    }
}

impl Unusual {
    fn of<B>(request: &Request<B>, are_several_hosts: bool) -> Option<Self> {
        let extensions = request.extensions();
        let original = original(request.uri(), extensions);
        let trusted = extensions.get::<TargetOrigin>();
        let absolute = Some(request.uri()).filter(|uri| uri.authority().is_some());
        let is_there =
            original.is_some() || trusted.is_some() || absolute.is_some() || are_several_hosts;
        is_there.then(|| Self {
            absolute: absolute.cloned(),
            original: original.cloned(),
            trusted: trusted.cloned(),
            other_hosts: request
                .headers()
                .get_all(HOST)
                .iter()
                .skip(1)
                .cloned()
                .collect(),
        })
    }

    fn original(&self) -> Option<&str> {
        self.original.as_ref().map(path_and_query)
    }
}

/// Where a prefix was taken off `uri`: the one that it was.
fn original<'a>(uri: &Uri, extensions: &'a Extensions) -> Option<&'a Uri> {
    // axum's router notes the one of each request.
    let is_another = |original: &&Uri| path_and_query(original) != path_and_query(uri);
    original_uri(extensions).filter(is_another)
}

/// Whether anybody knows of another target than `uri`, or of another host.
// Not inlined: nearly all requests go by without it.
#[inline(never)]
fn is_known_otherwise(uri: &Uri, extensions: &Extensions) -> bool {
    // A trusted proxy said whom it is for.
    original(uri, extensions).is_some() || extensions.get::<TargetOrigin>().is_some()
}

#[inline]
fn target_and_path(uri: &Uri) -> (&str, &str) {
    let target = uri.path_and_query();
    target.map_or(("/", "/"), |target| (target.as_str(), target.path()))
}

#[cfg(test)]
mod tests;

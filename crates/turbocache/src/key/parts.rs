use std::{borrow::Cow, hash::Hasher};

use bytes::Bytes;
use http::{HeaderValue, Request};
use peregrine_core::{TargetOrigin, Variant};

use super::{
    DIVIDER, Key, VARIANT, add, add_variant, authority::Authority, original_path_and_query,
    path_and_query, plain, query::QueryRules, written,
};
use crate::{
    admission::Names,
    noted::is_forwarding,
    policy::{
        invalidation::Target,
        request::{Lookup, Pass, host},
    },
};

/// The key of a request, in the parts that it is made of, where they are.
///
/// A hit that is near at hand compares these with the key that is there, and makes
/// none: that is as good, because the key of a request is its parts one behind the
/// other, with their dividers, and [`is`](Self::is) compares all of that.
pub(crate) struct KeyParts<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
    target: Cow<'a, str>,
    /// Those behind the target, which most keys have none of; each with its divider.
    others: Vec<u8>,
    /// The last one: the name of a variant, as it is [`written`].
    variant: Option<Cow<'a, [u8]>>,
}

impl<'a> KeyParts<'a> {
    /// Those of a request that may be looked up. Allocates nothing for most.
    pub(crate) fn of<B>(
        request: &'a Request<B>,
        lookup: &Lookup<'a>,
        rules: &QueryRules,
    ) -> Result<Self, Pass> {
        let uri = request.uri();
        let seen = path_and_query(uri);
        let original = original_path_and_query(request.extensions());

        let trusted = request.extensions().get::<TargetOrigin>();
        let from_uri = uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        let from_host = lookup
            .host
            .map(HeaderValue::as_bytes)
            .filter(|host| !host.is_empty());
        // The best source for what the request is for, and what else there is.
        let (scheme, authority, candidates) = match (trusted, from_uri) {
            (Some(origin), _) => (
                origin.scheme.as_str(),
                Some(origin.authority.as_str().as_bytes()),
                [from_uri, from_host],
            ),
            (None, Some(_)) => (
                uri.scheme_str().unwrap_or("http"),
                from_uri,
                [from_host, None],
            ),
            (None, None) => ("http", from_host, [None, None]),
        };
        let authority = Authority::read(authority.ok_or(Pass::NoHost)?, scheme)?;

        let mut others = Vec::new();
        if original.is_some_and(|original| original != seen) {
            add(&mut others, b'u', rules.apply(seen).as_bytes());
        }
        // What anyone can write into a request line must not reach what was
        // stored for the clients of a trusted proxy.
        if trusted.is_some() {
            add(&mut others, b'o', b"");
        }
        for other in candidates.into_iter().flatten() {
            let same = Authority::read(other, scheme).is_ok_and(|other| other == authority);
            match trusted {
                _ if same => {}
                None => return Err(Pass::HostMismatch),
                // The proxy's own name for us; but the application may go by it.
                Some(_) => add(&mut others, b'h', other),
            }
        }
        if lookup.forwarded {
            for (name, value) in request.headers() {
                if is_forwarding(name.as_str()) {
                    add(&mut others, b'f', name.as_str().as_bytes());
                    add(&mut others, b'=', value.as_bytes());
                }
            }
        }
        Ok(Self {
            scheme,
            authority,
            target: rules.apply(original.unwrap_or(seen)),
            others,
            variant: lookup.variant.and_then(Variant::name).map(written),
        })
    }

    /// The key that they make. One allocation for most.
    pub(crate) fn key(&self) -> Key {
        let variant = self.variant.as_deref();
        let more = variant.map_or(0, |variant| variant.len() + VARIANT.len());
        let more = self.others.len() + more;
        let mut key = plain(self.scheme, &self.authority, &self.target, more);
        key.extend_from_slice(&self.others);
        if let Some(variant) = variant {
            add_variant(&mut key, variant);
        }
        Key(Bytes::from(key))
    }

    /// Whether that is `key`.
    pub(crate) fn is(&self, key: &Key) -> bool {
        let mut rest = key.as_bytes();
        let mut begins_with = |part: &[u8]| match rest.strip_prefix(part) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        };
        begins_with(self.scheme.as_bytes())
            && begins_with(&[DIVIDER])
            && begins_with(self.authority.as_bytes())
            && begins_with(&[DIVIDER])
            && begins_with(self.target.as_bytes())
            // What is empty is nowhere, where some processors take long to look.
            && (self.others.is_empty() || begins_with(&self.others))
            && self
                .variant
                .as_deref()
                .is_none_or(|variant| begins_with(VARIANT) && begins_with(variant))
            && rest.is_empty()
    }

    /// The same for all parts of one key. Not the hash of the key.
    pub(crate) fn hash(&self, names: &Names) -> u64 {
        let mut hasher = names.hasher();
        hasher.write(self.authority.as_bytes());
        hasher.write(self.target.as_bytes());
        if !self.others.is_empty() {
            hasher.write(&self.others);
        }
        if let Some(variant) = &self.variant {
            hasher.write(variant);
        }
        hasher.finish()
    }
}

impl Key {
    /// Whether `request`, whose key this is, names its host in another way than the key
    /// does, where that is the same: with upper case, or with the scheme's own port. There
    /// are applications that send those to the one name that they go by, and it is not
    /// to be stored for whoever uses that one.
    pub(crate) fn is_for_a_respelled_host<B>(&self, request: &Request<B>) -> bool {
        let Target {
            scheme, authority, ..
        } = self.as_target();
        let from_uri = request.uri().authority();
        let from_uri = from_uri.map(|authority| authority.as_str().as_bytes());
        let from_host = host(request.headers()).0.map(HeaderValue::as_bytes);
        from_uri.into_iter().chain(from_host).any(|sent| {
            sent != authority.as_bytes()
                && Authority::read(sent, scheme)
                    .is_ok_and(|sent| sent.as_bytes() == authority.as_bytes())
        })
    }
}

#[cfg(test)]
mod tests;

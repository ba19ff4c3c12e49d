//! Which stored response does a request select? RFC 9111 §4.1.

use http::{
    HeaderMap, HeaderName,
    header::{COOKIE, VARY},
};

use self::{
    codings::{Codings, is_among},
    indices::CookieIndices,
    languages::Languages,
    normal::normalise,
};

mod codings;
mod indices;
mod languages;
mod normal;

/// The request fields that a response says it was chosen by, each once, in the
/// order of their names. None for a response without `Vary`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vary {
    names: Box<[HeaderName]>,
    languages_by_weight: bool,
    /// `None` if it is not known which cookies matter, or `Cookie` does not.
    cookies: Option<CookieIndices>,
}

/// What the request had in those fields when the response was stored, normalised
/// in ways that keep the meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection(Box<[Selecting]>);

/// One field of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selecting {
    name: HeaderName,
    /// `None` if the request did not have it.
    value: Option<Box<[u8]>>,
    /// The same as it came, if that was in one line and is not long: most of those
    /// who ask again send just that.
    as_sent: Option<Box<[u8]>>,
    /// Of `Accept-Encoding` alone.
    codings: Option<Codings>,
    /// Of `Accept-Language` alone, where the policy goes by weights.
    languages: Option<Languages>,
    /// Of `Cookie` alone: those that matter, if the request had none of them.
    absent_cookies: Option<CookieIndices>,
}

/// `Vary: *`, or one that cannot be read, or that names too many: nothing is
/// ever known to select the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariesByAnything;

/// Up to how many bytes a value is kept as it was sent, too.
const MAX_AS_SENT: usize = 128;

/// How many fields a `Vary` may name. Each of them is compared at each look-up.
const MAX_FIELDS: usize = 16;

/// How many members of a list are compared with those of another one, each with each.
/// Browsers send some five. With more, only the same is the same.
const MAX_MEMBERS: usize = 32;

/// What the allocator takes for a piece of memory, beside its bytes.
const WEIGHT_OF_PIECE: usize = 16;

impl Vary {
    /// Reads all `Vary` lines of a response.
    pub(crate) fn of(response: &HeaderMap) -> Result<Self, VariesByAnything> {
        let mut names = Vec::new();
        for line in response.get_all(VARY) {
            for member in line.as_bytes().split(|byte| *byte == b',') {
                match member.trim_ascii() {
                    b"" => {}
                    // RFC 9111 §4.1: "A stored response with a Vary header field
                    // value containing a member "*" always fails to match."
                    b"*" => return Err(VariesByAnything),
                    name => {
                        names.push(HeaderName::from_bytes(name).map_err(|_| VariesByAnything)?);
                    }
                }
            }
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        if names.len() > MAX_FIELDS {
            return Err(VariesByAnything);
        }
        Ok(Self {
            names: names.into(),
            languages_by_weight: false,
            cookies: None,
        })
    }

    /// The same, with `Accept-Language` compared by its weights alone.
    pub(crate) fn languages_by_weight(mut self, by_weight: bool) -> Self {
        self.languages_by_weight = by_weight;
        self
    }

    /// The same, where `Cookie` is among the fields, by the cookies that
    /// `response` says it depends on.
    ///
    /// Only for a response that says it is for a shared cache. Cookies are
    /// credentials as `Authorization` is, and RFC 9111 §3.5 asks that much where
    /// the answer to one who sent some is for others.
    pub(crate) fn by_cookies_of(mut self, response: &HeaderMap) -> Self {
        if self.names.contains(&COOKIE) {
            self.cookies = CookieIndices::of(response);
        }
        self
    }

    /// There is but one response for all requests.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What `request` has in the fields, to be kept with its response, which
    /// says in `response` how it is encoded, and in which language it is.
    pub(crate) fn selection(&self, request: &HeaderMap, response: &HeaderMap) -> Selection {
        let selecting = self.names.iter().map(|name| Selecting {
            name: name.clone(),
            value: value(request, name),
            as_sent: only_line(request, name)
                .filter(|line| line.len() <= MAX_AS_SENT)
                .map(Into::into),
            codings: Codings::of(name, request, response),
            languages: (self.languages_by_weight)
                .then(|| Languages::of(name, request, response))
                .flatten(),
            absent_cookies: self.absent_cookies(name, request).cloned(),
        });
        Selection(selecting.collect())
    }

    /// The same as bytes: two requests with the same bytes select the same
    /// response. Two with different ones may do so, too.
    pub(crate) fn selecting_key(&self, request: &HeaderMap) -> Box<[u8]> {
        let mut key = Vec::new();
        for name in &self.names {
            // A value cannot have a NUL in it, and what is not there is not the
            // same as what is empty.
            key.push(0);
            let is_absent = self.absent_cookies(name, request).is_some();
            if request.contains_key(name) && !is_absent {
                key.push(0);
                push(&mut key, request, name);
            }
        }
        key.into()
    }

    /// The cookies that matter, if `name` is their field and `request` has none
    /// of them: that is as good as no field at all.
    fn absent_cookies(&self, name: &HeaderName, request: &HeaderMap) -> Option<&CookieIndices> {
        let cookies = self.cookies.as_ref().filter(|_| *name == COOKIE)?;
        cookies.are_absent(request).then_some(cookies)
    }
}

impl Selection {
    /// Bytes that it takes in memory beside itself.
    pub(crate) fn weight(&self) -> usize {
        let selecting = |selecting: &Selecting| {
            let length = |value: &Option<Box<[u8]>>| value.as_ref().map_or(0, |value| value.len());
            let value = length(&selecting.value) + length(&selecting.as_sent);
            let codings = selecting.codings.as_ref().map_or(0, Codings::weight);
            let languages = selecting.languages.as_ref().map_or(0, Languages::weight);
            // Its name is in the `Vary`, too, and may be one of the origin's own.
            let cookies = selecting.absent_cookies.as_ref();
            let cookies = cookies.map_or(0, |cookies| 2 * cookies.weight());
            let members = codings + languages;
            size_of::<Selecting>() + size_of::<HeaderName>() + value + members + cookies + 64
        };
        self.0.iter().map(selecting).sum()
    }

    /// Whether `request` selects the response that this is kept with. Allocates
    /// nothing.
    ///
    /// RFC 9111 §4.1: "all the presented request header fields nominated by that
    /// Vary field value match those fields in the original request".
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|selecting| selecting.matches(request))
    }
}

impl Selecting {
    fn matches(&self, request: &HeaderMap) -> bool {
        // The request that it was stored with had none of them, as has one that is
        // the same.
        if let Some(cookies) = &self.absent_cookies {
            return cookies.are_absent(request);
        }
        self.as_sent
            .as_deref()
            .is_some_and(|sent| only_line(request, &self.name) == Some(sent))
            || self.is_same(request)
            || self
                .codings
                .as_ref()
                .is_some_and(|codings| is_among(request, codings))
            || self
                .languages
                .as_ref()
                .is_some_and(|languages| languages.are_for(request))
    }

    /// "If (after any normalization that might take place) a header field is
    /// absent from a request, it can only match another request if it is also
    /// absent there."
    fn is_same(&self, request: &HeaderMap) -> bool {
        let Some(stored) = &self.value else {
            return !request.contains_key(&self.name);
        };
        let mut rest = &stored[..];
        request.contains_key(&self.name)
            && normalise(request, &self.name, &mut |byte| match rest {
                [next, after @ ..] if *next == byte => {
                    rest = after;
                    true
                }
                _ => false,
            })
            && rest.is_empty()
    }
}

/// The members of a list (RFC 9110 §5.6.1) in which nothing is quoted.
fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Whether there are so few of them that each may be compared with each of others.
fn are_few<T>(members: impl Iterator<Item = T>) -> bool {
    members.take(MAX_MEMBERS + 1).count() <= MAX_MEMBERS
}

/// The field, if it is in one line.
fn only_line<'a>(request: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut lines = request.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then(|| line.as_bytes())
}

fn value(request: &HeaderMap, name: &HeaderName) -> Option<Box<[u8]>> {
    request.contains_key(name).then(|| {
        let mut value = Vec::new();
        push(&mut value, request, name);
        value.into()
    })
}

fn push(bytes: &mut Vec<u8>, request: &HeaderMap, name: &HeaderName) {
    normalise(request, name, &mut |byte| {
        bytes.push(byte);
        true
    });
}

#[cfg(test)]
mod tests;

//! What does the application's answer say about who asked?

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{self, SET_COOKIE, VARY},
};
use peregrine_core::ControlFields;

use crate::{cookies, directives::Directives, name::CookieName};

/// The control header in which an application says whom it has rendered a
/// response for. Named as Passenger names those that never leave the server.
pub(crate) const RENDERED_FOR: HeaderName = HeaderName::from_static("!~rendered-for");

/// The control header in which an application takes back what it has said about
/// all sessions with certain names.
pub(crate) const FORGET_RENDERED_FOR: HeaderName = HeaderName::from_static("!~forget-rendered-for");

/// A longer name is none: it would be stored with every page.
const LONGEST_NAME: usize = 256;

/// An answer, as far as it matters here.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not, independent of the others"
)]
pub(crate) struct Answer {
    /// To `GET` or `HEAD`, which change nothing (RFC 9110 §9.2.1).
    pub(crate) retrieves: bool,
    /// The request has one of the cookies by which sessions are known.
    pub(crate) has_session: bool,
    pub(crate) status: StatusCode,
    pub(crate) word: Word,
    /// It gives the client one of these cookies, or takes it away.
    pub(crate) sets_session: bool,
    /// It says that it is for anybody.
    pub(crate) is_public: bool,
}

/// What the control header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing.
    Silent,
    /// For whom the response was rendered; empty for visitors.
    For(Bytes),
    /// Something that is no name, or several.
    Unclear,
}

/// For whom a response is, in the application's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rendered {
    /// It says nothing that matters.
    Unsaid,
    /// For all of this name.
    For(Bytes),
    /// For who asked.
    OneClient,
}

/// What becomes of what is known about the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lesson {
    Keep,
    Learn(Bytes),
    Forget,
    /// The application may be about to end it, and nobody will hear of it.
    Doubt,
}

impl Answer {
    /// Decides what an answer teaches where the application names variants.
    ///
    /// In doubt a session is forgotten: that costs one request, which the
    /// application answers, and says it again.
    pub(crate) fn teaches(self) -> (Rendered, Lesson) {
        // Which session does it speak of, the one that asked or the one that it
        // hands out? The next request will tell.
        if self.sets_session {
            return (Rendered::OneClient, Lesson::Forget);
        }
        match self.word {
            Word::For(name) => (Rendered::For(name.clone()), Lesson::Learn(name)),
            Word::Silent if !self.has_session => (Rendered::Unsaid, Lesson::Keep),
            // A logout may be silent.
            Word::Silent if !self.retrieves => (Rendered::OneClient, Lesson::Forget),
            // Neither is a word about who asked: one says that nothing has
            // changed, the other that nothing worked.
            Word::Silent
                if self.status == StatusCode::NOT_MODIFIED || self.status.is_server_error() =>
            {
                (Rendered::OneClient, Lesson::Keep)
            }
            // An asset, of which frameworks do not know who asked for it.
            Word::Silent if self.is_public => (Rendered::Unsaid, Lesson::Keep),
            Word::Unclear | Word::Silent => (Rendered::OneClient, Lesson::Forget),
        }
    }
}

impl Word {
    pub(crate) fn of(control: &HeaderMap) -> Self {
        let mut lines = control.get_all(&RENDERED_FOR).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::Silent,
            (Some(line), None) => name(line).map_or(Self::Unclear, Self::For),
            (Some(_), Some(_)) => Self::Unclear,
        }
    }
}

/// Takes our control fields out of a response, whether they are among its fields
/// or whoever took it from the application has set them aside.
pub(crate) fn take_control_fields<B>(response: &mut Response<B>) -> HeaderMap {
    let aside = response.extensions().get::<ControlFields>();
    let mut control = aside.map_or_else(HeaderMap::new, |aside| aside.as_headers().clone());
    for name in [RENDERED_FOR, FORGET_RENDERED_FOR] {
        if let header::Entry::Occupied(lines) = response.headers_mut().entry(name) {
            let (name, values) = lines.remove_entry_mult();
            for value in values {
                control.append(name.clone(), value);
            }
        }
    }
    control
}

fn name(line: &HeaderValue) -> Option<Bytes> {
    let name = line.as_bytes().trim_ascii();
    let is_name = name.len() <= LONGEST_NAME && name.iter().all(|byte| matches!(byte, b' '..=b'~'));
    is_name.then(|| Bytes::copy_from_slice(name))
}

/// Whether the response sets a cookie of one of these names, or one that may be
/// taken for it.
pub(crate) fn sets_any(headers: &HeaderMap, names: &[CookieName]) -> bool {
    headers
        .get_all(SET_COOKIE)
        .iter()
        .any(|line| names.iter().any(|name| cookies::sets(line, name)))
}

/// Whether the response says that it is for anybody, and nothing that speaks
/// against it.
pub(crate) fn is_public(headers: &HeaderMap) -> bool {
    Directives::of(headers).is_some_and(|directives| directives.is_public())
        && !headers.contains_key(SET_COOKIE)
        && !varies_by_cookie(headers)
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    headers.get_all(VARY).iter().any(names_cookie)
}

/// Whether a line of `Vary` has cookies among what it names.
pub(crate) fn names_cookie(line: &HeaderValue) -> bool {
    let mut members = line.as_bytes().split(|byte| *byte == b',');
    members.any(|member| {
        let member = member.trim_ascii();
        member == b"*" || member.eq_ignore_ascii_case(b"cookie")
    })
}

#[cfg(test)]
mod tests;

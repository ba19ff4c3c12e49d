//! May this request see a variant, and which? What does its answer teach?

mod names;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use peregrine_core::{Clock, RenderedFor, SystemClock, Variant};

use self::names::VariantNames;
use crate::{
    cookies::{self, Values},
    downstream::Audience,
    hear::{self, Answer, FORGET_RENDERED_FOR, Lesson, RENDERED_FOR, Rendered, Word},
    indices,
    name::CookieName,
    sessions::{SentWith, SessionHasher, SessionId, Sessions, Tick},
    verifier::Verifier,
};

/// What an operator has chosen.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) trust: Trust,
    /// The cookies that say who somebody is.
    pub(crate) identity: Vec<CookieName>,
    /// The cookies that say what anybody may choose.
    pub(crate) preferences: Vec<CookieName>,
    pub(crate) max_sessions: usize,
    pub(crate) remember_for: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What makes a claim believable.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Nothing.
    Nobody,
    /// The application has answered for it.
    Application,
    /// A key vouches for it.
    Key(Verifier),
    /// Everything.
    Everybody,
}

/// All that the two halves of the layer share.
pub(crate) struct Rules {
    settings: Settings,
    /// The names of all cookies that matter, those of the identity first.
    cookies: Box<[CookieName]>,
    sessions: Sessions,
    hasher: SessionHasher,
}

/// What was found out about a request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) variant: Variant,
    pub(crate) audience: Audience,
    pub(crate) exchange: Exchange,
}

/// What of it is needed when the application answers. Rides on the request, to
/// the other half of the layer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    who: Who,
    names: VariantNames,
    /// `GET` or `HEAD`.
    retrieves: bool,
    /// It does not pass the cache by.
    varies: bool,
}

/// Whose session it is.
#[derive(Clone, Debug)]
enum Who {
    Nobody,
    /// All of these, one for each cookie, and when the request set out.
    All(Vec<(SessionId, Tick)>, SentWith),
    /// Some of these, but nobody knows which ones the application will take.
    SomeOf(Vec<SessionId>),
}

/// Why a request passes.
const SESSION: &str = "session-cookie";
const BAD_SIGNATURE: &str = "bad-cookie-signature";

/// More cookies than browsers keep for one site.
const MOST_CANDIDATES: usize = 256;

impl Settings {
    pub(crate) fn new(trust: Trust, identity: Vec<CookieName>) -> Self {
        assert!(
            !identity.is_empty(),
            "without the name of a cookie, everybody would be a visitor"
        );
        Self {
            trust,
            identity,
            preferences: Vec::new(),
            max_sessions: 100_000,
            remember_for: Duration::from_secs(300),
            clock: Arc::new(SystemClock),
        }
    }
}

impl Rules {
    pub(crate) fn new(settings: Settings) -> Self {
        let (identity, preferences) = (&settings.identity, &settings.preferences);
        Self {
            cookies: identity.iter().chain(preferences).cloned().collect(),
            sessions: Sessions::new(settings.max_sessions, settings.remember_for),
            hasher: SessionHasher::random(),
            settings,
        }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Reads what a request claims, and what of it is to be believed.
    pub(crate) fn ask<B>(&self, request: &Request<B>) -> Asked {
        let retrieves = matches!(*request.method(), Method::GET | Method::HEAD);
        let asked = |variant, audience, who, names| Asked {
            exchange: Exchange {
                who,
                names,
                retrieves,
                varies: !matches!(variant, Variant::Pass(_)),
            },
            variant,
            audience,
        };
        let values = cookies::read(request.headers(), request.version(), &self.cookies);
        let values = match values {
            Ok(values) => values,
            Err(doubt) => {
                let who = self.who_in_doubt(request.headers());
                let variant = Variant::Pass(doubt.as_str());
                return asked(variant, Audience::SomeOnly, who, VariantNames::default());
            }
        };
        let identity = self.settings.identity.len();
        let names = VariantNames::new(&values, identity..self.cookies.len());
        if !values.any(0..identity) {
            let variant = Variant::Known(names.visitors());
            return asked(variant, Audience::Visitors, Who::Nobody, names);
        }
        let (variant, who) = match &self.settings.trust {
            Trust::Nobody => (Variant::Pass(SESSION), Who::Nobody),
            Trust::Application => {
                let (name, who) = self.known(request, &values);
                let variant = name.map_or(Variant::ToldByResponse, |name| {
                    Variant::Expected(names.rendered_for(&name))
                });
                (variant, who)
            }
            Trust::Key(verifier) => {
                let variant = self
                    .verified(verifier, &values)
                    .map_or(Variant::Pass(BAD_SIGNATURE), |inside| {
                        Variant::Known(names.claimed(&inside))
                    });
                (variant, Who::Nobody)
            }
            Trust::Everybody => {
                let claims: Vec<_> = (0..identity).map(|place| values.get(place)).collect();
                let claims = claims.into_iter().map(Option::unwrap_or_default);
                (Variant::Known(names.claimed(claims)), Who::Nobody)
            }
        };
        asked(variant, Audience::SomeOnly, who, names)
    }

    /// What is inside each of the cookies. `None` if any of them is not to be
    /// believed.
    fn verified(&self, verifier: &Verifier, values: &Values<'_>) -> Option<Vec<Bytes>> {
        let now = self.settings.clock.wall();
        let names = self.settings.identity.iter().enumerate();
        names
            .map(|(place, name)| match values.get(place) {
                None => Some(Bytes::new()),
                Some(value) => verifier.verify(name.as_str(), value, now),
            })
            .collect()
    }

    /// What the application has said of a request's sessions: the same of all of
    /// them, since it may go by any.
    fn known<B>(&self, request: &Request<B>, values: &Values<'_>) -> (Option<Bytes>, Who) {
        let identity = &self.settings.identity;
        let with = self.hasher.sent_with(request, identity, values);
        let now = self.settings.clock.monotonic();
        let mut names = Vec::new();
        let mut sessions = Vec::new();
        for (place, cookie) in identity.iter().enumerate() {
            if let Some(value) = values.get(place) {
                let id = self.hasher.id(cookie, value);
                let (name, tick) = self.sessions.look_up(&id, &with, now);
                names.push(name);
                sessions.push((id, tick));
            }
        }
        names.dedup();
        let name = if names.len() == 1 { names.pop() } else { None };
        (name.flatten(), Who::All(sessions, with))
    }

    /// The sessions that a request may be of that is not clear about it.
    fn who_in_doubt(&self, request: &HeaderMap) -> Who {
        if !matches!(self.settings.trust, Trust::Application) {
            return Who::Nobody;
        }
        let identity = self.settings.identity.iter();
        let ids = identity.flat_map(|name| {
            let values = cookies::all_values(request, name).into_iter();
            values.map(|value| self.hasher.id(name, value))
        });
        Who::SomeOf(ids.take(MOST_CANDIDATES).collect())
    }

    /// Hears what the application has answered, takes out of it what is meant
    /// for us, and says for whom it is.
    pub(crate) fn hear<B>(&self, exchange: Option<&Exchange>, response: &mut Response<B>) {
        let status = response.status();
        let control = hear::take_control_fields(response);
        let word = Word::of(&control);
        self.forget_as_told(&control);
        let headers = response.headers_mut();
        let rendered = match exchange {
            // Somebody else's request, of which we know nothing.
            None => Rendered::OneClient,
            Some(exchange) => {
                let sets_session = hear::sets_any(headers, &self.settings.identity);
                if exchange.varies {
                    indices::apply(headers, &self.cookies);
                }
                match self.settings.trust {
                    Trust::Application => {
                        let (rendered, lesson) = Answer {
                            retrieves: exchange.retrieves,
                            has_session: !matches!(exchange.who, Who::Nobody),
                            status,
                            word,
                            sets_session,
                            is_public: hear::is_public(headers),
                        }
                        .teaches();
                        self.learn(&exchange.who, lesson);
                        rendered
                    }
                    _ if sets_session => Rendered::OneClient,
                    _ => Rendered::Unsaid,
                }
            }
        };
        let rendered = match (rendered, exchange) {
            (Rendered::Unsaid, _) => return,
            (Rendered::For(name), Some(exchange)) => {
                RenderedFor::Variant(exchange.names.rendered_for(&name))
            }
            (Rendered::OneClient | Rendered::For(_), _) => RenderedFor::OneClient,
        };
        response.extensions_mut().insert(rendered);
    }

    /// There is no answer. As one that says nothing but that the server failed: what
    /// changes nothing has not ended a session, anything else may have.
    pub(crate) fn hear_failure(&self, exchange: Option<&Exchange>) {
        if let Some(exchange) = exchange.filter(|exchange| !exchange.retrieves) {
            self.cannot_hear(exchange);
        }
    }

    /// Nobody waits for the answer any longer, whatever it would have been. The
    /// application may go on with what it was asked, and end a session at the end.
    pub(crate) fn cannot_hear(&self, exchange: &Exchange) {
        let lesson = if exchange.retrieves {
            Lesson::Forget
        } else {
            Lesson::Doubt
        };
        self.learn(&exchange.who, lesson);
    }

    fn learn(&self, who: &Who, lesson: Lesson) {
        let now = self.settings.clock.monotonic();
        match (who, lesson) {
            (Who::Nobody, _) | (Who::All(..), Lesson::Keep) => {}
            (Who::All(sessions, with), Lesson::Learn(name)) => {
                for (id, started) in sessions {
                    self.sessions.learn(id, with, &name, *started, now);
                }
            }
            (Who::All(sessions, _), Lesson::Forget) => {
                for (id, _) in sessions {
                    self.sessions.forget(id, now);
                }
            }
            (Who::All(sessions, _), Lesson::Doubt) => {
                for (id, _) in sessions {
                    self.sessions.doubt(id, now);
                }
            }
            (Who::SomeOf(ids), Lesson::Doubt) => {
                for id in ids {
                    self.sessions.doubt(id, now);
                }
            }
            // It may have been any of them that the application has ended.
            (Who::SomeOf(ids), _) => {
                for id in ids {
                    self.sessions.forget(id, now);
                }
            }
        }
    }

    fn forget_as_told(&self, control: &HeaderMap) {
        if !matches!(self.settings.trust, Trust::Application) {
            return;
        }
        let lines = control.get_all(&FORGET_RENDERED_FOR).iter();
        let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let names: Vec<_> = names.map(<[u8]>::trim_ascii).collect();
        if !names.is_empty() {
            let all = names.contains(&&b"*"[..]);
            self.sessions
                .forget_named(|name| all || names.contains(&name));
        }
    }
}

/// Control fields are the application's, not the client's.
pub(crate) fn drop_control_fields<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    headers.remove(&RENDERED_FOR);
    headers.remove(&FORGET_RENDERED_FOR);
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("settings", &self.settings)
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    Clock, CookieVariationHandle, CookieVariationService, Listener, Verifier,
    name::CookieName,
    rules::{Rules, Settings, Trust},
};

/// Which variant of a page a client may see, by its cookies.
///
/// Put it [`around`](Self::around) a cache. Clones share what they know: make
/// one for one application. See the [crate's page](crate) for the modes.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is layered around a cache"]
pub struct CookieVariation {
    rules: Arc<Rules>,
}

impl CookieVariation {
    /// Visitors share the cache, everybody else passes it by: requests with none
    /// of these cookies have one variant, and one with any of them is the
    /// application's alone. **Always safe**, and nothing to do in the
    /// application.
    ///
    /// Name every cookie by which the application knows somebody: the session,
    /// and the one that remembers a user beyond it.
    ///
    /// # Panics
    ///
    /// If there are no names, or one that no cookie can have.
    pub fn anonymous_unless<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::by(Trust::Nobody, names)
    }

    /// Variants that the application names itself. **Safe** as long as a name
    /// holds for its session on every page. See
    /// [the crate's page](crate#asserted-by-the-application).
    ///
    /// These are the cookies by which the application knows a session. If there
    /// are several, it takes all of them together to be known.
    ///
    /// # Panics
    ///
    /// If there are no names, or one that no cookie can have.
    pub fn asserted<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::by(Trust::Application, names)
    }

    /// One variant for each value of a cookie that the application has signed.
    /// **Safe** as long as nobody else has the key, and as the application itself
    /// believes the cookie. See [the crate's page](crate#signed).
    ///
    /// # Panics
    ///
    /// If no cookie can be called `name`.
    pub fn signed(name: &str, verifier: impl Into<Verifier>) -> Self {
        Self::by(Trust::Key(verifier.into()), [name])
    }

    /// One variant for each value of a cookie, whoever sends it. **Not safe**:
    /// whoever makes up the cookie of another user gets that user's pages. See
    /// [the crate's page](crate#unverified).
    ///
    /// # Panics
    ///
    /// If no cookie can be called `name`.
    pub fn unverified_by_name(name: &str) -> Self {
        Self::by(Trust::Everybody, [name])
    }

    fn by<'a>(trust: Trust, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(CookieName::new).collect();
        Self {
            rules: Arc::new(Rules::new(Settings::new(trust, names))),
        }
    }

    /// A new one with another setting, which knows of no sessions.
    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.rules.settings().clone();
        change(&mut settings);
        Self {
            rules: Arc::new(Rules::new(settings)),
        }
    }

    /// Further cookies by which pages differ, but which anybody may choose
    /// freely, such as a language or a theme: their values count as they are
    /// sent. None by default.
    ///
    /// They belong to each variant's name. Pages that do not depend on them are
    /// stored once for each value all the same.
    ///
    /// # Panics
    ///
    /// If no cookie can have such a name.
    pub fn preferences<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(CookieName::new);
        self.with(|settings| settings.preferences.extend(names))
    }

    /// Of how many sessions it is remembered what the application has said, each
    /// cookie counting as one: 100,000 by default, at about 250 bytes each. When
    /// there are more, those
    /// least recently used are forgotten, which costs each of them one request
    /// to the application.
    pub fn max_sessions(self, sessions: usize) -> Self {
        self.with(|settings| settings.max_sessions = sessions)
    }

    /// For how long it is remembered what the application has said about a
    /// session, counted from when it said it last. 300 seconds by default.
    ///
    /// It is also how long a session may go on reading variants that it has lost
    /// its right to without a request of its own, if the application does not
    /// say so by `!~Forget-Rendered-For`.
    pub fn remember_for(self, lifetime: Duration) -> Self {
        self.with(|settings| settings.remember_for = lifetime)
    }

    /// Where it reads the time. [`SystemClock`](crate::SystemClock) by default.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// This around `cache`, as one layer: one half in front of the cache, where
    /// clients are, and one behind it, where each answer is the application's
    /// own.
    pub fn around<L>(&self, cache: L) -> Around<L> {
        Around {
            rules: Arc::clone(&self.rules),
            cache,
        }
    }

    /// Something to make it forget what it knows.
    pub fn handle(&self) -> CookieVariationHandle {
        CookieVariationHandle::new(Arc::clone(&self.rules))
    }
}

/// A [`CookieVariation`] around a cache `L`.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is layered on a service"]
pub struct Around<L> {
    rules: Arc<Rules>,
    cache: L,
}

impl<L, S> Layer<S> for Around<L>
where
    L: Layer<Listener<S>>,
{
    type Service = CookieVariationService<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        let listener = Listener::new(inner, Arc::clone(&self.rules));
        CookieVariationService::new(self.cache.layer(listener), Arc::clone(&self.rules))
    }
}

use std::sync::Arc;

use crate::rules::Rules;

/// Makes a [`CookieVariation`](crate::CookieVariation) forget what the
/// application has said about sessions.
///
/// ```
/// use peregrine_cookie_variation::CookieVariation;
///
/// let cookies = CookieVariation::asserted(["session"]);
/// let handle = cookies.handle();
/// handle.forget("staff");
/// assert_eq!(handle.sessions(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct CookieVariationHandle {
    rules: Arc<Rules>,
}

impl CookieVariationHandle {
    pub(crate) const fn new(rules: Arc<Rules>) -> Self {
        Self { rules }
    }

    /// Forgets which sessions the application has answered as `name`; also what
    /// answers say that are on their way. Takes a look at every session.
    pub fn forget(&self, name: &str) {
        self.rules
            .sessions()
            .forget_named(|known| known == name.as_bytes());
    }

    /// Forgets what the application has said about any session.
    pub fn forget_everybody(&self) {
        self.rules.sessions().forget_named(|_| true);
    }

    /// For how many sessions something is remembered, if only that nothing is
    /// known of them any longer.
    pub fn sessions(&self) -> usize {
        self.rules.sessions().len()
    }
}

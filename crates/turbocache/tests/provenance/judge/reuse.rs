//! What is given from memory may be given to this client, at this time.

use std::time::SystemTime;

use http::{
    HeaderMap, HeaderValue, Method,
    header::{
        AGE, AUTHORIZATION, CDN_CACHE_CONTROL, DATE, EXPIRES, LAST_MODIFIED, SET_COOKIE, VARY,
    },
};

use super::{Answer, Case, Exchange, same};
use crate::{
    clock::START,
    directives::Directives,
    world::{DISCONNECTED, GRACE, Mode},
};

impl Case<'_> {
    /// RFC 9111 §4: the conditions under which a stored response may be used.
    pub(super) fn reuse(&self, source: &Exchange, answer: &Answer) -> Result<(), String> {
        // What is stored is what is sent.
        let stored = self.answer.headers();
        let method: Method = self.ask.method.parse().unwrap();
        rule!(
            [Method::GET, Method::HEAD].contains(&method),
            "memory for {method}"
        );

        let targeted = targeted(stored);
        let said = targeted.unwrap_or_else(|| Directives::of(stored));
        let understood =
            said.has("must-understand") && answer.status != 599 && answer.status != 299;
        rule!(!said.has("no-store") || understood, "§5.2.2.5: no-store");
        rule!(!said.has_plain("private"), "§5.2.2.7: private");
        rule!(!said.has_plain("no-cache"), "§5.2.2.4: no-cache");
        let qualified = said.has_qualified("private") || said.has_qualified("no-cache");
        rule!(
            !qualified || !stored.contains_key("x-secret"),
            "§5.2.2.4, §5.2.2.7: a field that is not for all"
        );
        rule!(
            !stored.contains_key(SET_COOKIE),
            "§7.3: a cookie for somebody else"
        );

        rule!(
            !source.request.contains_key(AUTHORIZATION)
                || said.has("public")
                || said.has("s-maxage")
                || said.has("must-revalidate"),
            "§3.5: stored for one who is authorized"
        );

        if let Some(vary) = stored.get(VARY) {
            let vary = vary.to_str().unwrap();
            rule!(vary != "*", "§4.1: Vary: *");
            for name in vary.split(", ") {
                rule!(same(&source.request, self, name), "§4.1: another {name}");
            }
        }

        let changed = self.log[source.serial..].iter().find(|later| {
            later.path == source.path
                && ![Method::GET, Method::HEAD].contains(&later.method)
                && later
                    .answer
                    .as_ref()
                    .is_some_and(|answer| answer.status < 400)
        });
        rule!(
            std::env::var_os("NOINV").is_some()
                || changed.is_none_or(|changed| changed.step == self.step),
            "§4.4: it was made invalid by {changed:?}"
        );

        let age = self.age(source, answer);
        let told = stored.get(AGE).map(|age| age.to_str().unwrap().to_owned());
        rule!(
            told == Some(age.to_string()),
            "§5.1: Age {told:?} instead of {age}"
        );
        self.fresh_enough(&said, age, source, answer)
    }

    /// RFC 9111 §4.2.3, with no time between request and response.
    fn age(&self, source: &Exchange, answer: &Answer) -> u64 {
        let date = answer.fields.get(DATE).map(seconds);
        let apparent = date.map_or(0, |date| (wall(source.at) - date).max(0));
        let value = answer
            .fields
            .get(AGE)
            .map_or(0, |age| age.to_str().unwrap().parse().unwrap());
        u64::try_from(apparent).unwrap().max(value) + (self.now - source.at)
    }

    /// RFC 9111 §4.2, RFC 5861.
    fn fresh_enough(
        &self,
        said: &Directives,
        age: u64,
        source: &Exchange,
        answer: &Answer,
    ) -> Result<(), String> {
        let stored = self.answer.headers();
        let date = stored.get(DATE).map_or(wall(source.at), seconds);
        let expires = match targeted(stored) {
            Some(_) => None,
            None => stored
                .get(EXPIRES)
                .map(|at| u64::try_from(seconds(at) - date).unwrap_or(0)),
        };
        // §4.2.2: a guess, where nothing is said.
        let says_nothing = !said.has("max-age") && !said.has("s-maxage") && expires.is_none();
        let modified = stored.get(LAST_MODIFIED).map(seconds);
        let guess = modified
            .filter(|_| self.mode == Mode::Standard && says_nothing)
            .map(|modified| u64::try_from(date - modified).unwrap_or(0) / 10);
        let lifetime = said
            .seconds("s-maxage")
            .or(said.seconds("max-age"))
            .or(expires)
            .or(guess);
        rule!(
            lifetime.is_some(),
            "§4.2.1: nobody has said that it may be used"
        );
        let lifetime = lifetime.unwrap_or(0);
        if lifetime > age {
            return Ok(());
        }

        let staleness = age - lifetime;
        let forbids = ["must-revalidate", "proxy-revalidate", "s-maxage"];
        if let Some(forbidden) = forbids.into_iter().find(|name| said.has(name)) {
            return Err(format!(
                "§4.2.4: stale, and {forbidden} forbids it ({answer:?})"
            ));
        }
        let while_revalidate = said.seconds("stale-while-revalidate").unwrap_or(0);
        let grace = match self.mode {
            Mode::Conservative => 0,
            Mode::Standard => GRACE.as_secs(),
        };
        let if_error = said.seconds("stale-if-error");
        let mut now = self
            .log
            .iter()
            .filter(|exchange| exchange.step == self.step);
        let stands_in = now.any(|exchange| match &exchange.answer {
            None => staleness < if_error.unwrap_or(grace.max(DISCONNECTED.as_secs())),
            Some(answer) => {
                [500, 503].contains(&answer.status) && staleness < if_error.unwrap_or(grace)
            }
        });
        rule!(
            staleness < while_revalidate || stands_in,
            "§4.2.4: stale for {staleness} s, and nobody allows it"
        );
        Ok(())
    }
}

/// RFC 9213 §2.2: what the script can say there, and what is no structured
/// field counts as not being there.
fn targeted(fields: &HeaderMap) -> Option<Directives> {
    let line = fields.get(CDN_CACHE_CONTROL)?.to_str().unwrap();
    (line != "&&&").then(|| Directives::of_line(line))
}

/// The wall clock at `at`.
fn wall(at: u64) -> i64 {
    START.as_secs().cast_signed() + at.cast_signed()
}

fn seconds(date: &HeaderValue) -> i64 {
    let date = httpdate::parse_http_date(date.to_str().unwrap()).unwrap();
    let since = date.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_secs().cast_signed()
}

//! Could this answer have come from the origin? The rules, from RFC 9111, in
//! the order in which they are asked.

use std::fmt;

use http::{
    HeaderMap, HeaderName, Method, Response,
    header::{
        AGE, AUTHORIZATION, CDN_CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, EXPIRES,
        IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, SET_COOKIE, VARY,
    },
};

use crate::{
    directives::Directives,
    log::{Answer, Exchange},
    script::Ask,
    world::{GRACE, Mode},
};

/// What broke which rule.
pub(crate) type Verdict = Result<Provenance, String>;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// From the origin, in this step, maybe as "what you have is still good".
    Origin,
    /// From memory, without a word from the origin that it is still good.
    Memory,
    /// The cache itself has said it: there is no page in it.
    Cache,
}

/// An answer, and all that there is to judge it by.
pub(crate) struct Case<'a> {
    pub(crate) mode: Mode,
    pub(crate) ask: &'a Ask,
    pub(crate) answer: &'a Response<String>,
    pub(crate) log: &'a [Exchange],
    pub(crate) step: usize,
    pub(crate) now: u64,
}

/// What someone needs to know who has to find out why a rule was broken.
impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ask, answer) = (self.ask, self.answer);
        for exchange in self.log.iter().filter(|exchange| exchange.path == ask.path) {
            writeln!(
                f,
                "origin, at {} s, step {}: {exchange:?}",
                exchange.at, exchange.step
            )?;
        }
        writeln!(f, "client, at {} s, step {}: {ask:?}", self.now, self.step)?;
        writeln!(
            f,
            "cache: {} {:?} {:?}",
            answer.status(),
            answer.headers(),
            answer.body()
        )
    }
}

macro_rules! rule {
    ($holds:expr, $($rule:tt)+) => {
        if !$holds {
            return Err(format!($($rule)+));
        }
    };
}

impl Case<'_> {
    pub(crate) fn judge(&self) -> Verdict {
        let Some(serial) = self.answer.headers().get("x-serial") else {
            return self.of_the_cache();
        };
        let serial: usize = serial.to_str().unwrap().parse().unwrap();
        let source = &self.log[serial];
        let answer = source.answer.as_ref().expect("it has a serial");

        rule!(source.path == self.ask.path, "a page for another target");
        if self.answer.status() == 416 {
            let length = self.answer.headers().get(CONTENT_RANGE);
            let expected = format!("bytes */{}", answer.page.len());
            rule!(
                length.is_some_and(|length| *length == expected),
                "a 416 about {length:?}"
            );
            return Ok(Provenance::Cache);
        }
        self.content(source, answer)?;
        self.fields(source, answer)?;
        if source.step == self.step {
            // The origin has chosen this page for this request.
            rule!(
                same(&source.request, self, "accept-language")
                    && same(&source.request, self, "cookie"),
                "the origin was not asked what the client has asked"
            );
            Ok(Provenance::Origin)
        } else if self.is_validated() {
            // §4.3.4: a 304 with another validator than what is stored must not
            // update it.
            Ok(Provenance::Origin)
        } else {
            self.reuse(source, answer)?;
            Ok(Provenance::Memory)
        }
    }

    /// Without a page of the origin, the cache may only say why there is none.
    fn of_the_cache(&self) -> Verdict {
        let status = self.answer.status().as_u16();
        let only_if_cached = self
            .ask
            .fields
            .contains(&("cache-control", "only-if-cached"));
        let range = self.ask.fields.iter().any(|(name, _)| *name == "range");
        match status {
            504 if only_if_cached => {}
            416 if range => {}
            _ => return Err(format!("status {status} that the origin has never sent")),
        }
        Ok(Provenance::Cache)
    }

    /// The body is the page, or the part of it that it says it is, or none where
    /// there must be none.
    fn content(&self, source: &Exchange, answer: &Answer) -> Result<(), String> {
        let status = self.answer.status().as_u16();
        let headers = self.answer.headers();
        let body = self.answer.body();
        let stored = match answer.status {
            // The representation is one that came before it.
            304 | 206 => 200,
            status => status,
        };
        let whole = if stored == 204 { "" } else { &answer.page };
        match status {
            304 if answer.status != 304 || source.step != self.step => {
                rule!(self.client_has(), "a 304 to a client that does not have it");
            }
            206 => {
                let asked = self.ask.fields.iter().any(|(name, _)| *name == "range");
                rule!(asked, "a part for who has asked for the whole");
                let range = headers
                    .get(CONTENT_RANGE)
                    .map(|range| range.to_str().unwrap());
                let part = range.and_then(|range| slice(range, whole));
                rule!(
                    part.is_some(),
                    "a part of something else: {range:?} of {}",
                    whole.len()
                );
                rule!(
                    part == Some(body),
                    "the wrong part: {body:?} is not {part:?}"
                );
            }
            304 => {}
            _ => {
                let allowed = status == stored
                    || status == answer.status
                    || (answer.status == 304
                        && self.earlier(source).any(|known| known.status == status));
                rule!(allowed, "status {status} instead of {stored}");
                if self.ask.method != "HEAD" {
                    rule!(body == whole, "the content {body:?} instead of {whole:?}");
                }
            }
        }
        if status == 304 || self.ask.method == "HEAD" {
            rule!(body.is_empty(), "a body where none may be");
        } else if let Some(length) = headers.get(CONTENT_LENGTH) {
            rule!(
                length == &body.len().to_string(),
                "another length than it says"
            );
        }
        Ok(())
    }

    /// RFC 9110 §13.2.2: whether the client's own preconditions say that it has
    /// what the answer is about.
    fn client_has(&self) -> bool {
        let headers = self.answer.headers();
        let mut tags = self.said(IF_NONE_MATCH).peekable();
        if tags.peek().is_some() {
            let etag = headers.get(ETAG).map(|etag| etag.to_str().unwrap());
            return tags.any(|tags| tags == "*" || tags.split(", ").any(|tag| Some(tag) == etag));
        }
        // A cache without `Last-Modified` goes by `Date` (RFC 9111 §4.3.2).
        let changed = headers.get(LAST_MODIFIED).or_else(|| headers.get(DATE));
        let since = self.said(IF_MODIFIED_SINCE).next();
        let date = |value: &str| httpdate::parse_http_date(value).ok();
        let changed = changed.and_then(|changed| date(changed.to_str().unwrap()));
        changed
            .zip(since.and_then(date))
            .is_some_and(|(changed, since)| changed <= since)
    }

    /// RFC 9111 §3.1, §3.2: each field comes from the newest response that has
    /// it, and none is forgotten.
    fn fields(&self, source: &Exchange, answer: &Answer) -> Result<(), String> {
        let headers = self.answer.headers();
        let own = |name: &HeaderName| {
            [AGE, CONTENT_LENGTH, CONTENT_RANGE].contains(name)
                || ["cache-status", "x-secret"].contains(&name.as_str())
        };
        let lines = |headers: &HeaderMap, name: &HeaderName| -> Vec<_> {
            headers.get_all(name).iter().cloned().collect()
        };
        for name in headers.keys().filter(|name| !own(name)) {
            let sent = lines(headers, name);
            let known = if answer.fields.contains_key(name) {
                lines(&answer.fields, name) == sent
            } else {
                // What has no date gets one (RFC 9110 §6.6.1).
                *name == DATE
                    || self
                        .earlier(source)
                        .any(|known| lines(&known.fields, name) == sent)
            };
            rule!(known, "{name}: {sent:?}, which the origin did not say");
        }
        if self.answer.status() == 304 {
            return Ok(());
        }
        for name in answer.fields.keys().filter(|name| !own(name)) {
            rule!(headers.contains_key(name), "{name} is missing");
        }
        Ok(())
    }

    /// What came before `source` of the same page.
    fn earlier<'a>(&'a self, source: &'a Exchange) -> impl Iterator<Item = &'a Answer> {
        let page = source.answer.as_ref().map(|answer| &answer.page);
        self.log[..source.serial]
            .iter()
            .filter_map(|exchange| exchange.answer.as_ref())
            .filter(move |answer| Some(&answer.page) == page)
    }

    /// Whether the origin has been asked about this very page in this step, and
    /// has not said that there is a better one.
    fn is_validated(&self) -> bool {
        let stored = self.answer.headers();
        let asked_about_it = |request: &HeaderMap| {
            let same = |asked: HeaderName, told: HeaderName| {
                request.contains_key(&asked) && request.get(asked) == stored.get(told)
            };
            same(IF_NONE_MATCH, ETAG) || same(IF_MODIFIED_SINCE, LAST_MODIFIED)
        };
        let mut now = self
            .log
            .iter()
            .filter(|exchange| exchange.step == self.step);
        now.any(|exchange| {
            let answer = exchange.answer.as_ref();
            answer.is_some_and(|answer| answer.status == 304) && asked_about_it(&exchange.request)
        })
    }

    /// RFC 9111 §4: the conditions under which a stored response may be used.
    fn reuse(&self, source: &Exchange, answer: &Answer) -> Result<(), String> {
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
        let if_error = said.seconds("stale-if-error").unwrap_or(grace);
        let failed = self.log.iter().any(|exchange| {
            exchange.step == self.step
                && exchange
                    .answer
                    .as_ref()
                    .is_none_or(|answer| [500, 503].contains(&answer.status))
        });
        rule!(
            staleness < while_revalidate || (failed && staleness < if_error),
            "§4.2.4: stale for {staleness} s, and nobody allows it"
        );
        Ok(())
    }

    fn said(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.ask
            .fields
            .iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

/// RFC 9213 §2.2: what the script can say there, and what is no structured
/// field counts as not being there.
fn targeted(fields: &HeaderMap) -> Option<Directives> {
    let line = fields.get(CDN_CACHE_CONTROL)?.to_str().unwrap();
    (line != "&&&").then(|| Directives::of_line(line))
}

/// Whether the cache sent what the client has said.
fn same(sent: &HeaderMap, case: &Case<'_>, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let said = case
        .ask
        .fields
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value);
    sent.get(&name).map(|value| value.to_str().unwrap()) == said
}

/// The part of `whole` that `Content-Range` names.
fn slice<'a>(range: &str, whole: &'a str) -> Option<&'a str> {
    let (range, length) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
    (length == whole.len().to_string()).then(|| whole.get(from..=to))?
}

/// The wall clock at `at`.
fn wall(at: u64) -> i64 {
    crate::clock::START.as_secs().cast_signed() + at.cast_signed()
}

fn seconds(date: &http::HeaderValue) -> i64 {
    let date = httpdate::parse_http_date(date.to_str().unwrap()).unwrap();
    let since = date
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    since.as_secs().cast_signed()
}

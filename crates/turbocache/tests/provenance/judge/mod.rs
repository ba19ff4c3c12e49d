//! Could this answer have come from the origin? The rules, from RFC 9111, in
//! the order in which they are asked.

use std::fmt;

use http::{
    HeaderMap, HeaderName, Response,
    header::{
        AGE, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED,
    },
};

use crate::{
    log::{Answer, Exchange},
    script::Ask,
    world::Mode,
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

// Below the macro, which they use.
mod content;
mod reuse;

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

    fn said(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.ask
            .fields
            .iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
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

//! An origin that does what the script says, and knows HTTP: it answers
//! preconditions and ranges as RFC 9110 has them.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::stream;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response,
    header::{
        AGE, CACHE_CONTROL, CDN_CACHE_CONTROL, CONTENT_RANGE, DATE, ETAG, EXPIRES,
        IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RANGE, SET_COOKIE, VARY,
    },
};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tower::BoxError;

use crate::{
    clock::MovedClock,
    log::{Answer, Exchange, Log},
    script::{Reply, Said},
};

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Every page begins with it, so that a range of it says which part it is.
const HEAD: &str = "0123";

/// 1994-11-06 07:00:00 UTC, before all that happens.
const LONG_AGO: Duration = Duration::from_secs(784_105_200);

#[derive(Clone)]
pub(crate) struct Origin {
    clock: MovedClock,
    log: Log,
    state: Arc<Mutex<State>>,
}

struct State {
    step: usize,
    reply: Reply,
    /// How often each page has changed.
    versions: HashMap<String, u32>,
    /// Every representation that was ever sent. Its validators are made of its
    /// place here, so that equal ones mean the same bytes.
    pages: Vec<String>,
}

impl Origin {
    pub(crate) fn new(clock: MovedClock, log: Log) -> Self {
        let state = State {
            step: 0,
            reply: Reply::Fail,
            versions: HashMap::new(),
            pages: Vec::new(),
        };
        Self {
            clock,
            log,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// What to do from now on. A page changes once, not at each request.
    pub(crate) fn act(&self, step: usize, path: &str, reply: Reply) {
        let mut state = self.state.lock().unwrap();
        if matches!(reply, Reply::Respond { changed: true, .. }) {
            *state.versions.entry(path.to_owned()).or_default() += 1;
        }
        state.step = step;
        state.reply = reply;
    }

    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Result<Response<Body>, BoxError> {
        let mut state = self.state.lock().unwrap();
        let State {
            step,
            reply,
            versions,
            pages,
        } = &mut *state;
        let serial = self.log.len();
        let mut exchange = Exchange {
            serial,
            step: *step,
            at: self.clock.now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            request: request.headers().clone(),
            answer: None,
        };
        let Reply::Respond {
            status,
            said,
            streamed,
            ..
        } = reply
        else {
            self.log.push(exchange);
            return Err("the connection broke".into());
        };

        let version = versions.get(&exchange.path).copied().unwrap_or(0);
        // What is chosen by a request field is another page.
        let text = |name: &str| {
            request
                .headers()
                .get(name)
                .map_or("", |v| v.to_str().unwrap())
        };
        let (language, cookie) = match said.vary {
            Some("accept-language") => (text("accept-language"), ""),
            Some("cookie") => ("", text("cookie")),
            Some(_) => (text("accept-language"), text("cookie")),
            None => ("", ""),
        };
        let page = format!(
            "{HEAD} {} v{version} {language} {cookie} {:?}",
            exchange.path, said.vary
        );
        let number = pages
            .iter()
            .position(|known| *known == page)
            .unwrap_or_else(|| {
                pages.push(page.clone());
                pages.len() - 1
            });
        // They are of the page, not of what is said instead of it.
        let of_page = status.is_none_or(|status| status == 200);
        let validators = Validators {
            etag: (of_page && said.etag).then(|| format!("\"{number}\"")),
            last_modified: (of_page && said.last_modified)
                .then(|| SystemTime::UNIX_EPOCH + LONG_AGO + Duration::from_secs(number as u64)),
        };

        let fields = self.fields(said, serial, &validators);
        let (status, body, range) = match *status {
            Some(status) => (status, page.clone(), None),
            None if validators.match_those_of(request) => (304, String::new(), None),
            None => match part(request, &page) {
                Some((range, part)) => (206, part, Some(range)),
                None => (200, page.clone(), None),
            },
        };
        exchange.answer = Some(Answer {
            status,
            fields: fields.clone(),
            page,
        });
        self.log.push(exchange);

        let bodyless = request.method() == Method::HEAD || status == 304 || status == 204;
        let body = if bodyless { String::new() } else { body };
        let body = if *streamed && !bodyless {
            let (one, two) = body.split_at(body.len() / 2);
            let frames = [one, two].map(|part| Ok(Frame::data(Bytes::from(part.to_owned()))));
            StreamBody::new(stream::iter(frames)).boxed_unsync()
        } else {
            Full::from(body).boxed_unsync()
        };
        let mut response = Response::new(body);
        *response.status_mut() = status.try_into().unwrap();
        *response.headers_mut() = fields;
        if let Some(range) = range {
            response
                .headers_mut()
                .insert(CONTENT_RANGE, range.parse().unwrap());
        }
        Ok(response)
    }

    fn fields(&self, said: &Said, serial: usize, validators: &Validators) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert("x-serial", serial.into());
        fields.insert("x-secret", serial.into());
        for directive in &said.cache_control {
            fields.append(CACHE_CONTROL, HeaderValue::from_static(directive));
        }
        let date = |seconds: i64| HeaderValue::try_from(self.clock.date(seconds)).unwrap();
        let optional = [
            (
                CDN_CACHE_CONTROL,
                said.cdn_cache_control.map(HeaderValue::from_static),
            ),
            (VARY, said.vary.map(HeaderValue::from_static)),
            (AGE, said.age.map(HeaderValue::from)),
            (DATE, said.date.map(date)),
            (EXPIRES, said.expires.map(date)),
            (
                ETAG,
                validators.etag.as_ref().map(|etag| etag.parse().unwrap()),
            ),
            (
                LAST_MODIFIED,
                validators
                    .last_modified
                    .map(|at| httpdate::fmt_http_date(at).parse().unwrap()),
            ),
            (
                SET_COOKIE,
                said.set_cookie.then(|| HeaderValue::from_static("id=3")),
            ),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                fields.insert(name, value);
            }
        }
        fields
    }
}

/// What a response says about which representation it is of.
struct Validators {
    etag: Option<String>,
    last_modified: Option<SystemTime>,
}

impl Validators {
    /// Whether the client has this representation, by its own words: RFC 9110
    /// §13.1.2 and §13.1.3, as far as the cache and the script use them.
    fn match_those_of<B>(&self, request: &Request<B>) -> bool {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return false;
        }
        let headers = request.headers();
        if headers.contains_key(IF_NONE_MATCH) {
            let etag = self.etag.as_deref();
            let mut lines = headers
                .get_all(IF_NONE_MATCH)
                .iter()
                .map(|line| line.to_str().unwrap());
            return lines.any(|tags| tags == "*" || tags.split(", ").any(|tag| Some(tag) == etag));
        }
        let since = headers
            .get(IF_MODIFIED_SINCE)
            .map(|line| line.to_str().unwrap());
        let since = since.and_then(|date| httpdate::parse_http_date(date).ok());
        since
            .zip(self.last_modified)
            .is_some_and(|(since, at)| at <= since)
    }
}

/// RFC 9110 §14.2, for the ranges of the script. This origin ignores `If-Range`
/// conditions that it cannot decide by sending the whole.
fn part<B>(request: &Request<B>, page: &str) -> Option<(String, String)> {
    let headers = request.headers();
    if request.method() != Method::GET || headers.contains_key("if-range") {
        return None;
    }
    let end = page.len();
    let (from, to) = match headers.get(RANGE)?.to_str().unwrap() {
        "bytes=0-3" => (0, 4),
        "bytes=2-" => (2, end),
        "bytes=-2" => (end - 2, end),
        _ => return None,
    };
    Some((
        format!("bytes {from}-{}/{end}", to - 1),
        page[from..to].to_owned(),
    ))
}

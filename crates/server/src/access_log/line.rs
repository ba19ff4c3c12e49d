//! What a line looks like.

use std::{
    borrow::Cow,
    fmt::Write,
    time::{Duration, SystemTime},
};

use http::{StatusCode, Version};
use peregrine::{
    core::CacheStatus,
    request_accounting::{End, FinishedRequest},
};
use serde::Serialize;
use time::{Month, OffsetDateTime};

use super::{
    Format,
    record::{Head, Record},
};
use crate::front::Report;

/// nginx's word for a client that left before there was an answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// What has come of a request.
pub(super) struct Outcome {
    status: u16,
    end: End,
    bytes: u64,
    elapsed: Duration,
    cache: Option<&'static str>,
    cache_status: Option<CacheStatus>,
    pid: Option<u32>,
    upgraded: Option<Report>,
}

impl Outcome {
    /// What became of it, and of what the connection was upgraded to, if it was.
    pub(super) fn new(finished: &FinishedRequest, upgraded: Option<Report>) -> Self {
        Self {
            status: status(finished),
            end: finished.end,
            // nginx counts these, too.
            bytes: finished.bytes + upgraded.map_or(0, |report| report.down),
            elapsed: finished.elapsed,
            cache: finished.cache,
            cache_status: finished.cache_status,
            pid: finished.pid,
            upgraded,
        }
    }

    /// Answered at once, by nobody but us.
    pub(super) const fn refused(status: StatusCode, end: End, bytes: u64) -> Self {
        Self {
            status: status.as_u16(),
            end,
            bytes,
            elapsed: Duration::ZERO,
            cache: None,
            cache_status: None,
            pid: None,
            upgraded: None,
        }
    }
}

/// One line, with its end.
pub(super) fn line(
    record: &Record,
    outcome: &Outcome,
    format: Format,
    omit_query: bool,
) -> Vec<u8> {
    let line = match format {
        Format::Combined => combined(record, outcome, omit_query),
        Format::Json => json(record, outcome, omit_query),
    };
    line.into_bytes()
}

/// nginx's predefined format:
/// `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent
/// "$http_referer" "$http_user_agent"`.
///
/// Its `$remote_user` is what the client says in `Authorization`, of which nothing
/// is written here.
fn combined(record: &Record, outcome: &Outcome, omit_query: bool) -> String {
    let mut line = String::with_capacity(256);
    match record.client {
        Some(client) => drop(write!(line, "{client}")),
        None => line.push('-'),
    }
    line.push_str(" - - [");
    // nginx writes the time at which the request is over.
    date(&mut line, SystemTime::now().into());
    line.push_str("] \"");
    let head = record.head.as_ref();
    match head {
        Some(head) => {
            escape(&mut line, head.method.as_str().as_bytes());
            line.push(' ');
            escape(&mut line, target(head, omit_query).as_bytes());
            line.push(' ');
            line.push_str(protocol(head.version));
        }
        None => line.push('-'),
    }
    let _ = write!(line, "\" {} {} \"", outcome.status, outcome.bytes);
    match head.and_then(|head| head.referer.as_ref()) {
        Some(referer) => escape(&mut line, shown(referer.as_bytes(), omit_query)),
        None => line.push('-'),
    }
    line.push_str("\" \"");
    match head.and_then(|head| head.user_agent.as_ref()) {
        Some(user_agent) => escape(&mut line, user_agent.as_bytes()),
        None => line.push('-'),
    }
    line.push_str("\"\n");
    line
}

/// `21/Nov/2026:08:00:00 +0000`: strftime's `%d/%b/%Y:%H:%M:%S %z`, in UTC.
fn date(line: &mut String, now: OffsetDateTime) {
    let month = match now.month() {
        Month::January => "Jan",
        Month::February => "Feb",
        Month::March => "Mar",
        Month::April => "Apr",
        Month::May => "May",
        Month::June => "Jun",
        Month::July => "Jul",
        Month::August => "Aug",
        Month::September => "Sep",
        Month::October => "Oct",
        Month::November => "Nov",
        Month::December => "Dec",
    };
    let (hour, minute, second) = now.to_hms();
    let _ = write!(
        line,
        "{:02}/{month}/{}:{hour:02}:{minute:02}:{second:02} +0000",
        now.day(),
        now.year()
    );
}

/// As nginx escapes variables in its logs: a quote, a backslash, and whatever is no
/// printable ASCII, as `\xHH`. Nobody breaks out of the quotes or the line, or
/// commands the terminal of who reads it.
fn escape(line: &mut String, text: &[u8]) {
    for byte in text {
        match byte {
            b'"' | b'\\' | ..0x20 | 0x7f.. => drop(write!(line, "\\x{byte:02X}")),
            byte => line.push(char::from(*byte)),
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    /// When it came: RFC 3339, in UTC.
    time: String,
    application: Option<&'a str>,
    client: Option<String>,
    method: Option<&'a str>,
    host: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    protocol: Option<&'static str>,
    status: u16,
    bytes: u64,
    duration_ms: f64,
    end: &'static str,
    cache: Option<&'static str>,
    /// As in the field `Cache-Status` (RFC 9211): why it was not answered from
    /// memory, or not stored.
    cache_status: Option<String>,
    pid: Option<u32>,
    upgraded: Option<UpgradedObject>,
    referer: Option<Cow<'a, str>>,
    user_agent: Option<Cow<'a, str>>,
}

/// What a connection was that was upgraded.
#[derive(Serialize)]
struct UpgradedObject {
    end: &'static str,
    received: u64,
    sent: u64,
    duration_ms: f64,
}

fn json(record: &Record, outcome: &Outcome, omit_query: bool) -> String {
    // What is no text is shown as what it may have been.
    let text = String::from_utf8_lossy;
    let head = record.head.as_ref();
    let object = Object {
        time: timestamp(record.came.into()),
        application: record.application.as_deref(),
        client: record.client.map(|client| client.to_string()),
        method: head.map(|head| head.method.as_str()),
        host: head
            .and_then(|head| head.host.as_ref())
            .map(|host| text(host.as_bytes())),
        target: head.map(|head| target(head, omit_query)),
        protocol: head.map(|head| protocol(head.version)),
        status: outcome.status,
        bytes: outcome.bytes,
        duration_ms: millis(outcome.elapsed),
        end: outcome.end.as_str(),
        cache: outcome.cache,
        cache_status: outcome.cache_status.map(|status| status.to_string()),
        pid: outcome.pid,
        upgraded: outcome.upgraded.map(|report| UpgradedObject {
            end: report.ending,
            received: report.up,
            sent: report.down,
            duration_ms: millis(report.lasted),
        }),
        referer: head
            .and_then(|head| head.referer.as_ref())
            .map(|referer| text(shown(referer.as_bytes(), omit_query))),
        user_agent: head
            .and_then(|head| head.user_agent.as_ref())
            .map(|it| text(it.as_bytes())),
    };
    // Nothing in it can fail to be written.
    serde_json::to_string(&object).unwrap_or_default() + "\n"
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// `2026-11-21T08:00:00.000Z`.
fn timestamp(at: OffsetDateTime) -> String {
    let (hour, minute, second, milli) = at.to_hms_milli();
    format!(
        "{}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day()
    )
}

fn target(head: &Head, omit_query: bool) -> Cow<'_, str> {
    let uri = &head.uri;
    if uri.scheme().is_some() || uri.authority().is_some() {
        // What a client of a proxy says, or CONNECT.
        let uri = uri.to_string();
        let end = shown(uri.as_bytes(), omit_query).len();
        return Cow::Owned(uri[..end].to_owned());
    }
    match uri.path_and_query() {
        Some(target) if !omit_query => Cow::Borrowed(target.as_str()),
        _ => Cow::Borrowed(uri.path()),
    }
}

/// Without what follows a `?`, if that is to be left out.
fn shown(address: &[u8], omit_query: bool) -> &[u8] {
    let query = address.iter().position(|byte| *byte == b'?');
    &address[..query.filter(|_| omit_query).unwrap_or(address.len())]
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}

fn status(finished: &FinishedRequest) -> u16 {
    match (finished.status, finished.end) {
        (Some(status), _) => status.as_u16(),
        (None, End::Aborted) => CLIENT_CLOSED_REQUEST,
        (None, _) => StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
    }
}

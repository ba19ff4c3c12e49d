use std::{net::IpAddr, sync::Arc, time::SystemTime};

use http::{
    HeaderValue, Method, Uri, Version,
    header::{HOST, REFERER, USER_AGENT},
};
use peregrine::{
    request_accounting::{FinishedRequest, Observed, RequestHead},
    upstream_pool::forwarded::PeerAddr,
};

use super::{Log, client::client, line};

/// What a line says of a request, from its arrival on.
pub(super) struct Record {
    log: Arc<Log>,
    pub(super) application: Arc<str>,
    pub(super) came: SystemTime,
    pub(super) client: Option<IpAddr>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) host: Option<HeaderValue>,
    pub(super) referer: Option<HeaderValue>,
    pub(super) user_agent: Option<HeaderValue>,
}

impl Record {
    pub(super) fn new(log: &Arc<Log>, application: Arc<str>, request: RequestHead<'_>) -> Self {
        let field = |name| request.headers.get(name).cloned();
        let peer = request.extensions.get::<PeerAddr>();
        Self {
            log: Arc::clone(log),
            application,
            came: SystemTime::now(),
            client: peer.map(|PeerAddr(peer)| client(peer.ip(), request.headers, &log.trusted)),
            method: request.method.clone(),
            uri: request.uri.clone(),
            version: request.version,
            host: field(HOST),
            referer: field(REFERER),
            user_agent: field(USER_AGENT),
        }
    }
}

impl Observed for Record {
    fn finish(self: Box<Self>, finished: &FinishedRequest) {
        let line = line::line(&self, finished, self.log.format, self.log.omit_query);
        self.log.buffer.push(&line);
    }
}

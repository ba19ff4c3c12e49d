use std::{net::IpAddr, sync::Arc, time::SystemTime};

use http::{
    HeaderValue, Method, Uri, Version,
    header::{HOST, REFERER, USER_AGENT},
};
use peregrine::{
    request_accounting::{FinishedRequest, Observed, RequestHead},
    upstream_pool::forwarded::PeerAddr,
};

use super::{
    Log,
    client::client,
    line::{self, Outcome},
};
use crate::front::UpgradeReport;

/// What a line says of a request, from its arrival on.
pub(super) struct Record {
    log: Arc<Log>,
    /// `None` if none hears of it.
    pub(super) application: Option<Arc<str>>,
    pub(super) came: SystemTime,
    pub(super) client: Option<IpAddr>,
    /// `None` if it could not be read.
    pub(super) head: Option<Head>,
    /// Of one that offers to speak something else from then on.
    upgrade: Option<UpgradeReport>,
}

/// A request as it came, without what nobody asks of a log.
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) host: Option<HeaderValue>,
    pub(super) referer: Option<HeaderValue>,
    pub(super) user_agent: Option<HeaderValue>,
}

impl Record {
    pub(super) fn new(
        log: &Arc<Log>,
        application: Option<Arc<str>>,
        request: RequestHead<'_>,
    ) -> Self {
        let field = |name| request.headers.get(name).cloned();
        let peer = request.extensions.get::<PeerAddr>();
        Self {
            log: Arc::clone(log),
            application,
            came: SystemTime::now(),
            client: peer.map(|PeerAddr(peer)| client(peer.ip(), request.headers, &log.trusted)),
            head: Some(Head {
                method: request.method.clone(),
                uri: request.uri.clone(),
                version: request.version,
                host: field(HOST),
                referer: field(REFERER),
                user_agent: field(USER_AGENT),
            }),
            upgrade: request.extensions.get().cloned(),
        }
    }

    /// Of what this client has sent instead of a request.
    pub(super) fn of_client(log: &Arc<Log>, client: IpAddr) -> Self {
        Self {
            log: Arc::clone(log),
            application: None,
            came: SystemTime::now(),
            client: Some(client),
            head: None,
            upgrade: None,
        }
    }

    /// Writes the line.
    pub(super) fn write(&self, outcome: &Outcome) {
        let line = line::line(self, outcome, self.log.format, self.log.omit_query);
        self.log.buffer.push(&line);
    }
}

impl Observed for Record {
    fn finish(self: Box<Self>, finished: &FinishedRequest) {
        let upgrade = self.upgrade.as_ref().and_then(UpgradeReport::get);
        self.write(&Outcome::new(finished, upgrade));
    }
}

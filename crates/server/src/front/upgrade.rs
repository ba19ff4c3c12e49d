use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{Request, Response, StatusCode, header::UPGRADE};
use http_body::Body;
use peregrine::core::{UpgradeOffer, Upgraded, UpgradedConnection};

use super::{answer::AnswerBody, report::UpgradeReport, websocket::WebSocket};

/// Where a client and the application note that they have agreed to speak
/// something else. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Agreement(Arc<Mutex<Option<Agreed>>>);

/// A client's offer to speak something else than HTTP from here on.
pub(super) struct Offered {
    agreement: Agreement,
    report: UpgradeReport,
}

/// What takes the place of HTTP once its last answer is sent.
pub(super) struct Agreed {
    pub(super) application: UpgradedConnection,
    /// Where to say who has ended it.
    pub(super) upgraded: Upgraded,
    pub(super) websocket: Option<WebSocket>,
    /// The body of the answer. It has no content, but each layer counts the
    /// request for as long as it is there.
    pub(super) exchange: Box<dyn Send>,
    pub(super) report: UpgradeReport,
}

impl Agreement {
    /// What `request` offers. Those behind are told that it may, and where to look
    /// for what became of it.
    ///
    /// An offer that is not to be passed on is dropped, so that the request is one
    /// like any other, to a cache as well. RFC 9110 §7.8: "A server MAY ignore a
    /// received Upgrade header field".
    pub(super) fn offered<B>(&self, request: &mut Request<B>) -> Option<Offered> {
        // Nearly no request has it: to go through the names is cheaper than to look it up.
        if !request.headers().keys().any(|name| *name == UPGRADE) {
            return None;
        }
        let Some(offer) = UpgradeOffer::of(request) else {
            request.headers_mut().remove(UPGRADE);
            return None;
        };
        let report = UpgradeReport::default();
        request.extensions_mut().insert(offer);
        request.extensions_mut().insert(report.clone());
        Some(Offered {
            agreement: self.clone(),
            report,
        })
    }

    /// What was agreed upon, if anything was.
    pub(super) fn take(&self) -> Option<Agreed> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Agreed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offered {
    /// The answer, as it goes to the client.
    pub(super) fn note<B>(&self, response: Response<B>) -> Response<AnswerBody<B>>
    where
        B: Body + Send + 'static,
    {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return response.map(|body| AnswerBody::Passed { body });
        }
        let (mut head, body) = response.into_parts();
        let upgraded = head.extensions.remove::<Upgraded>();
        let taken = upgraded.and_then(|upgraded| Some((upgraded.take()?, upgraded)));
        *self.agreement.lock() = taken.map(|(application, upgraded)| Agreed {
            application,
            upgraded,
            websocket: WebSocket::of(&head.headers),
            exchange: Box::new(body),
            report: self.report.clone(),
        });
        Response::from_parts(head, AnswerBody::Empty)
    }
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreement").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;
    use peregrine::core::LeaveNotice;

    use super::*;

    fn request(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::get("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn what_may_not_be_passed_on_leaves_a_request_like_any_other() {
        let agreement = Agreement::default();
        let mut websocket = request(&[("connection", "upgrade"), ("upgrade", "websocket")]);
        assert!(agreement.offered(&mut websocket).is_some());
        let offer = websocket.extensions().get::<UpgradeOffer>().unwrap();
        assert_eq!(offer.as_value(), "websocket");
        assert!(
            websocket.headers().contains_key(UPGRADE),
            "a cache is to see that it is no request for a page"
        );

        let mut h2c = request(&[("connection", "upgrade"), ("upgrade", "h2c")]);
        assert!(agreement.offered(&mut h2c).is_none());
        assert!(h2c.extensions().get::<UpgradeOffer>().is_none());
        assert!(!h2c.headers().contains_key(UPGRADE));
    }

    #[test]
    fn an_answer_is_taken_apart_only_if_it_switches() {
        let agreement = Agreement::default();
        let mut websocket = request(&[("connection", "upgrade"), ("upgrade", "websocket")]);
        let offered = agreement.offered(&mut websocket).unwrap();
        let page = offered.note(Response::new(Full::<Bytes>::from("page")));
        assert_eq!(page.body().size_hint().exact(), Some(4));
        assert!(agreement.take().is_none());

        let (_application, connection) = tokio::io::duplex(64);
        let mut response = Response::new(Full::<Bytes>::from("held"));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
            .extensions_mut()
            .insert(Upgraded::new(connection, LeaveNotice::never()));
        let answer = offered.note(response);
        assert!(answer.body().is_end_stream());
        assert!(agreement.take().is_some());
        assert!(agreement.take().is_none());
    }
}

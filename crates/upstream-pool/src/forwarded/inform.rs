#[cfg(test)]
mod tests;

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request,
    header::HOST,
    uri::{Authority, Scheme},
};
use peregrine_core::TargetOrigin;
use peregrine_http1::client::MoreFields;

use super::believe::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// An address as the application is told of it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    address: IpAddr,
    text: HeaderValue,
}

impl Peer {
    /// `None` if it cannot be written, which does not happen.
    pub(super) fn new(address: IpAddr) -> Option<Self> {
        let text = address.to_canonical().to_string();
        Some(Self {
            address,
            text: HeaderValue::try_from(text).ok()?,
        })
    }

    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.address == address
    }
}

/// What the application is told: who asks, and for which origin.
pub(super) struct Told<'a> {
    headers: &'a HeaderMap,
    peer: Option<&'a Peer>,
    /// As a trusted proxy has said.
    scheme: Option<&'a Scheme>,
    host: Option<Host<'a>>,
    /// The request itself says something of the kind. What [`believe`](super::believe) left
    /// of that can be relied upon.
    is_said: bool,
}

#[derive(Clone, Copy)]
enum Host<'a> {
    /// By what a trusted proxy has said of the origin, or else by the request's target.
    Meant(&'a Authority),
    /// As the request's own `Host` says.
    Own(&'a HeaderValue),
}

impl<'a> Told<'a> {
    pub(super) fn of<B>(request: &'a Request<B>, peer: Option<&'a Peer>) -> Self {
        let headers = request.headers();
        // Once through the names is cheaper than to look for each of these.
        let (mut own_host, mut is_said) = (None, false);
        for (name, value) in headers {
            if *name == HOST {
                own_host = own_host.or(Some(value));
            } else {
                is_said |= [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST].contains(name);
            }
        }
        let origin = request.extensions().get::<TargetOrigin>();
        let meant = origin.map(|origin| &origin.authority);
        let meant = meant.or(request.uri().authority()).map(Host::Meant);
        Self {
            headers,
            peer,
            scheme: origin.map(|origin| &origin.scheme),
            host: meant.or(own_host.map(Host::Own)),
            is_said,
        }
    }

    /// The fields that say so, in the place of those that came.
    pub(super) fn fields(&self) -> [(HeaderName, Option<HeaderValue>); 3] {
        let proto = match self.scheme.map(Scheme::as_str) {
            None | Some("http") => Some(HeaderValue::from_static("http")),
            Some("https") => Some(HeaderValue::from_static("https")),
            Some(other) => HeaderValue::from_str(other).ok(),
        };
        let whom = self.peer.and_then(|peer| {
            if self.is_said {
                forwarded_for(self.headers, peer)
            } else {
                Some(peer.text.clone())
            }
        });
        [
            (X_FORWARDED_FOR, whom),
            (X_FORWARDED_PROTO, proto),
            (X_FORWARDED_HOST, self.host.and_then(Host::to_value)),
        ]
    }
}

impl<'a> Host<'a> {
    fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Meant(authority) => authority.as_str().as_bytes(),
            Self::Own(value) => value.as_bytes(),
        }
    }

    fn to_value(self) -> Option<HeaderValue> {
        match self {
            Self::Meant(authority) => HeaderValue::from_str(authority.as_str()).ok(),
            Self::Own(value) => Some(value.clone()),
        }
    }
}

/// Puts what is told among the fields of a request.
pub(super) fn put(told: [(HeaderName, Option<HeaderValue>); 3], headers: &mut HeaderMap) {
    for (name, value) in told {
        match value {
            Some(value) => drop(headers.insert(name, value)),
            // Nobody says which host was meant.
            None if name == X_FORWARDED_HOST => drop(headers.remove(name)),
            None => {}
        }
    }
}

/// What is told of a request beside its fields. Hardly ever is that not what was told of
/// the one before, and then it is written already.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    last: Option<Written>,
}

#[derive(Clone, Debug)]
struct Written {
    peer: Option<IpAddr>,
    scheme: Option<Scheme>,
    host: Option<Box<[u8]>>,
    fields: MoreFields,
}

impl Beside {
    /// `None` if the request itself says something that this has to take the place of.
    pub(super) fn fields(&mut self, told: &Told<'_>) -> Option<MoreFields> {
        if told.is_said {
            return None;
        }
        let last = self.last.as_ref();
        if !last.is_some_and(|last| last.says(told)) {
            self.last = Some(Written::new(told));
        }
        self.last.as_ref().map(|last| last.fields.clone())
    }
}

impl Written {
    fn new(told: &Told<'_>) -> Self {
        let fields = told.fields().into_iter();
        let fields = fields.filter_map(|(name, value)| Some((name, value?)));
        Self {
            peer: told.peer.map(|peer| peer.address),
            scheme: told.scheme.cloned(),
            host: told.host.map(|host| host.as_bytes().into()),
            fields: fields.collect(),
        }
    }

    fn says(&self, told: &Told<'_>) -> bool {
        self.peer == told.peer.map(|peer| peer.address)
            && self.scheme.as_ref() == told.scheme
            && self.host.as_deref() == told.host.map(Host::as_bytes)
    }
}

/// The addresses that came with the request, and the peer's behind them.
fn forwarded_for(headers: &HeaderMap, peer: &Peer) -> Option<HeaderValue> {
    let mut list = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.text.as_bytes());
    HeaderValue::try_from(list).ok()
}

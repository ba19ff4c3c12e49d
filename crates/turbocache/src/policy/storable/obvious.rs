//! Which responses are obviously not to be stored.

use http::{
    HeaderMap,
    header::{
        CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, EXPIRES, LAST_MODIFIED,
        SET_COOKIE, VARY,
    },
};

use super::NotStored;
use crate::policy::{
    Policy,
    list::{Argument, Directive, Members},
};

impl Policy {
    /// Whether a response with `headers` is, for one of the three reasons that most
    /// have, certainly not [`storable`](Self::storable): told in one pass, without
    /// allocating or asking for the time. If not, it may be, or not.
    pub(crate) fn obviously_refuses(&self, headers: &HeaderMap) -> bool {
        let mut says = Says::default();
        for (name, value) in headers {
            match *name {
                CACHE_CONTROL => says.control(value.as_bytes()),
                SET_COOKIE => says.set_cookie = true,
                EXPIRES => says.lifetime = true,
                LAST_MODIFIED => says.lifetime |= self.heuristic_freshness,
                // For speed, and for nothing else: these are in no list of targets.
                CONTENT_LENGTH | CONTENT_TYPE | DATE | ETAG | VARY => {}
                // RFC 9213 §2.2: then the others do not count.
                _ if self.target_list.contains(name) => return false,
                _ => {}
            }
        }
        // RFC 9111 §5.2.2.3: "must-understand" overrules "no-store".
        says.private
            || says.no_store && !says.must_understand
            // §5.2.2.4, §5.2.2.7: with field names, they may be about it.
            || says.set_cookie && !says.qualified
            // §4.2.1. What "Cache-Control" says about it is to be read with care.
            || !says.lifetime
    }

    /// Why a response with `headers` that is final may not be stored, if all that it says
    /// about that is one line, and that is one of those that are most often written.
    pub(super) fn obvious_reason(&self, headers: &HeaderMap) -> Option<NotStored> {
        let mut line = None;
        for (name, value) in headers {
            match *name {
                // Another line may say more.
                CACHE_CONTROL if line.is_some() => return None,
                CACHE_CONTROL => line = Some(value.as_bytes()),
                // As above.
                CONTENT_LENGTH | CONTENT_TYPE | DATE | ETAG | EXPIRES | LAST_MODIFIED
                | SET_COOKIE | VARY => {}
                _ if self.target_list.contains(name) => return None,
                _ => {}
            }
        }
        reason_of(line?)
    }
}

/// What one whole line says, if it is known.
fn reason_of(line: &[u8]) -> Option<NotStored> {
    // One by one, so that each is known where it is compared.
    if NO_STORE.into_iter().any(|known| line == known) {
        Some(NotStored::NoStore)
    } else if PRIVATE.into_iter().any(|known| line == known) {
        Some(NotStored::Private)
    } else {
        None
    }
}

/// Whole lines of `Cache-Control`, as they are most often written. Lists for speed, and
/// for nothing else: other lines are read.
const NO_STORE: [&[u8]; 4] = [
    b"no-store",
    b"no-store, no-cache, must-revalidate",
    b"no-cache, no-store, must-revalidate",
    b"no-cache, no-store, max-age=0, must-revalidate",
];
const PRIVATE: [&[u8]; 4] = [
    b"private",
    b"no-cache, private",
    b"private, no-cache",
    b"max-age=0, private, must-revalidate",
];

/// What was seen in a head.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each was seen or not, independent of the others"
)]
struct Says {
    /// Without field names.
    private: bool,
    no_store: bool,
    must_understand: bool,
    /// A directive with an argument that may be field names.
    qualified: bool,
    set_cookie: bool,
    /// Something from which it may follow for how long it is fresh.
    lifetime: bool,
}

impl Says {
    // Not inlined: the loop over the fields has better uses for the registers.
    #[inline(never)]
    fn control(&mut self, line: &[u8]) {
        self.lifetime = true;
        match reason_of(line) {
            Some(NotStored::NoStore) => self.no_store = true,
            Some(_) => self.private = true,
            None => self.read(line),
        }
    }

    #[inline(never)]
    fn read(&mut self, line: &[u8]) {
        let mut members = Members(line);
        while let Some(member) = members.next() {
            let directive = Directive::read(member);
            match directive.argument {
                None if directive.is("private") => self.private = true,
                Some(Argument::Text(_)) => {
                    self.qualified |= directive.is("private") || directive.is("no-cache");
                }
                _ => {}
            }
            self.no_store |= directive.is("no-store");
            self.must_understand |= directive.is("must-understand");
            // Nothing behind it can change that.
            if self.private || self.no_store && members.0.len() < "must-understand".len() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;

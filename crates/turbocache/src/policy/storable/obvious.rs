//! Which responses are obviously not to be stored.

use http::{
    HeaderMap,
    header::{CACHE_CONTROL, EXPIRES, LAST_MODIFIED, SET_COOKIE},
};

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
            if *name == CACHE_CONTROL {
                says.control(value.as_bytes());
            } else if *name == SET_COOKIE {
                says.set_cookie = true;
            } else if *name == EXPIRES || *name == LAST_MODIFIED && self.heuristic_freshness {
                says.lifetime = true;
            } else if self.target_list.contains(name) {
                // RFC 9213 §2.2: then the others do not count.
                return false;
            }
        }
        // RFC 9111 §5.2.2.3: "must-understand" overrules "no-store".
        says.prohibition && !says.must_understand
            // §5.2.2.4, §5.2.2.7: with field names, they may be about it.
            || says.set_cookie && !says.qualified
            // §4.2.1. What "Cache-Control" says about it is to be read with care.
            || !says.lifetime
    }
}

/// What was seen in a head.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each was seen or not, independent of the others"
)]
struct Says {
    /// `no-store`, or `private` without field names.
    prohibition: bool,
    must_understand: bool,
    /// A directive with an argument that may be field names.
    qualified: bool,
    set_cookie: bool,
    /// Something from which it may follow for how long it is fresh.
    lifetime: bool,
}

impl Says {
    fn control(&mut self, line: &[u8]) {
        self.lifetime = true;
        for member in Members(line) {
            let directive = Directive::read(member);
            self.prohibition |=
                directive.is("no-store") || directive.argument.is_none() && directive.is("private");
            self.must_understand |= directive.is("must-understand");
            self.qualified |= matches!(directive.argument, Some(Argument::Text(_)))
                && (directive.is("private") || directive.is("no-cache"));
        }
    }
}

#[cfg(test)]
mod tests;

//! Which of several applications a request is for.
//!
//! An application has hosts and a path:
//!
//! 1. The host decides first: an exact name, then the longest `*.example.org`
//!    that fits, then no host at all. Case and port make no difference, nor does
//!    a dot at the end.
//! 2. Among the applications of that host, the longest path decides that the
//!    request's path begins with, by whole segments: `/blog` is for `/blog` and
//!    `/blog/1`, and not for `/blogs`. `/%62log` is the same path (RFC 3986 §6.2.2),
//!    but it is sent on as it came. One with dot segments, escaped or not, is nobody's
//!    where paths tell applications apart: a proxy in front, and the applications, may
//!    each read another path in it.
//! 3. A host that no application answers for gets `421 Misdirected Request` (RFC
//!    9110 §15.5.20), not the first application that there is: what one host may
//!    see is none of another's. A path that no application of its host answers
//!    for gets `404`.
//!
//! It is decided once, in front of everything that belongs to one application:
//! its accounting, its cache, its processes. A server with one application has no
//! part in this.

mod host;
mod normal;
mod one_of;
mod page;
mod path;
mod service;
mod table;

pub(crate) use self::{
    host::HostPattern,
    one_of::OneOf,
    path::Prefix,
    service::Router,
    table::{Clash, Site, Table},
};

//! HTTP/1.1 to one server: connections that are kept, a request sent, an
//! answer that streams back.
//!
//! A connection has no task of its own. Whoever waits for the answer, and
//! later whoever reads its body, drives it: a request costs no wake-up across
//! tasks, and dropping the future or the body closes the connection at once,
//! so that the server can notice.

mod alarm;
mod body;
mod client;
mod connected;
mod exchange;
mod head;
mod idle;
mod repeat;
mod stream;
mod upgraded;

pub use self::body::ResponseBody;
pub(crate) use self::{
    body::answer,
    client::{Client, Limits},
    connected::Connection,
    exchange::Exchange,
    repeat::Repeat,
    stream::{Endpoint, Stream},
};

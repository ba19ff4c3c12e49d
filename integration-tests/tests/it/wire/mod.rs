//! What strangers send, byte for byte, what they get for it, and what of it reaches the
//! application: HTTP/1.1 as RFC 9112 has it, on sockets of our own at both ends.
//!
//! Where a request ends is decided by whoever reads it first. If the application saw an
//! end somewhere else, what one client sends as a body would be answered as a request of
//! the next one. So each case is judged by both ends: by the answers, and by what has
//! come to the [`Origin`].

mod answers;
mod arriving;
mod bodies;
mod breaking_off;
mod chunks;
mod client;
mod codings;
mod delays;
mod expectations;
mod fields;
mod hits;
mod large;
mod large_answers;
mod leaving;
mod lengths;
mod limits;
mod message;
mod origin;
mod persistence;
mod pipelining;
mod request_lines;
mod stopping;
mod targets;
mod trailers;
mod uploads;
mod verdict;

use integration_tests::Server;

use self::{
    client::Client,
    message::{End, Message},
    origin::{Origin, Reply},
};

/// A server, and what it is in front of.
struct Wire {
    server: Server,
    origin: Origin,
}

impl Wire {
    /// With an application that says to each path what `replies` has for it.
    async fn start(options: &[&str], replies: Vec<(&'static str, Reply)>) -> Self {
        let origin = Origin::start(replies).await;
        let url = origin.url();
        let mut args = vec!["start", "--upstream", &url];
        args.extend(options);
        if !options.contains(&"--header-timeout") {
            // What nobody answers is never mistaken for what was refused.
            args.extend(["--header-timeout", "3600"]);
        }
        let server = Server::start(&args).await;
        Self { server, origin }
    }

    async fn connect(&self) -> Client {
        Client::connect(self.server.address()).await
    }

    /// A connection on which `bytes` have been sent.
    async fn send(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client
    }
}

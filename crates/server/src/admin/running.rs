//! The requests that are being served: what `GET /v1/requests` answers with.

use serde::{Deserialize, Serialize};

/// Those of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Of each application, in the order of the status.
    pub(crate) applications: Vec<ApplicationRequests>,
}

/// Those of an application. What its cache answers by itself is over before
/// anybody could look at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApplicationRequests {
    /// Its name.
    pub(crate) name: String,
    /// The oldest first.
    pub(crate) requests: Vec<RunningRequest>,
}

/// A request that is being served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningRequest {
    /// Its method.
    pub(crate) method: String,
    /// The host that it is for, as the client wrote it.
    pub(crate) host: Option<String>,
    /// The path of its target. Without the query, which may hold secrets.
    pub(crate) path: String,
    /// `receiving`: its body is on its way; `cache`: it waits for the answer to
    /// another request for the same page; `queue`: it waits for a process;
    /// `process`: a process works on it; `sending`: the answer is on its way;
    /// `upstream`: the server behind works on it.
    pub(crate) state: String,
    /// The process that has it, if one has.
    pub(crate) pid: Option<u32>,
    /// Since it came.
    pub(crate) age_seconds: f64,
    /// How long it has waited for a process, or had to; absent in front of an
    /// upstream, and for what is answered together with another request.
    pub(crate) queued_seconds: Option<f64>,
    /// Bytes of the answer's content that are on their way.
    pub(crate) sent_bytes: u64,
}

#[cfg(test)]
pub(super) fn example() -> Running {
    let working = RunningRequest {
        method: "GET".to_owned(),
        host: Some("forum.example".to_owned()),
        path: "/topics/7".to_owned(),
        state: "process".to_owned(),
        pid: Some(101),
        age_seconds: 2.5,
        queued_seconds: Some(0.125),
        sent_bytes: 0,
    };
    let waiting = RunningRequest {
        method: "POST".to_owned(),
        // Not what a terminal should see.
        host: Some("\u{1b}[2J".to_owned()),
        path: "/topics".to_owned(),
        state: "queue".to_owned(),
        pid: None,
        age_seconds: 0.004,
        queued_seconds: Some(0.004),
        ..working.clone()
    };
    let collapsed = RunningRequest {
        state: "cache".to_owned(),
        pid: None,
        age_seconds: 1.5,
        queued_seconds: None,
        ..working.clone()
    };
    Running {
        applications: vec![ApplicationRequests {
            name: "forum".to_owned(),
            requests: vec![working, collapsed, waiting],
        }],
    }
}

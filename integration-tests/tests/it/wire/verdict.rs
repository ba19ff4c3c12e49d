//! Tables of requests, and what is to become of each.

use super::{Message, Wire};

/// A request that a stranger sends.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) verdict: Verdict,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// The application hears this, and then what comes behind it.
    Taken(&'static str),
    /// The client hears one of these, [`NOTHING`] perhaps, and the connection is closed.
    /// The application hears of no such request, nor of what comes behind it.
    Refused(&'static [u16]),
    /// Whichever of the two the server likes, since RFC 9112 leaves it open.
    Either(&'static str),
}

/// No answer.
pub(super) const NOTHING: u16 = 0;

/// What is wrong with a request for which RFC 9112 and RFC 9110 name no other status.
pub(super) const BAD: Verdict = Verdict::Refused(&[400]);

/// What has become of it.
#[derive(Debug)]
struct Outcome {
    statuses: Vec<u16>,
    /// What the application made of each whole request.
    heard: Vec<String>,
    /// How many it has heard of at all.
    begun: usize,
}

/// Comes behind each of them. If the server does not find the end of one where it is,
/// this is a request that nobody has sent, or is none.
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

impl Outcome {
    fn is(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Taken(heard) => {
                self.statuses == [200, 200] && self.heard == [heard, "/behind"]
            }
            Verdict::Refused(with) => {
                let status = match self.statuses[..] {
                    [] => NOTHING,
                    [status] => status,
                    _ => return false,
                };
                with.contains(&status) && self.begun == 0
            }
            Verdict::Either(heard) => {
                self.is(Verdict::Taken(heard)) || self.is(Verdict::Refused(&[400, 501, 505]))
            }
        }
    }
}

/// Sends each of `cases`. `heard` says what of a request is looked at.
pub(super) async fn judge(wire: &Wire, cases: Vec<Case>, heard: impl Fn(&Message) -> String) {
    let mut wrong = Vec::new();
    for case in cases {
        let outcome = try_out(wire, &case.bytes, &heard).await;
        if !outcome.is(case.verdict) {
            let bytes = case.bytes.escape_ascii().to_string();
            let bytes: String = bytes.chars().take(300).collect();
            wrong.push(format!(
                "{}: {bytes}\n    {:?}\n    {outcome:?}",
                case.name, case.verdict
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn try_out(wire: &Wire, bytes: &[u8], heard: impl Fn(&Message) -> String) -> Outcome {
    wire.origin.take();
    let mut client = wire.send([bytes, BEHIND.as_bytes()].concat()).await;
    let mut statuses = Vec::new();
    while let Some(answer) = client.next("GET").await {
        statuses.push(answer.status());
    }
    let begun = wire.origin.begun();
    let requests = wire.origin.take();
    let heard = requests.iter().map(|request| match request.path() {
        "/behind" => "/behind".to_owned(),
        _ => heard(request),
    });
    Outcome {
        statuses,
        heard: heard.collect(),
        begun,
    }
}

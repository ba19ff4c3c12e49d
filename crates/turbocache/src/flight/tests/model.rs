//! Any order of events at all: who asks, who is polled, who leaves, what the
//! application says, and when. Whatever happens,
//!
//! - a response that is not for everyone reaches the one who asked for it alone,
//! - what is read is what was sent, from its beginning, and it ends only if all
//!   of it has come,
//! - when the application has finished, everyone who is polled when woken comes
//!   to an end, though others are never polled again,
//! - and when everyone has left, nothing remains.

use http_body_util::channel::Sender;
use proptest::prelude::*;
use tower_test::mock::SendResponse;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    Ask {
        conditional: bool,
    },
    Poll(usize),
    Leave(usize),
    Respond {
        to: usize,
        kind: Kind,
    },
    Chunk(usize),
    End(usize),
    Break(usize),
    /// Time goes by: what is stored becomes stale.
    Forward,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Private,
    Error,
    KnownLength,
    UnknownLength,
}

/// Three chunks of "n." in the n-th response.
const CHUNKS: usize = 3;

fn event() -> impl Strategy<Value = Event> {
    let which = 0..8_usize;
    let kind = prop_oneof![
        1 => Just(Kind::Private),
        1 => Just(Kind::Error),
        3 => Just(Kind::KnownLength),
        3 => Just(Kind::UnknownLength),
    ];
    prop_oneof![
        4 => prop::bool::weighted(0.2).prop_map(|conditional| Event::Ask { conditional }),
        8 => which.clone().prop_map(Event::Poll),
        2 => which.clone().prop_map(Event::Leave),
        3 => (which.clone(), kind).prop_map(|(to, kind)| Event::Respond { to, kind }),
        6 => which.clone().prop_map(Event::Chunk),
        2 => which.clone().prop_map(Event::End),
        1 => which.prop_map(Event::Break),
        1 => Just(Event::Forward),
    ]
}

struct World {
    scene: Scene,
    clients: Vec<Client>,
    asked: usize,
    pending: Vec<(usize, SendResponse<Response<AppBody>>)>,
    responses: Vec<Sent>,
}

/// What the application has sent in one response.
struct Sent {
    to: usize,
    kind: Kind,
    sender: Option<Sender<Bytes, tower::BoxError>>,
    chunks: usize,
    complete: bool,
}

struct Client {
    id: usize,
    stage: Stage,
    /// It was told to wait, and has not been woken since.
    sleeps: bool,
}

enum Stage {
    Asking(Asking),
    Reading {
        from: usize,
        /// It is passed on as it is: the server, who knows `Content-Length`, is the
        /// one to say that it ended early.
        passed: bool,
        text: String,
        reading: Reading,
    },
    Over,
}

impl World {
    fn new() -> Self {
        // Two chunks may be kept, the third is one too many if nobody has said
        // how many there will be. But the length is known to be too great if it
        // is known at all, so those responses have two.
        Self {
            scene: Scene::with(TurboCache::conservative().max_entry_bytes(6)),
            clients: Vec::new(),
            asked: 0,
            pending: Vec::new(),
            responses: Vec::new(),
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Ask { conditional } => self.ask(*conditional),
            Event::Poll(which) => {
                if let Some(at) = pick(self.clients.len(), *which) {
                    self.poll(at);
                }
            }
            Event::Leave(which) => {
                if let Some(at) = pick(self.clients.len(), *which) {
                    self.clients.remove(at);
                }
            }
            Event::Respond { to, kind } => {
                if let Some(at) = pick(self.pending.len(), *to) {
                    self.respond(at, *kind);
                }
            }
            Event::Chunk(which) => self.with_open(*which, Self::chunk),
            Event::End(which) => self.with_open(*which, |world, at| {
                world.responses[at].sender = None;
                let sent = &mut world.responses[at];
                sent.complete = sent.kind != Kind::KnownLength || sent.chunks == CHUNKS - 1;
            }),
            Event::Break(which) => self.with_open(*which, |world, at| {
                let sender = world.responses[at].sender.take().unwrap();
                sender.abort("broken".into());
            }),
            Event::Forward => self.scene.clock.forward(40),
        }
        while let Some((request, respond)) = self.scene.app_asked() {
            let id = request.headers()["x-id"].to_str().unwrap().parse().unwrap();
            self.pending.push((id, respond));
        }
    }

    fn ask(&mut self, conditional: bool) {
        let id = self.asked;
        self.asked += 1;
        let name = id.to_string();
        let mut fields = vec![("x-id", name.as_str())];
        if conditional {
            fields.push(("if-none-match", "\"a\""));
        }
        let asking = self.scene.ask(get_with("/", &fields));
        self.clients.push(Client {
            id,
            stage: Stage::Asking(asking),
            sleeps: false,
        });
    }

    fn respond(&mut self, at: usize, kind: Kind) {
        let (to, respond) = self.pending.remove(at);
        if kind == Kind::Error {
            return respond.send_error("down");
        }
        let (sender, body) = self.scene.streamed();
        let name = self.responses.len().to_string();
        let mut fields = vec![("x-response", name.as_str())];
        match kind {
            Kind::Private => fields.push(("cache-control", "private, max-age=60")),
            Kind::KnownLength => fields.extend([MINUTE, ("content-length", "4")]),
            Kind::UnknownLength => fields.push(MINUTE),
            Kind::Error => unreachable!(),
        }
        respond.send_response(streaming(&fields, body));
        self.responses.push(Sent {
            to,
            kind,
            sender: Some(sender),
            chunks: 0,
            complete: false,
        });
    }

    fn chunk(&mut self, at: usize) {
        let sent = &mut self.responses[at];
        let most = if sent.kind == Kind::KnownLength {
            CHUNKS - 1
        } else {
            CHUNKS
        };
        if sent.chunks < most {
            let chunk = Bytes::from(format!("{}.", at % 10));
            let sender = sent.sender.as_mut().unwrap();
            // Nobody may be left to read it.
            let _ = sender.try_send(http_body::Frame::data(chunk));
            sent.chunks += 1;
            // By its declared length.
            sent.complete = sent.kind == Kind::KnownLength && sent.chunks == most;
        }
    }

    fn with_open(&mut self, which: usize, then: impl FnOnce(&mut Self, usize)) {
        let open: Vec<_> = (0..self.responses.len())
            .filter(|at| self.responses[*at].sender.is_some())
            .collect();
        if let Some(at) = pick(open.len(), which) {
            then(self, open[at]);
        }
    }

    fn poll(&mut self, at: usize) {
        let client = &mut self.clients[at];
        client.sleeps = false;
        match &mut client.stage {
            Stage::Over => {}
            Stage::Asking(asking) => match asking.poll() {
                Poll::Pending => client.sleeps = true,
                Poll::Ready(Err(_)) => client.stage = Stage::Over,
                Poll::Ready(Ok(answer)) => {
                    let from = answer.headers()["x-response"]
                        .to_str()
                        .unwrap()
                        .parse()
                        .unwrap();
                    let sent: &Sent = &self.responses[from];
                    assert!(
                        sent.kind != Kind::Private || sent.to == client.id,
                        "a private response reached another"
                    );
                    let passed = status(&answer).contains("detail=");
                    let reading = Reading::new(answer);
                    client.stage = Stage::Reading {
                        from,
                        passed,
                        text: String::new(),
                        reading,
                    };
                }
            },
            Stage::Reading {
                from,
                passed,
                text,
                reading,
            } => {
                let sent = &self.responses[*from];
                let all = format!("{}.", *from % 10).repeat(sent.chunks);
                if reading.body().is_end_stream() {
                    assert!(
                        (sent.complete || *passed) && *text == all,
                        "it ends too early"
                    );
                }
                match reading.next() {
                    Piece::Pending => client.sleeps = true,
                    Piece::Chunk(chunk) => {
                        text.push_str(&chunk);
                        assert!(all.starts_with(&*text), "{text} is not of {all}");
                    }
                    Piece::Trailers => panic!("nobody sent any"),
                    Piece::Error(_) => {
                        assert!(sent.sender.is_none(), "nobody broke it");
                        client.stage = Stage::Over;
                    }
                    Piece::End => {
                        assert!(
                            (sent.complete || *passed) && *text == all,
                            "it ends too early"
                        );
                        client.stage = Stage::Over;
                    }
                }
            }
        }
    }

    /// The application finishes everything, and everyone but `frozen` is polled
    /// whenever woken.
    fn finish(&mut self, frozen: &[usize]) {
        loop {
            while !self.pending.is_empty() {
                self.happen(&Event::Respond {
                    to: 0,
                    kind: Kind::UnknownLength,
                });
            }
            for _ in 0..self.responses.len() {
                self.happen(&Event::End(0));
            }
            let runnable = (0..self.clients.len()).find(|at| {
                let client = &self.clients[*at];
                !frozen.contains(&client.id) && client.is_runnable()
            });
            match runnable {
                Some(at) => self.happen(&Event::Poll(at)),
                None if self.pending.is_empty() => break,
                None => {}
            }
        }
        for client in &self.clients {
            assert!(
                frozen.contains(&client.id) || matches!(client.stage, Stage::Over),
                "client {} waits for nothing",
                client.id
            );
        }
    }
}

impl Client {
    fn is_runnable(&self) -> bool {
        match &self.stage {
            Stage::Asking(asking) => !self.sleeps || asking.is_woken(),
            Stage::Reading { reading, .. } => !self.sleeps || reading.is_woken(),
            Stage::Over => false,
        }
    }
}

fn pick(length: usize, which: usize) -> Option<usize> {
    (length > 0).then(|| which % length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_order_of_events_is_harmless(
        events in prop::collection::vec(event(), 1..80),
        frozen in prop::collection::vec(0..8_usize, 0..4),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        world.finish(&frozen);
        world.clients.clear();
        prop_assert_eq!(world.scene.flights(), 0);
        prop_assert_eq!(world.scene.live(), 0);
    }
}

//! Any order of events at all: who asks, who is polled, who leaves, what the
//! application says, when, and what is invalidated. Whatever happens,
//!
//! - a response that is not for everyone reaches the one who asked for it alone,
//! - one that is for one language reaches those who asked for it in that one,
//! - who asks after an invalidation gets nothing that was fetched before it,
//! - nobody gets what has been stale for longer than it allows,
//! - what is read is what was sent, from its beginning, and it ends only if all
//!   of it has come,
//! - when the application has finished, everyone who is polled when woken comes
//!   to an end, though others never read what they are given,
//! - and when everyone has left, nothing remains.

use http_body_util::channel::Sender;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use tower_test::mock::SendResponse;

use super::*;
use crate::Scope;

#[derive(Clone, Debug)]
enum Event {
    Ask {
        conditional: bool,
        language: usize,
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
    /// So many seconds go by: what is stored becomes stale.
    Forward(u64),
    /// What is stored for the page is removed.
    Invalidate,
    /// What was begun in the background goes on.
    Background,
}

const LANGUAGES: [&str; 2] = ["de", "fr"];
/// A minute, and half a minute more while it is validated.
const STORABLE: (&str, &str) = ("cache-control", "max-age=60, stale-while-revalidate=30");
/// For how many seconds what says this may be given.
const USABLE: u64 = 90;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Private,
    Error,
    KnownLength,
    UnknownLength,
    /// Of known length, and for one language.
    Varying,
    /// What is stored is still good, if that was the question.
    NotModified,
}

impl Kind {
    const fn has_length(self) -> bool {
        matches!(self, Self::KnownLength | Self::Varying)
    }
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
        3 => Just(Kind::Varying),
        2 => Just(Kind::NotModified),
    ];
    prop_oneof![
        4 => (prop::bool::weighted(0.2), 0..LANGUAGES.len())
            .prop_map(|(conditional, language)| Event::Ask { conditional, language }),
        8 => which.clone().prop_map(Event::Poll),
        2 => which.clone().prop_map(Event::Leave),
        3 => (which.clone(), kind).prop_map(|(to, kind)| Event::Respond { to, kind }),
        6 => which.clone().prop_map(Event::Chunk),
        2 => which.clone().prop_map(Event::End),
        1 => which.prop_map(Event::Break),
        2 => (1..60_u64).prop_map(Event::Forward),
        1 => Just(Event::Invalidate),
        2 => Just(Event::Background),
    ]
}

struct World {
    scene: Scene,
    clients: Vec<Client>,
    asked: usize,
    pending: Vec<Pending>,
    responses: Vec<Sent>,
    /// How many events there have been.
    events: usize,
    /// Of the latest invalidation.
    invalidated: usize,
    /// How many seconds have gone by.
    seconds: u64,
    runtime: Runtime,
}

/// What the application was asked.
struct Pending {
    by: usize,
    language: usize,
    /// After how many events.
    asked: usize,
    /// Which response it is to say "not modified" of.
    stored: Option<usize>,
    respond: SendResponse<Response<AppBody>>,
}

/// What the application has sent in one response.
struct Sent {
    to: usize,
    kind: Kind,
    language: usize,
    /// After how many events it was asked for.
    asked: usize,
    /// When it was sent, or was last said to be still good.
    good: u64,
    sender: Option<Sender<Bytes, tower::BoxError>>,
    chunks: usize,
    complete: bool,
}

struct Client {
    id: usize,
    language: usize,
    /// The latest invalidation before it asked.
    invalidated: usize,
    /// When it asked.
    asked: u64,
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
    fn new(finish_abandoned: bool) -> Self {
        // Two chunks may be kept, the third is one too many if nobody has said
        // how many there will be. But the length is known to be too great if it
        // is known at all, so those responses have two.
        Self {
            scene: Scene::with(
                TurboCache::conservative()
                    .max_entry_bytes(6)
                    .finish_abandoned(finish_abandoned),
            ),
            clients: Vec::new(),
            asked: 0,
            pending: Vec::new(),
            responses: Vec::new(),
            events: 1,
            invalidated: 0,
            seconds: 0,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
        }
    }

    fn happen(&mut self, event: &Event) {
        self.events += 1;
        match event {
            Event::Ask {
                conditional,
                language,
            } => self.ask(*conditional, *language),
            Event::Poll(which) => {
                if let Some(at) = pick(self.clients.len(), *which) {
                    self.poll(at);
                }
            }
            Event::Leave(which) => {
                if let Some(at) = pick(self.clients.len(), *which) {
                    let _runtime = self.runtime.enter();
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
                sent.complete = !sent.kind.has_length() || sent.chunks == CHUNKS - 1;
            }),
            Event::Break(which) => self.with_open(*which, |world, at| {
                let sender = world.responses[at].sender.take().unwrap();
                sender.abort("broken".into());
            }),
            Event::Forward(seconds) => {
                self.seconds += seconds;
                self.scene.clock.forward(*seconds);
            }
            Event::Invalidate => {
                self.invalidated = self.events;
                let page = "http://forum.example/".parse().unwrap();
                self.scene.handle.purge(&Scope::url(&page));
            }
            Event::Background => self.run_background(),
        }
        self.look_at_the_application();
    }

    fn run_background(&self) {
        self.runtime.block_on(async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        });
    }

    fn look_at_the_application(&mut self) {
        while let Some((request, respond)) = self.scene.app_asked() {
            let field = |name: &str| Some(request.headers().get(name)?.to_str().unwrap());
            let language = field("accept-language").unwrap();
            let tag = field("if-none-match").map(|tag| tag.trim_matches('"'));
            self.pending.push(Pending {
                by: field("x-id").unwrap().parse().unwrap(),
                language: LANGUAGES.iter().position(|it| *it == language).unwrap(),
                asked: self.events,
                // A client's own tag is no number.
                stored: tag.and_then(|tag| tag.parse().ok()),
                respond,
            });
        }
    }

    fn ask(&mut self, conditional: bool, language: usize) {
        let id = self.asked;
        self.asked += 1;
        let name = id.to_string();
        let mut fields = vec![
            ("x-id", name.as_str()),
            ("accept-language", LANGUAGES[language]),
        ];
        if conditional {
            fields.push(("if-none-match", "\"a\""));
        }
        let _runtime = self.runtime.enter();
        let asking = self.scene.ask(get_with("/", &fields));
        self.clients.push(Client {
            id,
            language,
            invalidated: self.invalidated,
            asked: self.seconds,
            stage: Stage::Asking(asking),
            sleeps: false,
        });
    }

    fn respond(&mut self, at: usize, kind: Kind) {
        let Pending {
            by,
            language,
            asked,
            stored,
            respond,
        } = self.pending.remove(at);
        if kind == Kind::Error {
            return respond.send_error("down");
        }
        if let (Kind::NotModified, Some(stored)) = (kind, stored) {
            let tag = format!("\"{stored}\"");
            let mut response = page(&[STORABLE, ("etag", tag.as_str())], "");
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
            self.responses[stored].good = self.seconds;
            return respond.send_response(response);
        }
        // There was no such question.
        let kind = match kind {
            Kind::NotModified => Kind::KnownLength,
            kind => kind,
        };
        let (sender, body) = self.scene.streamed();
        let name = self.responses.len().to_string();
        let tag = format!("\"{name}\"");
        let mut fields = vec![("x-response", name.as_str()), ("etag", tag.as_str())];
        let length = ("content-length", "4");
        match kind {
            Kind::Private => fields.push(("cache-control", "private, max-age=60")),
            Kind::KnownLength => fields.extend([STORABLE, length]),
            Kind::Varying => fields.extend([STORABLE, length, ("vary", "accept-language")]),
            Kind::UnknownLength => fields.push(STORABLE),
            Kind::Error | Kind::NotModified => unreachable!(),
        }
        respond.send_response(streaming(&fields, body));
        self.responses.push(Sent {
            to: by,
            kind,
            language,
            asked,
            good: self.seconds,
            sender: Some(sender),
            chunks: 0,
            complete: false,
        });
    }

    fn chunk(&mut self, at: usize) {
        let sent = &mut self.responses[at];
        let most = if sent.kind.has_length() {
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
            sent.complete = sent.kind.has_length() && sent.chunks == most;
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
        let _runtime = self.runtime.enter();
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
                    assert!(
                        sent.kind != Kind::Varying || sent.language == client.language,
                        "a response in another language"
                    );
                    assert!(
                        sent.asked > client.invalidated,
                        "it was invalidated before the client asked"
                    );
                    assert!(client.asked < sent.good + USABLE, "it is too old");
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

    /// The application finishes everything, and everyone is polled whenever woken, but
    /// `frozen` ones do not read.
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
            self.happen(&Event::Background);
            let runnable = (0..self.clients.len()).find(|at| {
                let client = &self.clients[*at];
                let reads = matches!(client.stage, Stage::Reading { .. });
                !(reads && frozen.contains(&client.id)) && client.is_runnable()
            });
            match runnable {
                Some(at) => self.happen(&Event::Poll(at)),
                None if self.pending.is_empty() => break,
                None => {}
            }
        }
        for client in &self.clients {
            let is_done = match client.stage {
                Stage::Asking(_) => false,
                Stage::Reading { .. } => frozen.contains(&client.id),
                Stage::Over => true,
            };
            assert!(is_done, "client {} waits for nothing", client.id);
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
        finish_abandoned in any::<bool>(),
    ) {
        let mut world = World::new(finish_abandoned);
        for event in &events {
            world.happen(event);
        }
        world.finish(&frozen);
        world.clients.clear();
        world.run_background();
        prop_assert_eq!(world.scene.flights(), 0);
        prop_assert_eq!(world.scene.live(), 0);
    }
}

//! The layer around a real cache, in front of an application whose sessions change
//! their levels, with requests that overlap in any way: nobody ever gets a page
//! that the application would not have given to that very client.
//!
//! What it would have given is known from the order in which it handled requests.
//! A change of level counts from when its answer is there, or from when its client
//! leaves; until then, the page of before is as good as the one of after.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use peregrine_cookie_variation::{Clock, CookieVariation};
use proptest::prelude::*;
use tokio::sync::oneshot;
use tower::{Layer, Service, ServiceExt};
use turbocache::TurboCache;

/// For how many seconds pages are fresh.
const FRESH: u64 = 10;
const SESSIONS: usize = 3;
const LEVELS: [&str; 3] = ["", "member", "staff"];

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// Without a session.
    Visitor,
    /// With a session that the application does not know.
    Forger,
    Session(usize),
    /// The same, with another spelling of the host.
    Elsewhere(usize),
}

#[derive(Clone, Copy, Debug)]
enum Page {
    /// Says whom it is for.
    Named(u8),
    /// Is another for each level, and does not say so.
    Silent,
    /// Is the same for everybody, and says so.
    Public,
    /// Hands out a cookie of the session's name.
    Gift,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Named,
    Silent,
    SetsCookie,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Get(Client, Page),
    Head(Client, Page),
    /// A session's level is to change, by its own request.
    Become(usize, usize, Change),
    /// All of one level are to be of another one, by somebody else's request.
    Demote(usize, usize),
    /// The application handles one of the requests that it has.
    Handle(usize),
    /// One of the answers that it has made comes back.
    Answer(usize),
    /// A client does not wait any longer.
    Leave(usize),
    Wait(u64),
}

/// What the application has been asked, and has not handled.
struct Asked {
    request: Request<Empty<Bytes>>,
    answer: oneshot::Sender<Response<Full<Bytes>>>,
}

/// One moment at which a session's level changed.
#[derive(Debug)]
struct Changed {
    session: usize,
    to: usize,
    /// By its own request.
    own: bool,
    /// When the answer to the request that did it was there.
    known: Option<usize>,
}

#[derive(Default)]
struct Model {
    asked: Vec<Asked>,
    /// Made, and not there yet; with what they have changed.
    answers: Vec<(
        oneshot::Sender<Response<Full<Bytes>>>,
        Response<Full<Bytes>>,
        Vec<usize>,
    )>,
    levels: [usize; SESSIONS],
    history: Vec<Changed>,
    seconds: u64,
    /// Counts events.
    step: usize,
}

#[derive(Clone)]
struct App(Arc<Mutex<Model>>);

impl Service<Request<Empty<Bytes>>> for App {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap().asked.push(Asked { request, answer });
        Box::pin(async { Ok(answered.await.expect("the model answers")) })
    }
}

impl Clock for App {
    fn wall(&self) -> SystemTime {
        let seconds = self.0.lock().unwrap().seconds;
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
    }

    fn monotonic(&self) -> Instant {
        self.now()
    }
}

impl App {
    fn now(&self) -> Instant {
        use std::sync::OnceLock;
        static START: OnceLock<Instant> = OnceLock::new();
        let start = *START.get_or_init(Instant::now);
        start + Duration::from_secs(self.0.lock().unwrap().seconds)
    }
}

impl Model {
    /// Handles one request as the application would.
    fn handle(&mut self, which: usize) {
        if self.asked.is_empty() {
            return;
        }
        let which = which % self.asked.len();
        let Asked { request, answer } = self.asked.swap_remove(which);
        let cookie = request.headers().get("cookie");
        let cookie = cookie.map_or("", |cookie| cookie.to_str().unwrap());
        let session = cookie
            .split("session=s")
            .nth(1)
            .map(|session| session.parse::<usize>().unwrap());
        let has_cookie = cookie.contains("session=");
        let level = session.map_or(0, |session| self.levels[session]);
        let mut changed = Vec::new();
        let mut response = Response::builder();
        let path = request.uri().path().to_owned();
        let words: Vec<_> = path.split('/').skip(1).collect();
        let number = |place: usize| words[place].parse::<usize>().unwrap();
        let mut text = "done".to_owned();
        match words[0] {
            "become" => {
                let (session, to) = (session.expect("it has one"), number(1));
                changed.push(self.change(session, to, true));
                match words[2] {
                    "Named" => response = response.header("!~rendered-for", LEVELS[to]),
                    "SetsCookie" => {
                        response = response.header("set-cookie", format!("session=s{session}"));
                    }
                    _ => {}
                }
            }
            "demote" => {
                let (from, to) = (number(1), number(2));
                for session in 0..SESSIONS {
                    if self.levels[session] == from {
                        changed.push(self.change(session, to, false));
                    }
                }
                response = response.header("!~forget-rendered-for", LEVELS[from]);
            }
            kind => {
                let control = match kind {
                    "Public" => format!("public, max-age={FRESH}"),
                    _ => format!("max-age={FRESH}"),
                };
                response = response.header("cache-control", control);
                if has_cookie && kind != "Silent" && kind != "Public" {
                    response = response.header("!~rendered-for", LEVELS[level]);
                }
                if kind == "Gift" {
                    response = response.header("set-cookie", "session=s0; Path=/");
                }
                let shown = if kind == "Public" { "*" } else { LEVELS[level] };
                text = format!("{path} {shown} {}", self.seconds);
                if request.method() == Method::HEAD {
                    text.clear();
                }
            }
        }
        let response = response.body(Full::from(text)).unwrap();
        self.answers.push((answer, response, changed));
    }

    fn change(&mut self, session: usize, to: usize, own: bool) -> usize {
        self.levels[session] = to;
        self.history.push(Changed {
            session,
            to,
            own,
            known: None,
        });
        self.history.len() - 1
    }

    /// One answer comes back. Gives what it is to be known of it.
    fn answer(&mut self, which: usize) {
        if self.answers.is_empty() {
            return;
        }
        let which = which % self.answers.len();
        let (answer, response, changed) = self.answers.swap_remove(which);
        // Who has left needs no answer, and nobody hears it.
        if answer.send(response).is_ok() {
            for place in changed {
                self.history[place].known = Some(self.step);
            }
        }
    }

    /// For each answer, whether somebody waits for it.
    fn waited_for(&self) -> Vec<bool> {
        let answers = self.answers.iter();
        answers.map(|(answer, ..)| !answer.is_closed()).collect()
    }

    /// A client has left, and before it did, answers were `waited` for. If the
    /// application has handled its request by now, what became of its own session is
    /// known; afterwards, nobody would hear of it.
    fn left(&mut self, waited: &[bool]) {
        let waits = self.waited_for();
        for (place, (_, _, changed)) in self.answers.iter().enumerate() {
            if waited[place] && !waits[place] {
                for change in changed {
                    let change = &mut self.history[*change];
                    change.known = change.own.then_some(self.step);
                }
            }
        }
    }

    /// The levels of a session that a request may see that was sent at `sent` and
    /// is answered now.
    fn allowed(&self, session: usize, sent: usize) -> Vec<&'static str> {
        let changes = self.history.iter().filter(|one| one.session == session);
        let changes: Vec<_> = changes.collect();
        let mut settled = None;
        for (place, one) in changes.iter().enumerate() {
            // Whoever demotes others speaks of those whose level is known. One whose
            // own change is still on its way may have changed after that.
            let all_before = settled == place.checked_sub(1);
            if one.known.is_some_and(|known| known < sent) && (one.own || all_before) {
                settled = Some(place);
            }
        }
        let first = settled.map_or(0, |settled| changes[settled].to);
        let later = &changes[settled.map_or(0, |settled| settled + 1)..];
        let later = later.iter().map(|one| one.to);
        std::iter::once(first)
            .chain(later)
            .map(|level| LEVELS[level])
            .collect()
    }
}

/// What came of a request.
struct Answered {
    text: String,
    hit: bool,
}

/// A request that is not answered yet.
struct Asking {
    client: Client,
    page: Option<String>,
    head: bool,
    sent: usize,
    sent_seconds: u64,
    answer: Pin<Box<dyn Future<Output = Answered>>>,
}

fn cookie(client: Client) -> Option<String> {
    match client {
        Client::Visitor => None,
        Client::Forger => Some("_ga=1; session=forged".to_owned()),
        Client::Session(session) | Client::Elsewhere(session) => {
            Some(format!("_ga={session}; session=s{session}"))
        }
    }
}

const fn host(client: Client) -> &'static str {
    match client {
        Client::Elsewhere(_) => "FORUM.example",
        _ => "forum.example",
    }
}

/// Plays `events`, and says how many answers were hits.
fn play(events: &[Event], max_sessions: usize) -> Result<usize, TestCaseError> {
    let app = App(Arc::default());
    let cookies = CookieVariation::asserted(["session"])
        .max_sessions(max_sessions)
        .clock(app.clone());
    let cache = TurboCache::conservative().clock(app.clone());
    let service = cookies.around(cache).layer(app.clone());
    let mut asking: Vec<Asking> = Vec::new();
    let mut hits = 0;

    // In the end, everything is handled and answered.
    let rest = [Event::Handle(0), Event::Answer(0)];
    let rest = rest.iter().cycle().take(4 * events.len() + 4);
    for event in events.iter().chain(rest) {
        app.0.lock().unwrap().step += 1;
        let mut send = |client, method: Method, path: String, is_page: bool| {
            let mut request = Request::builder()
                .method(&method)
                .uri(&path)
                .header("host", host(client));
            if let Some(cookie) = cookie(client) {
                request = request.header("cookie", cookie);
            }
            let request = request.body(Empty::new()).unwrap();
            let call = service.clone().oneshot(request);
            let model = app.0.lock().unwrap();
            asking.push(Asking {
                client,
                page: is_page.then_some(path),
                head: method == Method::HEAD,
                sent: model.step,
                sent_seconds: model.seconds,
                answer: Box::pin(async {
                    let response = call.await.unwrap();
                    assert!(
                        response
                            .headers()
                            .keys()
                            .all(|name| !name.as_str().starts_with("!~"))
                    );
                    let status = response.headers()["cache-status"].to_str().unwrap();
                    let hit = status.contains("; hit");
                    let body = response.into_body().collect().await.unwrap().to_bytes();
                    let text = String::from_utf8(body.to_vec()).unwrap();
                    Answered { text, hit }
                }),
            });
        };
        let path = |page: Page| match page {
            Page::Named(number) => format!("/Named/{number}"),
            other => format!("/{other:?}"),
        };
        match *event {
            Event::Get(client, page) => send(client, Method::GET, path(page), true),
            Event::Head(client, page) => send(client, Method::HEAD, path(page), true),
            Event::Become(session, to, how) => {
                let path = format!("/become/{to}/{how:?}");
                send(Client::Session(session), Method::POST, path, false);
            }
            Event::Demote(from, to) => {
                let path = format!("/demote/{from}/{to}");
                send(Client::Visitor, Method::POST, path, false);
            }
            Event::Handle(which) => app.0.lock().unwrap().handle(which),
            Event::Answer(which) => app.0.lock().unwrap().answer(which),
            Event::Leave(_) if asking.is_empty() => {}
            Event::Leave(which) => {
                let waited = app.0.lock().unwrap().waited_for();
                drop(asking.swap_remove(which % asking.len()));
                app.0.lock().unwrap().left(&waited);
            }
            Event::Wait(seconds) => app.0.lock().unwrap().seconds += seconds,
        }
        // Twice, since one may be woken by what another one does.
        for _ in 0..2 {
            let mut waiting = Vec::new();
            for mut one in asking {
                match one
                    .answer
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                {
                    Poll::Pending => waiting.push(one),
                    Poll::Ready(answered) => {
                        hits += usize::from(answered.hit);
                        check(&app.0.lock().unwrap(), &one, &answered)?;
                    }
                }
            }
            asking = waiting;
        }
    }
    prop_assert!(asking.is_empty(), "everybody is answered");
    Ok(hits)
}

/// Whether the application would have given this answer to this client.
fn check(model: &Model, asked: &Asking, answered: &Answered) -> Result<(), TestCaseError> {
    let Some(page) = &asked.page else {
        return Ok(());
    };
    if asked.head {
        prop_assert_eq!(&answered.text, "");
        return Ok(());
    }
    let words: Vec<_> = answered.text.split(' ').collect();
    let &[path, level, rendered] = &words[..] else {
        return Err(TestCaseError::fail(format!("no page: {}", answered.text)));
    };
    prop_assert_eq!(path, page);
    let rendered: u64 = rendered.parse().unwrap();
    prop_assert!(
        rendered >= asked.sent_seconds || model.seconds - rendered <= FRESH,
        "{} is too old at {}",
        answered.text,
        model.seconds
    );
    if level != "*" {
        let allowed = match asked.client {
            Client::Visitor | Client::Forger => vec![""],
            Client::Session(session) | Client::Elsewhere(session) => {
                model.allowed(session, asked.sent)
            }
        };
        prop_assert!(
            allowed.contains(&level),
            "{:?} got {}, but may see {allowed:?}",
            asked.client,
            answered.text
        );
    }
    Ok(())
}

fn client() -> impl Strategy<Value = Client> {
    prop_oneof![
        1 => Just(Client::Visitor),
        1 => Just(Client::Forger),
        4 => (0..SESSIONS).prop_map(Client::Session),
        1 => (0..SESSIONS).prop_map(Client::Elsewhere),
    ]
}

fn page() -> impl Strategy<Value = Page> {
    prop_oneof![
        6 => (0..2_u8).prop_map(Page::Named),
        1 => Just(Page::Silent),
        1 => Just(Page::Public),
        1 => Just(Page::Gift),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let change = prop_oneof![
        3 => Just(Change::Named),
        1 => Just(Change::Silent),
        1 => Just(Change::SetsCookie),
    ];
    let level = 0..LEVELS.len();
    prop_oneof![
        8 => (client(), page()).prop_map(|(client, page)| Event::Get(client, page)),
        1 => (client(), page()).prop_map(|(client, page)| Event::Head(client, page)),
        2 => (0..SESSIONS, level.clone(), change)
            .prop_map(|(session, to, how)| Event::Become(session, to, how)),
        1 => (1..LEVELS.len(), level).prop_map(|(from, to)| Event::Demote(from, to)),
        9 => any::<usize>().prop_map(Event::Handle),
        9 => any::<usize>().prop_map(Event::Answer),
        1 => any::<usize>().prop_map(Event::Leave),
        1 => (1..2 * FRESH).prop_map(Event::Wait),
    ]
}

proptest! {
    #[test]
    fn every_answer_is_one_that_the_application_would_have_given_that_client(
        events in prop::collection::vec(event(), 1..120),
        max_sessions in prop_oneof![Just(100_000), Just(1)],
    ) {
        play(&events, max_sessions)?;
    }
}

/// The property would hold of a cache that stores nothing.
#[test]
fn the_cache_of_the_model_is_of_use() {
    let both = [Event::Handle(0), Event::Answer(0)];
    let ask = |client| Event::Get(client, Page::Named(0));
    let promote = |session| Event::Become(session, 2, Change::Named);
    let mut events = Vec::new();
    for event in [
        promote(0),
        ask(Client::Session(0)),
        ask(Client::Session(0)),
        promote(1),
        ask(Client::Session(1)),
        ask(Client::Visitor),
        ask(Client::Visitor),
    ] {
        events.push(event);
        events.extend(both);
    }
    assert_eq!(play(&events, 100_000).unwrap(), 3);
}

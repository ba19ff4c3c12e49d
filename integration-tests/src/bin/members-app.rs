//! An application whose users log in, and which is careless about everything
//! else.
//!
//! It listens on `PORT`, and answers one request on each connection. Each page
//! says whom it was rendered for, twice: in its text, and in `!~Rendered-For`, if
//! the request has a session's cookie. All pages are fresh for a minute.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /login?as=NAME` | begins a session of NAME, and gives its cookie |
//! | `POST /adopt?as=NAME` | lets the session that the client has made up be NAME's |
//! | `POST /become?as=NAME` | the session is another one's from now on, and the answer says so |
//! | `POST /become-silently?as=NAME` | the same, and the answer says nothing |
//! | `POST /demote?from=A&to=B` | all sessions of A are B's, and the answer says so |
//! | `POST /logout` | ends the session, and says nothing |
//! | `POST /logout-slowly` | ends the session, and says nothing until `GET /release` has come |
//! | `POST /leave` | ends the session, and takes its cookie away |
//! | `GET /gift` | a page for everybody, with a session for who asks |
//! | `GET /tenant` | a page for the tenant that `X-Tenant` names, which it says in `Vary` |
//! | `GET /slowly` | a page that is rendered at once, and sent when `GET /release` has come |
//! | `GET /slow` | says how many slow ones there were |
//! | any other | a page, with all that the request says that could have been of importance |
//!
//! It takes cookies wherever it can find them: in any case, encoded, behind commas,
//! in any line, and the last one counts. It answers 400 to what it finds too long.

use std::{
    collections::HashMap,
    env,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

fn main() {
    let port = env::var("PORT").expect("PORT says where to listen");
    let port: u16 = port.parse().expect("PORT is a number");
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("PORT is free");
    let app = Arc::new(App::default());
    for stream in listener.incoming().flatten() {
        let app = Arc::clone(&app);
        thread::spawn(move || {
            // The client left: what is there to do?
            let _ = app.serve(stream);
        });
    }
}

#[derive(Default)]
struct App {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    /// Who is logged in with which session.
    sessions: HashMap<String, String>,
    begun: u32,
    renderings: u32,
    /// How many slow pages have been rendered, and how many may be sent.
    slow: u32,
    releases: u32,
}

impl App {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let request = Request::read(&mut BufReader::new(client.try_clone()?))?;
        let answer = self.answer(&request);
        let head_only = request.method == "HEAD";
        let body = if head_only { "" } else { &answer.body };
        write!(
            client,
            "HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{body}",
            answer.status,
            answer.body.len(),
            answer.fields,
        )
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let session = request.session();
        let named = request.query("as").unwrap_or_default();
        match (request.method.as_str(), request.path()) {
            ("POST", "/login") => {
                let session = state.begin(&named);
                return Answer::changed(&format!("Set-Cookie: session={session}; Path=/\r\n"));
            }
            ("POST", "/adopt" | "/become" | "/become-silently") => {
                let silent = request.path() == "/become-silently";
                let session = session.unwrap_or_default();
                state.sessions.insert(session, named.clone());
                let said = format!("!~Rendered-For: {named}\r\n");
                return Answer::changed(if silent { "" } else { &said });
            }
            ("POST", "/demote") => {
                let from = request.query("from").unwrap_or_default();
                let to = request.query("to").unwrap_or_default();
                let who = state.sessions.values_mut().filter(|who| **who == from);
                who.for_each(|who| who.clone_from(&to));
                return Answer::changed(&format!("!~Forget-Rendered-For: {from}\r\n"));
            }
            ("POST", "/logout") => {
                state.sessions.remove(&session.unwrap_or_default());
                return Answer::changed("");
            }
            ("POST", "/logout-slowly") => {
                state.sessions.remove(&session.unwrap_or_default());
                self.release_of(state);
                return Answer::changed("");
            }
            ("POST", "/leave") => {
                state.sessions.remove(&session.unwrap_or_default());
                return Answer::changed("Set-Cookie: session=; Max-Age=0; Path=/\r\n");
            }
            ("GET", "/release") => {
                state.releases += 1;
                self.released.notify_all();
                return Answer::changed(&format!("X-Slow: {}\r\n", state.slow));
            }
            ("GET", "/slow") => return Answer::changed(&format!("X-Slow: {}\r\n", state.slow)),
            _ => {}
        }
        if request.lines.iter().any(|(_, value)| value.len() > 2000) {
            return Answer {
                status: "400 Bad Request",
                fields: "Cache-Control: max-age=60\r\n".to_owned(),
                body: "too long\n".to_owned(),
            };
        }
        let page = state.page(request, session.as_deref());
        if request.path() == "/slowly" {
            self.release_of(state);
        }
        page
    }

    /// Waits until one more of what is slow may go.
    fn release_of(&self, mut state: MutexGuard<'_, State>) {
        state.slow += 1;
        let mine = state.slow;
        drop(
            self.released
                .wait_while(state, |state| state.releases < mine)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl State {
    fn begin(&mut self, who: &str) -> String {
        self.begun += 1;
        let session = format!("s{}", self.begun);
        self.sessions.insert(session.clone(), who.to_owned());
        session
    }

    fn page(&mut self, request: &Request, session: Option<&str>) -> Answer {
        self.renderings += 1;
        let who = session.and_then(|session| self.sessions.get(session));
        let who = who.cloned().unwrap_or_default();
        let mut fields = "Cache-Control: max-age=60\r\n".to_owned();
        if session.is_some() {
            let _ = write!(fields, "!~Rendered-For: {who}\r\n");
        }
        if request.path() == "/tenant" {
            fields.push_str("Vary: X-Tenant\r\n");
        }
        if request.path() == "/gift" {
            let session = self.begin("who got it as a gift");
            let _ = write!(fields, "Set-Cookie: session={session}\r\n");
        }
        let mut body = format!(
            "for `{who}`: {} {}, rendering {}, body {} bytes\n",
            request.method, request.target, self.renderings, request.body
        );
        for (name, value) in &request.lines {
            if matches!(
                name.as_str(),
                "host"
                    | "forwarded"
                    | "x-forwarded-for"
                    | "x-forwarded-host"
                    | "x-tenant"
                    | "x_tenant"
                    | "x-original-url"
                    | "x-rewrite-url"
                    | "x-http-method-override"
                    | "x-method-override"
                    | "!~rendered-for"
            ) {
                let _ = writeln!(body, "{name}: {value}");
            }
        }
        Answer {
            status: "200 OK",
            fields,
            body,
        }
    }
}

struct Answer {
    status: &'static str,
    fields: String,
    body: String,
}

impl Answer {
    fn changed(fields: &str) -> Self {
        Self {
            status: "200 OK",
            fields: fields.to_owned(),
            body: "done\n".to_owned(),
        }
    }
}

struct Request {
    method: String,
    target: String,
    /// Names in lower case.
    lines: Vec<(String, String)>,
    /// How many bytes it had.
    body: usize,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            // Someone only looked whether we are there.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut words = first.split(' ').map(ToOwned::to_owned);
        let (method, target) = (words.next(), words.next());
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            let line = String::from_utf8_lossy(&line);
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            lines.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let length = lines.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().unwrap_or(0));
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Self {
            method: method.unwrap_or_default(),
            target: target.unwrap_or_default(),
            lines,
            body: body.len(),
        })
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn query(&self, wanted: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
        Some(value.to_owned())
    }

    /// Read as carelessly as can be.
    fn session(&self) -> Option<String> {
        let lines = self.lines.iter().filter(|(name, _)| name == "cookie");
        let pairs = lines.flat_map(|(_, line)| line.split([';', ',', ' ', '"']));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        let is_session = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            name.replace("%73", "s") == "session"
        };
        let mut sessions = pairs.filter(|(name, value)| is_session(name) && !value.is_empty());
        sessions
            .next_back()
            .map(|(_, value)| value.trim().to_owned())
    }
}

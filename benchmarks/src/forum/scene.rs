//! What there is to read, and who has logged in.

use std::net::SocketAddr;

use super::{connection::Connection, contender::Contender};
use crate::Result;

/// How many people have logged in.
const SESSIONS: usize = 20;

/// People that the forum has from the start, and their password.
const PEOPLE: [(&str, Level); 4] = [
    ("Marit", Level::Staff),
    ("Ines", Level::Member),
    ("Tomasz", Level::Member),
    ("Oluwaseun", Level::Member),
];
const PASSWORD: &str = "passenger";

/// How many pages are read: the first one and some topics. Passenger's turbocache
/// has room for eight.
const PAGES: usize = 6;

/// What goes on in the forum.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) contender: Contender,
    pub(super) address: SocketAddr,
    pub(super) pages: Vec<Page>,
    pub(super) sessions: Vec<Session>,
}

/// A page that is read.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) path: String,
    /// As it stands there, with its entities.
    pub(super) heading: String,
}

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) cookie: String,
    pub(super) level: Level,
}

/// For whom a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Visitor,
    Member,
    Staff,
}

impl Scene {
    /// The forum behind `contender`, which listens at `address`.
    pub(super) async fn at(address: SocketAddr, contender: Contender) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let mut pages = pages(&mut connection).await?;
        let sessions = if contender.is_the_real_forum() {
            log_in(&mut connection).await?
        } else {
            // There, everybody reads the first page, as a visitor.
            let first = pages[0].heading.clone();
            for page in &mut pages {
                page.heading.clone_from(&first);
            }
            let session = |id| Session {
                cookie: format!("user_id={id}"),
                level: Level::Visitor,
            };
            (1..=SESSIONS).map(session).collect()
        };
        Ok(Self {
            contender,
            address,
            pages,
            sessions,
        })
    }
}

impl Level {
    /// As pages have it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Member => "member",
            Self::Staff => "staff",
        }
    }
}

async fn log_in(connection: &mut Connection) -> Result<Vec<Session>> {
    let mut sessions = Vec::new();
    for (name, level) in PEOPLE.iter().cycle().take(SESSIONS) {
        let form = format!("name={name}&password={PASSWORD}&next=%2F");
        let answer = connection.post("/login", "", &form).await?;
        let cookie = answer.field("set-cookie").unwrap_or_default();
        let cookie = std::str::from_utf8(cookie)?;
        let (cookie, _) = cookie.split_once(';').ok_or("a login without a session")?;
        sessions.push(Session {
            cookie: cookie.to_owned(),
            level: *level,
        });
    }
    Ok(sessions)
}

/// The first page, and topics that are listed there.
async fn pages(connection: &mut Connection) -> Result<Vec<Page>> {
    let answer = connection.get("/", "").await?;
    if answer.status() != b"200" {
        let status = String::from_utf8_lossy(answer.status());
        return Err(format!("its first page: {status}").into());
    }
    let text = answer.text()?;
    let first = Page {
        path: "/".to_owned(),
        heading: between(&text, "<h1>", "</h1>").ok_or("a page without a heading")?,
    };
    let listed = text.split("href=\"/topics/").skip(1).filter_map(|link| {
        Some(Page {
            path: format!("/topics/{}", link.split_once('"')?.0),
            heading: between(link, ">", "</a>")?,
        })
    });
    let pages: Vec<_> = std::iter::once(first).chain(listed).take(PAGES).collect();
    if pages.len() < PAGES {
        return Err("too few topics to read".into());
    }
    Ok(pages)
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (between, _) = rest.split_once(after)?;
    Some(between.to_owned())
}

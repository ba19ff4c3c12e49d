//! What is in the application's folder, and the command that serves it.
//!
//! A pure decision over what a folder holds and which programs are installed
//! ([`Surroundings`]): the first of these that is there decides.
//!
//! | file | what it is | what runs it |
//! |---|---|---|
//! | `Procfile` with a `web:` line | whatever it says | `sh` |
//! | `config.ru` | a Rack application | Puma |
//! | `passenger_wsgi.py`, `wsgi.py` | a WSGI application | gunicorn |
//! | `asgi.py` | an ASGI application | uvicorn |
//! | `package.json` with a start script | a Node application | `sh`, as npm does |
//! | `app.js` | a Node application | Node |
//!
//! The servers are told what we do for them: one process each, as many threads
//! as requests come at a time, no time limits of their own.

mod command_line;
mod node;
mod procfile;
mod python;
mod rack;
mod surroundings;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, fmt, num::NonZeroU32, path::PathBuf};

pub(crate) use self::{
    command_line::CommandLine,
    surroundings::{AppFolder, Surroundings},
};
use crate::{settings::ConcurrencyChoice, start_error::StartError};

/// What the operator asked for, as far as it changes the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    /// The application's environment.
    pub(crate) environment: &'a str,
    /// Requests that one process is to be sent at a time.
    pub(crate) concurrency: ConcurrencyChoice,
    /// Some clients are proxies whose `X-Forwarded-For` is taken over.
    pub(crate) proxies_in_front: bool,
}

/// A command that serves the folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The file that decided.
    pub(crate) file: &'static str,
    /// What it makes the folder: "a Rack application".
    pub(crate) kind: &'static str,
    /// An absolute path.
    pub(crate) program: PathBuf,
    /// `{socket}` in one stands for the socket's path.
    pub(crate) args: Vec<OsString>,
    /// Requests that one process is to be sent at a time; no limit if `None`.
    pub(crate) concurrency: Option<NonZeroU32>,
    /// A folder inside the application's, whose programs come before those in
    /// `PATH`.
    pub(crate) path_first: Option<&'static str>,
    /// Variables that make this server behave, unless the operator set them.
    pub(crate) env: &'static [(&'static str, &'static str)],
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = CommandLine::new(&self.program, &self.args);
        write!(f, "found {}: {}; running `{command}`", self.file, self.kind)
    }
}

/// What one detector says.
#[derive(Debug)]
enum Finding {
    /// Its file is not there.
    Absent,
    /// Its file is there but starts nothing, for this reason.
    Unfit(String),
    /// Its file is there, and this serves it.
    Runs(Plan),
    /// Its file is there, and the program that serves it is not.
    Lacks(Lack),
}

/// A program that is not installed.
#[derive(Debug)]
struct Lack {
    file: &'static str,
    kind: &'static str,
    program: &'static str,
    install: &'static str,
}

type Detector = fn(&dyn Surroundings, &Wishes<'_>) -> Finding;

const DETECTORS: [Detector; 7] = [
    procfile::detect,
    rack::detect,
    python::passenger_wsgi,
    python::wsgi,
    python::asgi,
    node::package_json,
    node::app_js,
];

/// Finds the command that serves the folder.
pub(crate) fn detect(
    surroundings: &dyn Surroundings,
    wishes: &Wishes<'_>,
) -> Result<Plan, StartError> {
    let mut unfit = Vec::new();
    for detector in DETECTORS {
        match detector(surroundings, wishes) {
            Finding::Absent => {}
            Finding::Unfit(reason) => unfit.push(reason),
            Finding::Runs(plan) => return Ok(plan),
            Finding::Lacks(lack) => return Err(lack.into()),
        }
    }
    let but = if unfit.is_empty() {
        String::new()
    } else {
        format!(" ({})", unfit.join("; "))
    };
    Err(StartError::new(format!(
        "{folder} holds no application that I know{but}; I looked for Procfile, config.ru, \
         passenger_wsgi.py, wsgi.py, asgi.py, package.json with a start script, and app.js; \
         name the folder, or say what to run: peregrine start {folder} -- COMMAND",
        folder = surroundings.name()
    )))
}

impl From<Lack> for StartError {
    fn from(lack: Lack) -> Self {
        let Lack {
            file,
            kind,
            program,
            install,
        } = lack;
        Self::new(format!(
            "found {file}: {kind}, but {program}, which would run it, is not installed; \
             {install}, or say what to run after `--`"
        ))
    }
}

/// A server with threads does one request on each.
struct Threads {
    /// How many the server is told to have.
    count: u32,
    /// What the pool keeps to.
    concurrency: Option<NonZeroU32>,
}

impl Threads {
    /// So many threads as requests come at a time: one, unless the operator
    /// says otherwise. Where requests come without limit, threads must have
    /// one, and the server itself queues.
    fn for_wishes(wishes: &Wishes<'_>) -> Self {
        const WITHOUT_LIMIT: u32 = 16;
        let concurrency = wishes.concurrency.or(Some(NonZeroU32::MIN));
        Self {
            count: concurrency.map_or(WITHOUT_LIMIT, NonZeroU32::get),
            concurrency,
        }
    }
}

fn arguments(arguments: &[&str]) -> Vec<OsString> {
    arguments.iter().map(OsString::from).collect()
}

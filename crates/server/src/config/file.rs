use std::{
    borrow::Cow,
    ffi::OsString,
    fs, io,
    path::{self, Path, PathBuf},
};

use clap::Id;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    keys::{Keys, Takes},
    value,
};
use crate::{parent_folder::parent_folder, start_error::StartError};

/// The file that is read without being named, in the application's folder.
const NAME: &str = "peregrine.toml";

/// The key of applications, if there are several.
const APP: &str = "app";

/// A key as it stands in the file.
type Name<'a> = Spanned<Cow<'a, str>>;

/// A configuration file, read.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Of the server, and of what its applications have in common.
    pub(super) options: Vec<Entry>,
    pub(super) apps: Vec<App>,
}

/// An `[[app]]`.
#[derive(Debug)]
pub(super) struct App {
    /// Where it begins.
    pub(super) line: usize,
    /// Which requests are its own.
    pub(super) route: Vec<Entry>,
    pub(super) options: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The option's, in clap.
    pub(super) id: Id,
    /// What it says on the command line.
    pub(super) arguments: Vec<OsString>,
    /// These are the command to run.
    pub(super) is_command: bool,
    /// Where it stands.
    pub(super) line: usize,
}

impl File {
    /// Reads the file in the application's folder, if there is one.
    pub(super) fn in_folder(dir: &Path) -> Result<Option<Self>, StartError> {
        let path = dir.join(NAME);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            // The folder may not be one, which is for others to say.
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, StartError> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Self::parse(path.to_owned(), &text)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn parse(path: PathBuf, text: &str) -> Result<Self, StartError> {
        let reader = Reader {
            // The server may have another current directory than its processes.
            folder: parent_folder(&path)
                .and_then(path::absolute)
                .map_err(|error| unreadable(&path, &error))?,
            path: &path,
            text,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let is_other = path.extension().is_some_and(|it| it != "toml");
            let hint = if is_other { "; it is to be TOML" } else { "" };
            reader.refuse(at, &format!("{}{hint}", error.message()))
        })?;
        let (apps, options): (Vec<_>, Vec<_>) = table
            .get_ref()
            .iter()
            .partition(|(name, _)| name.get_ref() == APP);
        let options = reader.entries(options, &Keys::of_start(), |name| {
            let is_route = Keys::of_route().find(name).is_some();
            is_route.then(|| format!("`{name}` is a key of an `[[{APP}]]`"))
        })?;
        let apps = match apps.first() {
            Some((name, value)) => reader.apps(name.span().start, value.get_ref())?,
            None => Vec::new(),
        };
        Ok(Self {
            path,
            options,
            apps,
        })
    }

    /// An error in the entry of this line.
    pub(super) fn refuse(&self, line: usize, reason: &str) -> StartError {
        at_line(&self.path, line, reason)
    }
}

/// What it takes to read a file and to say where it is wrong.
struct Reader<'a> {
    path: &'a Path,
    folder: PathBuf,
    text: &'a str,
}

impl Reader<'_> {
    fn apps(&self, at: usize, value: &DeValue<'_>) -> Result<Vec<App>, StartError> {
        let apps = value
            .as_array()
            .ok_or_else(|| self.refuse(at, "write each application as `[[app]]`"))?;
        apps.iter().map(|app| self.app(app)).collect()
    }

    fn app(&self, app: &Spanned<DeValue<'_>>) -> Result<App, StartError> {
        let at = app.span().start;
        let table = app.get_ref().as_table();
        let table = table.ok_or_else(|| self.refuse(at, "write each application as `[[app]]`"))?;
        let (of_route, of_app, of_start) = (Keys::of_route(), Keys::of_app(), Keys::of_start());
        let (route, options): (Vec<_>, Vec<_>) = table
            .iter()
            .partition(|(name, _)| of_route.find(name.get_ref()).is_some());
        Ok(App {
            line: self.line(at),
            route: self.entries(route, &of_route, |_| None)?,
            options: self.entries(options, &of_app, |name| {
                let is_known = of_start.find(name).is_some();
                is_known.then(|| {
                    format!(
                        "`{name}` is for the whole server; write it above the first `[[{APP}]]`"
                    )
                })
            })?,
        })
    }

    /// In the order in which they stand. `elsewhere` says where keys belong that
    /// are none of `keys`.
    fn entries(
        &self,
        table: Vec<(&Name<'_>, &Spanned<DeValue<'_>>)>,
        keys: &Keys,
        elsewhere: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<Entry>, StartError> {
        let mut entries: Vec<_> = table
            .into_iter()
            .map(|(name, value)| self.entry(name, value, keys, &elsewhere))
            .collect::<Result<_, _>>()?;
        // The table is sorted by name.
        entries.sort_by_key(|entry| entry.line);
        Ok(entries)
    }

    fn entry(
        &self,
        name: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
        keys: &Keys,
        elsewhere: impl Fn(&str) -> Option<String>,
    ) -> Result<Entry, StartError> {
        let at = name.span().start;
        let name = name.get_ref();
        let Some(key) = keys.find(name) else {
            let reason = elsewhere(name).unwrap_or_else(|| match value.get_ref() {
                DeValue::Table(_) => format!(
                    "unknown table `[{name}]`; its keys stand above all tables, or in an `[[{APP}]]`"
                ),
                _ => unknown(name, keys),
            });
            return Err(self.refuse(at, &reason));
        };
        let arguments = value::arguments(key, value.get_ref(), &self.folder)
            .map_err(|takes| self.refuse(at, &format!("`{name}` {takes}")))?;
        Ok(Entry {
            id: key.id().clone(),
            arguments,
            is_command: key.takes() == Takes::Words,
            line: self.line(at),
        })
    }

    fn refuse(&self, at: usize, reason: &str) -> StartError {
        at_line(self.path, self.line(at), reason)
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}

fn unknown(name: &str, keys: &Keys) -> String {
    match keys.similar(name) {
        Some(similar) if keys.find(&similar).is_some() => {
            format!("unknown field `{name}`, expected `{similar}`")
        }
        _ => format!(
            "unknown field `{name}`, expected an option that `peregrine start --help` lists"
        ),
    }
}

fn at_line(path: &Path, line: usize, reason: &str) -> StartError {
    StartError::new(format!("{}:{line}: {reason}", path.display()))
}

fn unreadable(path: &Path, error: &io::Error) -> StartError {
    StartError::new(format!(
        "cannot read the configuration file {}: {error}",
        path.display()
    ))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

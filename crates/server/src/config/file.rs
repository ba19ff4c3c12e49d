use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
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
use crate::start_error::StartError;

/// The file that is read without being named, in the application's folder.
const NAME: &str = "peregrine.toml";

/// A configuration file, read.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
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
            folder: std::path::absolute(path.parent().unwrap_or(&path))
                .map_err(|error| unreadable(&path, &error))?,
            path: &path,
            text,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reader.refuse(at, error.message())
        })?;
        let options = reader.entries(table.get_ref(), &Keys::of_start())?;
        Ok(Self { path, options })
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
    fn entries(&self, table: &DeTable<'_>, keys: &Keys) -> Result<Vec<Entry>, StartError> {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(name, value)| self.entry(name, value, keys))
            .collect::<Result<_, _>>()?;
        // The table is sorted by name.
        entries.sort_by_key(|entry| entry.line);
        Ok(entries)
    }

    fn entry(
        &self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        keys: &Keys,
    ) -> Result<Entry, StartError> {
        let at = name.span().start;
        let name = name.get_ref();
        let Some(key) = keys.find(name) else {
            let instead = match keys.similar(name) {
                Some(similar) if keys.find(&similar).is_some() => {
                    format!("expected `{similar}`")
                }
                _ => "expected an option that `peregrine start --help` lists".to_owned(),
            };
            return Err(self.refuse(at, &format!("unknown field `{name}`, {instead}")));
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

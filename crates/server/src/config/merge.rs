use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Id, Parser,
    error::{Error, ErrorKind},
    parser::ValueSource,
};

use super::{
    file::{App, Entry, File},
    keys::Keys,
};
use crate::{
    cli::{Cli, Command, RouteOptions, SiteOptions, refusal},
    start_error::StartError,
};

/// What ends a command line that is not carried out: a text that was asked for,
/// or what is wrong with it.
type Answer = Result<String, StartError>;

/// Reads a command line, and the configuration file that goes with it. What the
/// command line says goes before the file.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, Answer> {
    let strict = Cli::command().try_get_matches_from(arguments);
    let matches = match &strict {
        Ok(matches) => matches.clone(),
        // The file may have what is missing.
        Err(error) if is_about_others(error) => Cli::command()
            .ignore_errors(true)
            .try_get_matches_from(arguments)
            .map_err(|error| refusal(&error))?,
        Err(error) => return Err(refusal(error)),
    };
    let file = match matches.subcommand() {
        Some(("start", said)) => find(said).map_err(Err)?.map(|file| (file, said)),
        _ => None,
    };
    match file {
        Some((file, said)) => merge(arguments, said, &file).map_err(Err),
        None => strict
            .and_then(|matches| Cli::from_arg_matches(&matches))
            .map_err(|error| refusal(&error)),
    }
}

/// The file that was named, or else the one in the application's folder.
fn find(said: &ArgMatches) -> Result<Option<File>, StartError> {
    if let Some(path) = said.get_one::<PathBuf>("config") {
        return File::read(path).map(Some);
    }
    match said.get_one::<PathBuf>("dir") {
        Some(dir) if !is_said(said, "upstream") => File::in_folder(dir),
        _ => Ok(None),
    }
}

fn merge(arguments: &[OsString], said: &ArgMatches, file: &File) -> Result<Cli, StartError> {
    let both = Both {
        arguments: arguments.split_at(arguments.len().min(2)),
        said,
        file,
        keys: Keys::of_start(),
    };
    both.check(&file.options)?;
    let mut cli = both.parse(&[&file.options])?;
    if !file.apps.is_empty() {
        both.has_no_other_application()?;
        let sites = file.apps.iter().map(|app| both.site(app));
        let sites = sites.collect::<Result<_, _>>()?;
        if let Command::Start(options) = &mut cli.command {
            options.sites = sites;
        }
    }
    Ok(cli)
}

/// A command line and a file.
struct Both<'a> {
    /// Up to the subcommand, and what follows.
    arguments: (&'a [OsString], &'a [OsString]),
    said: &'a ArgMatches,
    file: &'a File,
    keys: Keys,
}

impl Both<'_> {
    /// What an `[[app]]` says goes before what stands above all of them.
    fn site(&self, app: &App) -> Result<SiteOptions, StartError> {
        self.check(&app.options)?;
        for entry in &app.route {
            check(Keys::of_route().command(), "app".as_ref(), entry)
                .map_err(|reason| self.file.refuse(entry.line, &reason.to_string()))?;
        }
        let route = app.route.iter().flat_map(|entry| &entry.arguments);
        let route = [OsString::from("app")]
            .iter()
            .chain(route)
            .cloned()
            .collect::<Vec<_>>();
        let route = Keys::of_route()
            .command()
            .try_get_matches_from(route)
            .and_then(|matches| RouteOptions::from_arg_matches(&matches))
            .map_err(|_| self.file.refuse(app.line, "this `[[app]]` needs a `name`"))?;
        let says = |id: &str| app.options.iter().any(|entry| entry.id.as_str() == id);
        if !says("dir") && !says("upstream") {
            let reason = "this `[[app]]` needs a `dir`, or an `upstream`";
            return Err(self.file.refuse(app.line, reason));
        }
        match self.parse(&[&app.options, &self.file.options])?.command {
            Command::Start(options) => Ok(SiteOptions {
                route,
                app: options.app,
            }),
            _ => Err(self.file.refuse(app.line, "is no application")),
        }
    }

    fn has_no_other_application(&self) -> Result<(), StartError> {
        let why = "the file has several applications, each with its own";
        for id in ["dir", "command", "upstream"] {
            if let Some(entry) = self
                .file
                .options
                .iter()
                .find(|entry| entry.id.as_str() == id)
            {
                let reason = format!("`{id}` belongs into an `[[app]]`: {why}");
                return Err(self.file.refuse(entry.line, &reason));
            }
            if is_said(self.said, id) {
                let file = self.file.path().display();
                return Err(StartError::new(format!(
                    "name no application on the command line, but --config {file}: {why}"
                )));
            }
        }
        Ok(())
    }

    /// Whether each entry could stand on the command line.
    fn check(&self, entries: &[Entry]) -> Result<(), StartError> {
        for entry in entries.iter().filter(|entry| !entry.is_command) {
            check(self.keys.command(), "start".as_ref(), entry)
                .map_err(|reason| self.file.refuse(entry.line, &reason.to_string()))?;
        }
        Ok(())
    }

    /// The command line with what it does not say from `layers`, of which the first
    /// goes before the others.
    fn parse(&self, layers: &[&[Entry]]) -> Result<Cli, StartError> {
        let entries = self.unsaid(layers);
        let (subcommand, rest) = self.arguments;
        let mut merged = subcommand.to_vec();
        let options = entries.iter().filter(|entry| !entry.is_command);
        merged.extend(options.flat_map(|entry| entry.arguments.clone()));
        if !is_said(self.said, "config") {
            let mut config = OsString::from("--config=");
            config.push(self.file.path());
            merged.push(config);
        }
        merged.extend_from_slice(rest);
        if let Some(command) = entries.iter().find(|entry| entry.is_command) {
            if !rest.iter().any(|argument| argument == OsStr::new("--")) {
                merged.push("--".into());
            }
            merged.extend(command.arguments.clone());
        }
        Cli::try_parse_from(merged).map_err(|error| {
            if let Some(clash) = self.clash(&entries) {
                return clash;
            }
            let file = self.file.path().display();
            let says = if self.has_options() {
                "and the command line say so together"
            } else {
                "says so"
            };
            StartError::new(format!("{}; {file} {says}", reason(&error)))
        })
    }

    /// Whether the command line says more than what to serve.
    fn has_options(&self) -> bool {
        let is_place = |id: &Id| ["config", "dir", "dry_run"].contains(&id.as_str());
        let mut ids = self.said.ids().filter(|id| !is_place(id));
        ids.any(|id| is_said(self.said, id.as_str()))
    }

    /// Two entries of the file that cannot stand together, whatever the command line
    /// says.
    fn clash(&self, entries: &[&Entry]) -> Option<StartError> {
        entries.iter().enumerate().find_map(|(at, later)| {
            let mut before = entries[..at].iter();
            let other = before.find(|other| self.keys.conflict(&other.id, &later.id))?;
            let (one, other, line) = (
                self.keys.name_of(&later.id),
                self.keys.name_of(&other.id),
                other.line,
            );
            let reason = format!("`{one}` cannot stand beside `{other}`, in line {line}");
            Some(self.file.refuse(later.line, &reason))
        })
    }

    /// Whether what was `said` takes what the file says out of force, which is about
    /// something else. That there is an upstream is not forgotten for the sake of an
    /// option of processes: only for another application.
    fn excludes(&self, said: &Id, other: &Id) -> bool {
        let is_application = |id: &Id| ["dir", "command"].contains(&id.as_str());
        self.keys.conflict(said, other) && (other.as_str() != "upstream" || is_application(said))
    }

    /// What goes before something goes also before what cannot stand beside it.
    fn unsaid<'e>(&self, layers: &[&'e [Entry]]) -> Vec<&'e Entry> {
        let mut taken: Vec<_> = self
            .said
            .ids()
            .filter(|id| is_said(self.said, id.as_str()))
            .cloned()
            .collect();
        let mut unsaid = Vec::new();
        for layer in layers {
            let free: Vec<_> = layer
                .iter()
                .filter(|entry| {
                    let excludes = |id: &Id| *id == entry.id || self.excludes(id, &entry.id);
                    !taken.iter().any(excludes)
                })
                .collect();
            taken.extend(free.iter().map(|entry| entry.id.clone()));
            unsaid.extend(free);
        }
        unsaid
    }
}

/// Whether one option of the file could stand on the command line, whatever
/// others there are.
fn check(command: clap::Command, name: &OsStr, entry: &Entry) -> Result<(), StartError> {
    let alone = [&[name.to_owned()], &*entry.arguments].concat();
    match command.try_get_matches_from(alone) {
        Err(error) if !is_about_others(&error) => Err(reason(&error)),
        _ => Ok(()),
    }
}

fn reason(error: &Error) -> StartError {
    refusal(error).map_or_else(|reason| reason, StartError::new)
}

/// Whether it is wrong how options go together, not an option.
fn is_about_others(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict
    )
}

fn is_said(said: &ArgMatches, id: &str) -> bool {
    said.value_source(id) == Some(ValueSource::CommandLine)
}

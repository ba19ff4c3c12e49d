use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{
    ArgMatches, CommandFactory, FromArgMatches, Parser,
    error::{Error, ErrorKind},
    parser::ValueSource,
};

use super::file::File;
use crate::{
    cli::{Cli, refusal},
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
    let (subcommand, rest) = arguments.split_at(arguments.len().min(2));
    for entry in &file.options {
        if !entry.is_command {
            check(subcommand, &entry.arguments)
                .map_err(|reason| file.refuse(entry.line, &reason.to_string()))?;
        }
    }
    let unsaid = || {
        let entries = file.options.iter();
        entries.filter(|entry| !is_said(said, entry.id.as_str()))
    };
    let mut merged = subcommand.to_vec();
    let options = unsaid().filter(|entry| !entry.is_command);
    merged.extend(options.flat_map(|entry| entry.arguments.clone()));
    if !is_said(said, "config") {
        let mut config = OsString::from("--config=");
        config.push(file.path());
        merged.push(config);
    }
    merged.extend_from_slice(rest);
    if let Some(command) = unsaid().find(|entry| entry.is_command) {
        if !rest.iter().any(|argument| argument == OsStr::new("--")) {
            merged.push("--".into());
        }
        merged.extend(command.arguments.clone());
    }
    Cli::try_parse_from(merged).map_err(|error| match refusal(&error) {
        Err(reason) => StartError::new(format!(
            "{reason}; {} and the command line say so together",
            file.path().display()
        )),
        Ok(text) => StartError::new(text),
    })
}

/// Whether one option of the file could stand on the command line, whatever
/// others there are.
fn check(subcommand: &[OsString], arguments: &[OsString]) -> Result<(), StartError> {
    let alone = [subcommand, arguments].concat();
    match Cli::command().try_get_matches_from(alone) {
        Err(error) if !is_about_others(&error) => Err(match refusal(&error) {
            Err(reason) => reason,
            Ok(text) => StartError::new(text),
        }),
        _ => Ok(()),
    }
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

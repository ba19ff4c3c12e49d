use std::{any::TypeId, path::PathBuf};

use clap::{
    Arg, ArgAction, Args, Command, CommandFactory, Id,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::cli::{AppOptions, Cli, Mapping, RouteOptions};

/// What makes sense on the command line only.
const NOT_IN_A_FILE: [&str; 3] = ["config", "dry_run", "help"];

/// The keys that a table of the file may have: the options of a command.
#[derive(Debug)]
pub(super) struct Keys(Command);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a>(&'a Arg);

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// `true`, or `false` as if it were not there.
    Flag,
    /// A text or a number.
    One,
    /// As many as one likes; one may stand alone.
    Many,
    /// Names and their values.
    Pairs,
    /// A program and its arguments.
    Words,
}

impl Keys {
    /// Those of `peregrine start`.
    pub(super) fn of_start() -> Self {
        let mut cli = Cli::command();
        // Only then it is known what each option takes.
        cli.build();
        let start = cli.find_subcommand("start").cloned();
        Self(start.unwrap_or_default())
    }

    /// Of these, those that an `[[app]]` may have for itself.
    pub(super) fn of_app() -> Self {
        Self::of::<AppOptions>()
    }

    /// Those that an `[[app]]` has and the command line has not.
    pub(super) fn of_route() -> Self {
        Self::of::<RouteOptions>()
    }

    fn of<A: Args>() -> Self {
        let command = Command::new("app").disable_help_flag(true);
        let mut command = A::augment_args(command);
        command.build();
        Self(command)
    }

    pub(super) fn command(&self) -> Command {
        self.0.clone()
    }

    /// As the file calls the option.
    pub(super) fn name_of<'a>(&'a self, id: &'a Id) -> &'a str {
        let key = self.iter().find(|key| key.id() == id);
        key.map_or(id.as_str(), Key::name)
    }

    /// Whether two options cannot stand together.
    pub(super) fn conflict(&self, one: &Id, other: &Id) -> bool {
        let excludes = |one: &Id, other: &Id| {
            let arg = self.0.get_arguments().find(|arg| arg.get_id() == one);
            arg.is_some_and(|arg| {
                let excluded = self.0.get_arg_conflicts_with(arg);
                excluded.iter().any(|arg| arg.get_id() == other)
            })
        };
        excludes(one, other) || excludes(other, one)
    }

    pub(super) fn find(&self, name: &str) -> Option<Key<'_>> {
        self.iter().find(|key| key.name() == name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Key<'_>> {
        let in_a_file = |arg: &&Arg| !NOT_IN_A_FILE.contains(&arg.get_id().as_str());
        self.0.get_arguments().filter(in_a_file).map(Key)
    }

    /// The key that was probably meant.
    pub(super) fn similar(&self, name: &str) -> Option<String> {
        let asked = [self.0.get_name().to_owned(), format!("--{name}")];
        let error = self.0.clone().try_get_matches_from(asked).err()?;
        if error.kind() != ErrorKind::UnknownArgument {
            return None;
        }
        match error.get(ContextKind::SuggestedArg)? {
            ContextValue::String(option) => Some(option.trim_start_matches("--").to_owned()),
            _ => None,
        }
    }
}

impl<'a> Key<'a> {
    /// As the command line calls it, without the dashes.
    pub(super) fn name(self) -> &'a str {
        self.0
            .get_long()
            .unwrap_or_else(|| self.0.get_id().as_str())
    }

    /// The option.
    #[cfg(test)]
    pub(super) const fn arg(self) -> &'a Arg {
        self.0
    }

    pub(super) fn id(self) -> &'a Id {
        self.0.get_id()
    }

    /// It has no name on the command line, but a place.
    pub(super) fn is_positional(self) -> bool {
        self.0.is_positional()
    }

    pub(super) fn is_path(self) -> bool {
        self.0.get_value_parser().type_id() == TypeId::of::<PathBuf>()
    }

    /// A path of requests, and the folder that it stands for.
    pub(super) fn is_mapping(self) -> bool {
        self.0.get_value_parser().type_id() == TypeId::of::<Mapping>()
    }

    pub(super) fn takes(self) -> Takes {
        let is_pair = self
            .0
            .get_value_names()
            .is_some_and(|names| names.iter().any(|name| name.as_str() == "NAME=VALUE"));
        match self.0.get_action() {
            ArgAction::Append if is_pair => Takes::Pairs,
            ArgAction::Append if self.is_positional() => Takes::Words,
            ArgAction::Append => Takes::Many,
            ArgAction::SetTrue => Takes::Flag,
            _ => Takes::One,
        }
    }
}

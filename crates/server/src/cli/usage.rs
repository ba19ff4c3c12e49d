use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::hints::hint;
use crate::start_error::StartError;

/// What to do about a command line that clap did not turn into options:
/// `Ok(text)` is what was asked for (`--help`, `--version`), anything else is
/// a refusal.
///
/// clap explains a wrong option in several lines: what is wrong, tips if it has
/// any, the usage. What is wrong and the first tip make our one line.
pub(crate) fn refusal(error: &Error) -> Result<String, StartError> {
    let text = error.render().to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return Ok(text);
    }
    let more = "for more, try `--help`";
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Err(StartError::new(format!(
            "say what to do: demo, start or status; {more}"
        )));
    }
    let mut lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .peekable();
    let mut wrong = Vec::new();
    while let Some(line) = lines.next_if(|line| !line.starts_with("tip: ")) {
        wrong.push(line.trim_start_matches("error: "));
    }
    let tip = lines.next().map(|tip| tip.trim_start_matches("tip: "));
    // Of an option that is none it only says how to pass it on to a command.
    let tip = tip.filter(|tip| !tip.ends_with('\'') || !tip.contains("as a value"));
    let tip = unknown(error).and_then(hint).or(tip);
    Err(StartError::new(match tip {
        Some(tip) => format!("{}; {tip}; {more}", wrong.join(" ")),
        None => format!("{}; {more}", wrong.join(" ")),
    }))
}

/// The option or the command that there is none of.
fn unknown(error: &Error) -> Option<&str> {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return None,
    };
    match error.get(kind)? {
        ContextValue::String(word) => Some(word),
        _ => None,
    }
}

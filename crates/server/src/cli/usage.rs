use clap::error::{Error, ErrorKind};

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
    Err(StartError::new(match tip {
        Some(tip) => format!("{}; {tip}; {more}", wrong.join(" ")),
        None => format!("{}; {more}", wrong.join(" ")),
    }))
}

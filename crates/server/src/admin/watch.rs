//! `peregrine status --watch`.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use tokio::time::sleep;

use super::{
    AdminError,
    client::{self, View},
    places::Places,
};

/// How long a page stands.
const PERIOD: Duration = Duration::from_secs(1);

/// Shows a server's status anew each second: in place on a terminal, one after the
/// other in a file or a pipe. Ends when nobody reads it any more, and fails when
/// the server does not answer any more.
pub(crate) async fn watch(socket: Option<&Path>, view: View) -> Result<(), AdminError> {
    let socket = client::choose(&Places::of_this_user(), socket).await?;
    let mut stdout = io::stdout();
    let in_place = stdout.is_terminal();
    loop {
        let page = client::look(&socket, view).await?;
        let page = match (view.json, in_place) {
            (true, _) => on_a_line(&page),
            (false, true) => over_the_last(&page),
            (false, false) => page + "\n",
        };
        let written = stdout.write_all(page.as_bytes());
        if written.and_then(|()| stdout.flush()).is_err() {
            return Ok(());
        }
        sleep(PERIOD).await;
    }
}

/// JSON Lines. No text in JSON holds a line break as such.
fn on_a_line(json: &str) -> String {
    let lines = json.lines().map(str::trim_start);
    lines.collect::<String>() + "\n"
}

/// From the upper left corner, each line to its end, and then the rest: without
/// the flicker that clearing it all at once would be. ECMA-48: CUP, EL, ED.
fn over_the_last(page: &str) -> String {
    let lines = page.lines().map(|line| format!("{line}\x1b[K\n"));
    format!("\x1b[H{}\x1b[J", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_json_becomes_a_line() {
        let json = "{\n  \"a\": [\n    1,\n    \"x  \\n y\"\n  ]\n}\n";
        assert_eq!(on_a_line(json), "{\"a\": [1,\"x  \\n y\"]}\n");
    }

    #[test]
    fn a_page_is_written_over_the_one_before() {
        assert_eq!(over_the_last("a\nb\n"), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
    }
}

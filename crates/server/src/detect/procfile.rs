use std::num::NonZeroU32;

use super::{Finding, Lack, Plan, Surroundings, Wishes, arguments};

const FILE: &str = "Procfile";
const KIND: &str = "its web line says what to run";

/// The `web:` line, read by a shell. What it starts listens on `PORT`.
pub(super) fn detect(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    let Some(text) = surroundings.read(FILE) else {
        return Finding::Absent;
    };
    let Some(command) = web_line(&text) else {
        return Finding::Unfit("its Procfile has no web line".to_owned());
    };
    let Some(program) = surroundings.program("sh") else {
        return Finding::Lacks(Lack {
            file: FILE,
            kind: KIND,
            program: "sh",
            install: "install a shell",
        });
    };
    Finding::Runs(Plan {
        file: FILE,
        kind: KIND,
        program,
        args: arguments(&["-c", command]),
        concurrency: wishes.concurrency.or(Some(NonZeroU32::MIN)),
        path_first: None,
        env: &[],
    })
}

fn web_line(text: &str) -> Option<&str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim_end() == "web")
        .map(|(_, command)| command.trim())
        .filter(|command| !command.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_line_is_found_among_others() {
        let cases = [
            ("alone", "web: puma -p $PORT", Some("puma -p $PORT")),
            (
                "among others",
                "# how it runs\nworker: sidekiq\nweb:  node app.js  \n",
                Some("node app.js"),
            ),
            ("colons inside", "web: run a:b", Some("run a:b")),
            ("windows line ends", "web: run\r\nx: y\r\n", Some("run")),
            ("a comment", "# web: puma", None),
            ("another name", "webapp: run", None),
            ("no command", "web:\n", None),
            ("nothing", "", None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(web_line(text), expected, "{name}");
        }
    }
}

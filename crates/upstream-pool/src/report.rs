use std::{
    fmt, io,
    path::PathBuf,
    process::ExitStatus,
    time::{Duration, SystemTime},
};

use crate::process::NotOurs;

/// Why a process did not start, or did not live long enough to serve: what an
/// operator needs to put it right.
///
/// [`Display`](fmt::Display) writes it over several lines. Of the environment it
/// has only values that are no secrets.
#[derive(Debug)]
pub struct StartReport {
    pub(crate) command: String,
    pub(crate) dir: Option<PathBuf>,
    /// Without secrets.
    pub(crate) env: Vec<String>,
    /// Where the process was to listen.
    pub(crate) address: String,
    pub(crate) failure: Failure,
    pub(crate) output: Vec<String>,
    pub(crate) took: Duration,
    pub(crate) at: SystemTime,
}

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operating system could not run the command.
    Spawn(io::Error),
    /// The process ended before it had answered.
    Exited(Option<ExitStatus>),
    /// The process did not answer in time; what the last attempt met.
    TimedOut(String),
    /// The process answered, but not as it should.
    Useless(String),
    /// Another program listened where the process should.
    PortTaken(NotOurs),
    /// The process was ready, and ended before it had served anything.
    DiedYoung(Option<ExitStatus>),
}

impl StartReport {
    /// The command line, as one would type it.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The directory in which the command ran, if one was set.
    pub fn directory(&self) -> Option<&std::path::Path> {
        self.dir.as_deref()
    }

    /// What was added to the environment, as `NAME=VALUE`, sorted. Where a value
    /// may be a secret, as of any variable that is not known to be harmless, it
    /// is `…`.
    pub fn environment(&self) -> &[String] {
        &self.env
    }

    /// How the process ended, if it did.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        match self.failure {
            Failure::Exited(status) | Failure::DiedYoung(status) => status,
            Failure::Spawn(_)
            | Failure::TimedOut(_)
            | Failure::Useless(_)
            | Failure::PortTaken(_) => None,
        }
    }

    /// Whether the process ran, but did not answer within the start timeout.
    pub fn timed_out(&self) -> bool {
        matches!(self.failure, Failure::TimedOut(_))
    }

    /// Whether another program listened on the port that the process was told to
    /// listen on, or it could not be told who did. A start tries another port up to
    /// twice before it fails with this.
    pub fn is_port_taken(&self) -> bool {
        matches!(self.failure, Failure::PortTaken(_))
    }

    /// The last lines that the process wrote to its standard output and
    /// standard error: 50 at most, 16 KiB at most.
    pub fn output(&self) -> &[String] {
        &self.output
    }

    /// From the start of the command to its failure.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// When it failed.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// What went wrong, in a sentence.
    pub fn reason(&self) -> String {
        match &self.failure {
            Failure::Spawn(error) => format!("it could not be run: {error}"),
            Failure::Exited(status) => {
                format!("it ended before it answered, with {}", named(*status))
            }
            Failure::TimedOut(last) => format!("it did not answer in time: {last}"),
            Failure::Useless(why) => why.clone(),
            Failure::PortTaken(not_ours) => not_ours.to_string(),
            Failure::DiedYoung(status) => {
                format!(
                    "it ended before it had served anything, with {}",
                    named(*status)
                )
            }
        }
    }

    /// What to do about it, in a sentence.
    pub fn advice(&self) -> String {
        match &self.failure {
            Failure::Spawn(_) if self.dir.as_ref().is_some_and(|dir| !dir.is_dir()) => {
                "The directory does not exist: create it, or name another one.".into()
            }
            Failure::Spawn(error) => match error.kind() {
                io::ErrorKind::NotFound => {
                    "Is it installed, and in PATH? Otherwise name it with its full path.".into()
                }
                io::ErrorKind::PermissionDenied => {
                    "Make the file executable, or name the interpreter that runs it.".into()
                }
                _ => "Run the command by hand to learn more.".into(),
            },
            // 127 and 126 are a shell's own words: POSIX, Shell Command
            // Language, §2.8.2.
            Failure::Exited(Some(status)) if status.code() == Some(127) => {
                "A command that it runs was not found: is it installed, and in PATH?".into()
            }
            Failure::Exited(Some(status)) if status.code() == Some(126) => {
                "A command that it runs is not executable.".into()
            }
            Failure::Exited(Some(status)) if status.success() => {
                "It must stay in the foreground: turn off its daemon mode.".into()
            }
            Failure::Exited(_) if self.output.is_empty() => {
                "It wrote nothing: run the command by hand to learn more.".into()
            }
            Failure::Exited(_) | Failure::DiedYoung(_) | Failure::Useless(_) => {
                "Its own output says why: see above.".into()
            }
            Failure::PortTaken(_) => "The next start gets another port. If the command has another program listen, such as a container's, run that by itself and name its address as the upstream; and {socket} in the command needs no port at all.".into(),
            Failure::TimedOut(_) => format!(
                "It must listen on {} and answer HTTP there; if it only needs longer, raise the start timeout.",
                self.address
            ),
        }
    }
}

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.command, self.reason())?;
        if let Some(dir) = &self.dir {
            writeln!(f, "directory: {}", dir.display())?;
        }
        if !self.env.is_empty() {
            writeln!(f, "environment: {}", self.env.join(" "))?;
        }
        writeln!(f, "after: {:.1} s", self.took.as_secs_f64())?;
        if self.output.is_empty() {
            writeln!(f, "output: none")?;
        } else {
            writeln!(f, "output:")?;
            for line in &self.output {
                writeln!(f, "  {line}")?;
            }
        }
        f.write_str(&self.advice())
    }
}

impl std::error::Error for StartReport {}

/// `exit status: 1`, `signal: 9 (SIGKILL)`.
fn named(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "an unknown status".into(), |status| status.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn report(failure: Failure, output: &[&str]) -> StartReport {
        StartReport {
            command: "puma -C config.rb".into(),
            dir: None,
            env: vec!["RACK_ENV=test".into()],
            address: "127.0.0.1:4000".into(),
            failure,
            output: output.iter().map(ToString::to_string).collect(),
            took: Duration::from_millis(1230),
            at: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_operator_reads_what_happened_and_what_to_do() {
        let exited = |code: i32| Failure::Exited(Some(ExitStatus::from_raw(code << 8)));
        let spawn = |kind| Failure::Spawn(io::Error::from(kind));
        let cases: [(&str, Failure, &[&str], &str, &str); 8] = [
            (
                "a program that is not there",
                spawn(io::ErrorKind::NotFound),
                &[],
                "could not be run",
                "in PATH",
            ),
            (
                "a file that cannot be run",
                spawn(io::ErrorKind::PermissionDenied),
                &[],
                "could not be run",
                "executable",
            ),
            (
                "an exit with words",
                exited(1),
                &["LoadError"],
                "exit status: 1",
                "see above",
            ),
            (
                "an exit without words",
                exited(1),
                &[],
                "exit status: 1",
                "by hand",
            ),
            (
                "a shell that found no command",
                exited(127),
                &["sh: x"],
                "exit status: 127",
                "not found",
            ),
            (
                "a page that fails",
                Failure::Useless("GET / was answered with 500".into()),
                &["no such table"],
                "answered with 500",
                "see above",
            ),
            ("a daemon", exited(0), &[], "exit status: 0", "foreground"),
            (
                "silence",
                Failure::TimedOut("connection refused".into()),
                &[],
                "connection refused",
                "listen on 127.0.0.1:4000",
            ),
        ];
        for (name, failure, output, reason, advice) in cases {
            let report = report(failure, output);
            let text = report.to_string();
            assert!(text.contains(reason), "{name}: {text}");
            assert!(report.advice().contains(advice), "{name}: {text}");
            assert!(text.contains("1.2 s"), "{name}: {text}");
            assert!(text.contains("environment: RACK_ENV=test"), "{name}");
            assert!(output.iter().all(|line| text.contains(line)), "{name}");
        }
    }
}

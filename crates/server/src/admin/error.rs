use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::{client::Failure, problem::Problem};

/// Why a server did not do what an operator asked for, for the operator.
#[derive(Debug)]
pub(crate) struct AdminError {
    message: String,
    exit_status: u8,
    absent: bool,
}

impl AdminError {
    /// 1 if no server runs, or if it could not do it; 2 if the question has to
    /// be put differently.
    pub(crate) const fn exit_status(&self) -> u8 {
        self.exit_status
    }

    /// What was asked about is not there: the server, or its process.
    pub(crate) const fn is_absent(&self) -> bool {
        self.absent
    }

    pub(super) fn none() -> Self {
        Self {
            message: "no server of yours is running; start one, or name its socket with \
                      --admin-socket PATH"
                .to_owned(),
            exit_status: 1,
            absent: true,
        }
    }

    pub(super) fn several(servers: &[(PathBuf, String)]) -> Self {
        let mut lines = vec![format!(
            "{} servers are running; choose one with --admin-socket PATH:",
            servers.len()
        )];
        lines.extend(
            servers
                .iter()
                .map(|(socket, server)| format!("  {}  {server}", socket.display())),
        );
        Self {
            message: lines.join("\n"),
            exit_status: 2,
            absent: false,
        }
    }

    /// Where nobody listens, no server runs: the socket goes with one that stops, and
    /// takes no connection any more when one was killed.
    pub(super) fn silent(socket: &Path, error: &Failure) -> Self {
        let absent = error.downcast_ref::<io::Error>().is_some_and(|error| {
            let kind = error.kind();
            matches!(
                kind,
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            )
        });
        Self {
            message: format!(
                "the server at {} does not answer: {error}; check that it runs, and that it is \
                 of this version",
                socket.display()
            ),
            exit_status: 2,
            absent,
        }
    }

    pub(super) fn refused(problem: Problem) -> Self {
        let absent = problem.code == Problem::UNKNOWN_PROCESS;
        let mut message = problem.detail;
        for line in problem.report.iter().flat_map(|report| report.lines()) {
            message.push_str("\n  ");
            message.push_str(line);
        }
        Self {
            message,
            exit_status: 1,
            absent,
        }
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AdminError {}

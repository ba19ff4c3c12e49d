use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// What an argument holds in place of the path of the socket.
const SOCKET: &[u8] = b"{socket}";

/// The variables whose values may be shown: those that say in which surroundings
/// an application runs. Any other may hold a secret.
const HARMLESS: [&str; 12] = [
    "APP_ENV",
    "HOME",
    "LANG",
    "LOGNAME",
    "NODE_ENV",
    "PATH",
    "RACK_ENV",
    "RAILS_ENV",
    "SHELL",
    "TZ",
    "USER",
    "WSGI_ENV",
];

/// The command that starts one process of an application.
///
/// The process contract: where an argument contains `{socket}`, each process
/// gets the path of a Unix socket of its own there; otherwise each gets a free
/// loopback port in the environment variable `PORT`, and is to listen on
/// `127.0.0.1`, itself or by what it starts. Nothing else is set: the process
/// inherits this one's environment, with what [`env`](Self::env) adds.
///
/// ```
/// use peregrine_upstream_pool::AppCommand;
///
/// let puma = AppCommand::new("puma")
///     .args(["-b", "unix://{socket}"])
///     .current_dir("/srv/forum")
///     .env("RACK_ENV", "production");
/// assert!(puma.takes_socket());
/// assert_eq!(puma.to_string(), "puma -b unix://{socket}");
///
/// // Whoever logs a command does not log the secrets in its environment.
/// assert!(!format!("{puma:?}").contains("production"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct AppCommand {
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    launcher: Vec<OsString>,
    socket_owner: Option<u32>,
}

impl AppCommand {
    /// A command that runs `program`, which is looked up in `PATH` unless it
    /// has a slash.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            launcher: Vec::new(),
            socket_owner: None,
        }
    }

    /// Adds an argument. Each `{socket}` in it becomes the socket's path.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments, as [`arg`](Self::arg) does.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The directory in which the process starts. Default: this process's.
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets an environment variable, over one that is inherited.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets several environment variables, as [`env`](Self::env) does.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let vars = vars.into_iter().map(|(n, v)| (n.into(), v.into()));
        self.env.extend(vars);
        self
    }

    /// A command that is put before this one in each process, and is to replace
    /// itself by it: one that changes limits, or the user. Nobody sees it where
    /// this command is shown. Default: none.
    pub fn launcher<A: Into<OsString>>(mut self, words: impl IntoIterator<Item = A>) -> Self {
        self.launcher = words.into_iter().map(Into::into).collect();
        self
    }

    /// The user, by number, who may create sockets where `{socket}` says:
    /// whoever the [`launcher`](Self::launcher) makes of the process. Only root
    /// can give them to another user. Default: this process's.
    pub const fn socket_owner(mut self, uid: u32) -> Self {
        self.socket_owner = Some(uid);
        self
    }

    /// Whether the process gets a Unix socket; otherwise it gets a `PORT`.
    pub fn takes_socket(&self) -> bool {
        self.args.iter().any(|arg| find(arg.as_bytes()).is_some())
    }

    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// What is added to the environment, as `NAME=VALUE` for those who look for a
    /// mistake: sorted, of each name the last, and with `…` for what may be a
    /// secret.
    pub(crate) fn shown_env(&self) -> Vec<String> {
        let env: BTreeMap<_, _> = self.env.iter().map(|(name, value)| (name, value)).collect();
        env.into_iter()
            .map(|(name, value)| {
                let harmless = HARMLESS.iter().any(|harmless| name == harmless);
                let value = if harmless { value } else { OsStr::new("…") };
                format!("{}={}", name.display(), value.display())
            })
            .collect()
    }

    pub(crate) const fn owner_of_sockets(&self) -> Option<u32> {
        self.socket_owner
    }

    /// The command for one process, with `socket` in place of `{socket}`.
    pub(crate) fn build(&self, socket: Option<&Path>) -> tokio::process::Command {
        let mut words = self.launcher.iter().chain([&self.program]);
        let first = words.next().unwrap_or(&self.program);
        let mut command = tokio::process::Command::new(first);
        command.args(words);
        match socket {
            Some(path) => command.args(self.args.iter().map(|arg| with_socket(arg, path))),
            None => command.args(&self.args),
        };
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The command line as one would type it, without quoting.
impl fmt::Display for AppCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program.display())?;
        self.args
            .iter()
            .try_for_each(|arg| write!(f, " {}", arg.display()))
    }
}

/// Names what is set in the environment, never the values.
impl fmt::Debug for AppCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("AppCommand")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("dir", &self.dir)
            .field("env", &names)
            .field("launcher", &self.launcher)
            .field("socket_owner", &self.socket_owner)
            .finish()
    }
}

fn find(arg: &[u8]) -> Option<usize> {
    arg.windows(SOCKET.len()).position(|part| part == SOCKET)
}

fn with_socket(arg: &OsStr, path: &Path) -> OsString {
    let mut rest = arg.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some(at) = find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(path.as_os_str().as_bytes());
        rest = &rest[at + SOCKET.len()..];
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let command = AppCommand::new("puma")
            .env("RAILS_ENV", "development")
            .env("SECRET_KEY_BASE", "hunter2")
            .env("DATABASE_URL", "postgres://me:hunter2@db")
            .env("RAILS_ENV", "production");
        let shown = [
            "DATABASE_URL=…",
            "RAILS_ENV=production",
            "SECRET_KEY_BASE=…",
        ];
        assert_eq!(command.shown_env(), shown);
    }

    #[test]
    fn every_socket_in_an_argument_is_replaced() {
        let cases = [
            ("nothing to replace", "-w", "-w"),
            ("the whole argument", "{socket}", "/run/a.sock"),
            ("a part of it", "unix://{socket}", "unix:///run/a.sock"),
            ("twice", "{socket},{socket}x", "/run/a.sock,/run/a.sockx"),
            ("almost", "{socket", "{socket"),
        ];
        for (name, arg, expected) in cases {
            let got = with_socket(OsStr::new(arg), Path::new("/run/a.sock"));
            assert_eq!(got, expected, "{name}");
        }
    }
}

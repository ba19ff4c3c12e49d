//! As which user the application runs.
//!
//! Only root may choose. Passenger, as root, runs an application as whoever its
//! files belong to; we change nothing without being told, but refuse in
//! production what would let that user act as root.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

use crate::{settings::Environment, start_error::StartError};

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// All groups, the one above among them.
    pub(crate) groups: Vec<u32>,
    pub(crate) home: PathBuf,
    pub(crate) shell: PathBuf,
}

/// What is known when the server starts.
#[derive(Clone, Copy, Debug)]
struct Situation<'a> {
    /// As whom we run.
    uid: u32,
    /// Whom the application's folder belongs to.
    owner: u32,
    /// `--user`.
    chosen: Option<u32>,
    environment: &'a Environment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As we do.
    AsWeAre,
    /// As we do, though that is root.
    AsRoot,
    /// As the chosen user.
    Switch,
    /// We are not root, and cannot.
    NotAllowed,
    /// Whoever owns the folder could act as root.
    Unsafe,
}

impl Situation<'_> {
    fn verdict(self) -> Verdict {
        match self.chosen {
            Some(chosen) if chosen == self.uid => Verdict::AsWeAre,
            Some(_) if self.uid == 0 => Verdict::Switch,
            Some(_) => Verdict::NotAllowed,
            None if self.uid != 0 => Verdict::AsWeAre,
            None if self.owner == 0 || self.environment.shows_errors() => Verdict::AsRoot,
            None => Verdict::Unsafe,
        }
    }
}

/// As whom an application runs.
#[derive(Debug)]
pub(crate) struct RunAs {
    /// As we do if `None`.
    pub(crate) user: Option<User>,
    /// What the operator should know about that.
    pub(crate) remark: &'static str,
}

/// As whom the application in `dir` is to run. `chosen` is what `--user` says.
pub(crate) fn choose(
    chosen: Option<&str>,
    dir: &Path,
    environment: &Environment,
) -> Result<RunAs, StartError> {
    let user = chosen.map(User::find).transpose()?;
    let owner = fs::metadata(dir).map_or(0, |metadata| metadata.uid());
    let situation = Situation {
        uid: geteuid().as_raw(),
        owner,
        chosen: user.as_ref().map(|user| user.uid),
        environment,
    };
    match situation.verdict() {
        Verdict::Switch => Ok(RunAs { user, remark: "" }),
        Verdict::AsWeAre => Ok(RunAs {
            user: None,
            remark: "",
        }),
        Verdict::AsRoot => Ok(RunAs {
            user: None,
            remark: "\nit runs as root; --user NAME runs it as another user",
        }),
        Verdict::NotAllowed => Err(StartError::new(
            "only root may run an application as another user; leave out --user",
        )),
        Verdict::Unsafe => Err(StartError::new(format!(
            "{} belongs to user {owner}, and would run as root; name that user with --user, or \
             insist with --user root",
            dir.display()
        ))),
    }
}

impl User {
    /// By name, from wherever this machine has its users.
    fn find(name: &str) -> Result<Self, StartError> {
        // A name that begins with a dash would be taken for an option.
        let entry = output("getent", &["passwd", "--", name]);
        let groups = output("id", &["-G", "--", name]);
        let found = entry
            .and_then(|entry| Ok(Self::parse(&entry, &groups?)))
            .map_err(|error| StartError::new(format!("cannot look up user {name}: {error}")))?;
        found.ok_or_else(|| {
            StartError::new(format!(
                "there is no user {name}; correct the name after --user"
            ))
        })
    }

    /// From a line of passwd(5), and the numbers of groups that `id -G` prints.
    fn parse(entry: &str, groups: &str) -> Option<Self> {
        let mut fields = entry.lines().next()?.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let _password = fields.next()?;
        let uid = fields.next()?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let _comment = fields.next()?;
        let home = fields.next()?.into();
        let shell = fields.next()?.into();
        let groups = groups.split_whitespace().map(str::parse);
        Some(Self {
            name,
            uid,
            gid,
            groups: groups.collect::<Result<_, _>>().ok()?,
            home,
            shell,
        })
    }

    /// The arguments with which this program runs a command as this user:
    /// see [`exec`].
    pub(crate) fn exec_arguments(&self) -> Vec<OsString> {
        let groups: Vec<_> = self.groups.iter().map(ToString::to_string).collect();
        let arguments = [
            "exec-as".to_owned(),
            self.uid.to_string(),
            self.gid.to_string(),
            groups.join(","),
            "--".to_owned(),
        ];
        arguments.map(OsString::from).into()
    }

    /// What a login sets.
    pub(crate) fn environment(&self) -> [(OsString, OsString); 4] {
        [
            ("HOME".into(), self.home.clone().into()),
            ("USER".into(), self.name.clone().into()),
            ("LOGNAME".into(), self.name.clone().into()),
            ("SHELL".into(), self.shell.clone().into()),
        ]
    }
}

/// What a program prints; nothing if it fails, as both do for a user that is not
/// there.
fn output(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Becomes another user, and then another program. Returns only if that fails.
///
/// It runs between the fork and the application's command, alone in its process:
/// what is set for its thread is set for all of it.
pub(crate) fn exec(uid: u32, gid: u32, groups: &[u32], command: &[OsString]) -> io::Error {
    let become_user = || -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        let groups: Vec<_> = groups.iter().copied().map(Gid::from_raw).collect();
        // In this order: after the last one, the others are forbidden.
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    };
    if let Err(error) = become_user() {
        return error;
    }
    let Some((program, args)) = command.split_first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    Command::new(program).args(args).exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_what() {
        let [development, production] = ["development", "production"].map(Environment::new);
        let cases = [
            ("as we are", 1000, 1000, None, &production, Verdict::AsWeAre),
            (
                "another's folder",
                1000,
                0,
                None,
                &production,
                Verdict::AsWeAre,
            ),
            (
                "ourselves, by name",
                1000,
                0,
                Some(1000),
                &production,
                Verdict::AsWeAre,
            ),
            (
                "another one",
                1000,
                0,
                Some(33),
                &development,
                Verdict::NotAllowed,
            ),
            (
                "root for another one",
                0,
                0,
                Some(33),
                &production,
                Verdict::Switch,
            ),
            (
                "root's own, as in a container",
                0,
                0,
                None,
                &production,
                Verdict::AsRoot,
            ),
            (
                "root while developing",
                0,
                1000,
                None,
                &development,
                Verdict::AsRoot,
            ),
            (
                "root for what others write",
                0,
                1000,
                None,
                &production,
                Verdict::Unsafe,
            ),
            (
                "root, who insists",
                0,
                1000,
                Some(0),
                &production,
                Verdict::AsWeAre,
            ),
        ];
        for (name, uid, owner, chosen, environment, expected) in cases {
            let situation = Situation {
                uid,
                owner,
                chosen,
                environment,
            };
            assert_eq!(situation.verdict(), expected, "{name}");
        }
    }

    #[test]
    fn a_user_is_read_from_its_line() {
        let user = User {
            name: "web".to_owned(),
            uid: 33,
            gid: 34,
            groups: vec![34, 4],
            home: "/var/www".into(),
            shell: "/bin/sh".into(),
        };
        let line = "web:x:33:34:The Web:/var/www:/bin/sh\n";
        let cases = [
            ("as it should be", line, "34 4\n", Some(user)),
            ("nobody", "", "", None),
            ("too short", "web:x:33:34\n", "34\n", None),
            ("no number", "web:x:a:34::/:/bin/sh\n", "34\n", None),
        ];
        for (name, entry, groups, expected) in cases {
            assert_eq!(User::parse(entry, groups), expected, "{name}");
        }
    }

    #[test]
    fn users_of_this_machine_are_found() {
        let root = User::find("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.groups.contains(&0));
        for name in ["no-such-user-here", "-x", ""] {
            let error = User::find(name).unwrap_err().to_string();
            assert!(error.contains("--user"), "{error}");
        }
    }
}

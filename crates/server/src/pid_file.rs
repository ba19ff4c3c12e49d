use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use procfs::process::{Process, Stat};
use rustix::process::{Pid, test_kill_process};

use crate::{parent_folder::parent_folder, start_error::StartError};

/// The file of `--pid-file`, with this process's id in it. It goes when this
/// is dropped.
#[derive(Debug)]
#[must_use = "the file is removed when this is dropped"]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the file. One that a server left behind which is gone is
    /// replaced; one whose server lives is not, nor is a file that holds
    /// anything else.
    ///
    /// After a power failure, or in a container that starts anew, the id of a server
    /// that is gone may be that of any other program, and the file says nothing then.
    ///
    /// Two servers that start at the same moment over a stale file may both
    /// believe it theirs. They cannot both have the port, so only one gets
    /// here.
    pub(crate) fn create(path: &Path) -> Result<Self, StartError> {
        match fs::read_to_string(path) {
            Ok(text) => replaceable(&text).map_err(|reason| refuse(path, &reason))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refuse(path, &error)),
        }
        write(path).map_err(|error| refuse(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

fn refuse(path: &Path, reason: &dyn std::fmt::Display) -> StartError {
    StartError::new(format!(
        "cannot write the pid file {}: {reason}; choose another place with --pid-file PATH",
        path.display()
    ))
}

/// Whether a pid file with this text may be overwritten, and if not, why.
fn replaceable(text: &str) -> Result<(), String> {
    let text = text.trim();
    // Written to by somebody who then died.
    if text.is_empty() {
        return Ok(());
    }
    let pid = text
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .and_then(Pid::from_raw);
    let Some(pid) = pid else {
        return Err("it holds something else than a process id".to_owned());
    };
    // In a container that starts anew, the id in the file may well be ours.
    let ours = pid.as_raw_nonzero().get().cast_unsigned() == process::id();
    match test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        _ if ours || !may_be_server(pid) => Ok(()),
        // Also if we may not signal it: it is there.
        _ => Err(format!("it names process {text}, which is running")),
    }
}

/// Whether this process, which is there, may be a server: one that goes by our name,
/// and has not ended without anybody having waited for it. Who it is, everybody may
/// know, unless the system keeps that to itself.
fn may_be_server(pid: Pid) -> bool {
    let stat = |process: procfs::ProcResult<Process>| process.and_then(|it| it.stat());
    let is_one = |(it, own): (Stat, Stat)| it.comm == own.comm && it.state != 'Z';
    let it = stat(Process::new(pid.as_raw_nonzero().get()));
    let own = stat(Process::myself());
    it.ok().zip(own.ok()).is_none_or(is_one)
}

/// At one stroke, so that nobody reads half a number.
fn write(path: &Path) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(parent_folder(path)?)?;
    writeln!(file, "{}", process::id())?;
    file.persist(path)?;
    Ok(())
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own meanwhile.
        let ours = fs::read_to_string(&self.path)
            .is_ok_and(|text| text.trim() == process::id().to_string());
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        os::unix::{fs::symlink, process::CommandExt},
        process::{Child, Command, Stdio},
    };

    use rustix::process::{WaitId, WaitIdOptions, waitid};

    use super::*;

    /// A program that goes by this name, and waits until its input ends.
    fn spawn(dir: &Path, name: &str) -> Child {
        let cat = env::split_paths(&env::var_os("PATH").unwrap())
            .map(|dir| dir.join("cat"))
            .find(|path| path.exists())
            .unwrap();
        let program = dir.join(name);
        symlink(cat, &program).unwrap();
        // Some systems have one program for all commands, which is told which one it is.
        let mut command = Command::new(&program);
        command.arg0("cat").stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn the_file_holds_the_id_as_long_as_the_server_runs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.pid");
        let file = PidFile::create(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{}\n", process::id()));
        drop(file);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_what_a_dead_server_left_is_replaced() {
        let programs = tempfile::tempdir().unwrap();
        let own_name = Process::myself().unwrap().stat().unwrap().comm;
        let mut alive = spawn(programs.path(), &own_name);
        let mut other = spawn(programs.path(), "other");
        fs::remove_file(programs.path().join(&own_name)).unwrap();
        let mut zombie = spawn(programs.path(), &own_name);
        drop(zombie.stdin.take());
        let id = WaitId::Pid(Pid::from_child(&zombie));
        waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        // Ids are at most 2^22 on Linux.
        let never = (1 << 30).to_string();
        let cases: [(&str, &str, bool); 8] = [
            ("a running server", &alive.id().to_string(), false),
            ("another program", &other.id().to_string(), true),
            ("one that has ended", &zombie.id().to_string(), true),
            ("something else", "my notes", false),
            ("a number that is no id", "-1", false),
            ("a process that is gone", &never, true),
            ("nothing", "", true),
            ("our own id", &process::id().to_string(), true),
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.pid");
        for (name, text, replaced) in cases {
            fs::write(&path, text).unwrap();
            let created = PidFile::create(&path);
            assert_eq!(created.is_ok(), replaced, "{name}: {created:?}");
            if !replaced {
                assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name}");
            }
        }
        for child in [&mut alive, &mut other, &mut zombie] {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_successor_s_file_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.pid");
        let file = PidFile::create(&path).unwrap();
        fs::write(&path, "12345\n").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "12345\n");
    }
}

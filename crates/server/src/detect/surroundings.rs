use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What the decision looks at.
pub(crate) trait Surroundings {
    /// What the operator calls the folder.
    fn name(&self) -> String;

    /// The text of a file in the folder.
    fn read(&self, file: &str) -> Option<String>;

    /// The absolute path of a program, which may be in one of the folders in
    /// `PATH`.
    fn program(&self, name: &str) -> Option<PathBuf>;

    /// The absolute path of a program in a folder inside the application's.
    fn own_program(&self, folder: &str, name: &str) -> Option<PathBuf>;
}

/// An application's real folder.
#[derive(Debug)]
pub(crate) struct AppFolder<'a> {
    dir: &'a Path,
    path: OsString,
}

impl<'a> AppFolder<'a> {
    /// Looks at `dir`, an absolute path, and for programs in `path`, which is
    /// in the form of `PATH`.
    pub(crate) fn new(dir: &'a Path, path: impl Into<OsString>) -> Self {
        Self {
            dir,
            path: path.into(),
        }
    }

    /// Where a shell in this folder would find `program`: by its path if it
    /// has one, in the folders of `PATH` if not.
    pub(crate) fn resolve(&self, program: &OsStr) -> Option<PathBuf> {
        if Path::new(program).components().count() > 1 {
            return executable(self.dir.join(program));
        }
        // An empty or relative folder in `PATH` means one seen from here, as
        // for the process that will run here.
        env::split_paths(&self.path)
            .find_map(|folder| executable(self.dir.join(folder).join(program)))
    }
}

impl Surroundings for AppFolder<'_> {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn read(&self, file: &str) -> Option<String> {
        let bytes = fs::read(self.dir.join(file)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        self.resolve(OsStr::new(name))
    }

    fn own_program(&self, folder: &str, name: &str) -> Option<PathBuf> {
        executable(self.dir.join(folder).join(name))
    }
}

fn executable(path: PathBuf) -> Option<PathBuf> {
    let metadata = fs::metadata(&path).ok()?;
    (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    #[test]
    fn a_program_is_looked_up_as_a_shell_in_the_folder_would() {
        let root = tempfile::tempdir().unwrap();
        let app = root.path().join("app");
        let bin = root.path().join("bin");
        fs::create_dir_all(app.join("tools")).unwrap();
        fs::create_dir(&bin).unwrap();
        let write = |path: PathBuf, mode| {
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(mode);
            options.open(path).unwrap();
        };
        write(bin.join("serve"), 0o755);
        write(bin.join("notes"), 0o644);
        write(app.join("run"), 0o755);
        write(app.join("tools/run"), 0o755);

        let folder = AppFolder::new(&app, &bin);
        let cases = [
            ("in PATH", "serve", Some(bin.join("serve"))),
            ("not executable", "notes", None),
            ("nowhere", "nothing", None),
            ("in the folder, but not in PATH", "run", None),
            ("by its path", "./run", Some(app.join("./run"))),
            ("by a longer path", "tools/run", Some(app.join("tools/run"))),
            ("a folder", "./tools", None),
            ("nothing", "", None),
        ];
        for (name, program, expected) in cases {
            assert_eq!(folder.resolve(OsStr::new(program)), expected, "{name}");
        }

        let absolute = bin.join("serve");
        assert_eq!(folder.resolve(absolute.as_os_str()), Some(absolute));
        assert_eq!(
            folder.own_program("tools", "run"),
            Some(app.join("tools/run"))
        );
    }
}

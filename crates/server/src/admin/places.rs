use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::start_error::StartError;

/// The folders in which servers of this user put their sockets.
///
/// The first is in `$XDG_RUNTIME_DIR`, if that is ours; the second, for users
/// without one, in the temporary directory, where anybody can make folders. So
/// a folder counts only if it is ours and closed to others.
#[derive(Debug)]
pub(super) struct Places {
    runtime_dir: Option<PathBuf>,
    temp_dir: PathBuf,
    uid: u32,
}

impl Places {
    /// Those of this process.
    pub(super) fn of_this_user() -> Self {
        Self {
            runtime_dir: env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
            temp_dir: env::temp_dir(),
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    #[cfg(test)]
    pub(super) fn under(runtime_dir: Option<PathBuf>, temp_dir: PathBuf) -> Self {
        Self {
            runtime_dir,
            temp_dir,
            uid: rustix::process::geteuid().as_raw(),
        }
    }

    /// The folder for a new socket, made if need be.
    pub(super) fn folder(&self) -> Result<PathBuf, StartError> {
        let folder = self.first();
        let refuse = |reason: String| {
            StartError::new(format!(
                "cannot put the admin socket into {}: {reason}; choose a place with \
                 --admin-socket PATH",
                folder.display()
            ))
        };
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(refuse(error.to_string()));
            }
            _ => {}
        }
        self.check(&folder)
            .map_err(|unsafe_folder| refuse(unsafe_folder.to_string()))?;
        Ok(folder)
    }

    /// The folders to look for sockets in: those that are there and ours.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        // A server may have been started without `XDG_RUNTIME_DIR`, by an init
        // system say, so who has it looks in both.
        let mut folders = vec![self.first()];
        if folders[0] != self.in_temp_dir() {
            folders.push(self.in_temp_dir());
        }
        folders.retain(|folder| self.check(folder).is_ok());
        folders
    }

    fn first(&self) -> PathBuf {
        // The XDG Base Directory Specification: relative paths are invalid and
        // to be ignored. One that is somebody else's stays in the environment
        // after `sudo`.
        let usable = |dir: &&PathBuf| {
            dir.is_absolute() && fs::metadata(dir).is_ok_and(|meta| meta.uid() == self.uid)
        };
        match self.runtime_dir.as_ref().filter(usable) {
            Some(dir) => dir.join("peregrine"),
            None => self.in_temp_dir(),
        }
    }

    fn in_temp_dir(&self) -> PathBuf {
        self.temp_dir.join(format!("peregrine-{}", self.uid))
    }

    /// Whether what is in the folder was put there by us alone. Once that
    /// holds nobody else can change it: a folder of ours cannot be moved away
    /// out of a sticky temporary directory.
    fn check(&self, folder: &Path) -> Result<(), UnsafeFolder> {
        // Not following a link, which somebody else may have placed.
        let metadata = fs::symlink_metadata(folder).map_err(|_| UnsafeFolder::Absent)?;
        if !metadata.is_dir() {
            return Err(UnsafeFolder::NoFolder);
        }
        if metadata.uid() != self.uid {
            return Err(UnsafeFolder::OfAnotherUser);
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(UnsafeFolder::OpenToOthers);
        }
        Ok(())
    }
}

/// Why a folder cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnsafeFolder {
    Absent,
    NoFolder,
    OfAnotherUser,
    OpenToOthers,
}

impl std::fmt::Display for UnsafeFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "it is not there",
            Self::NoFolder => "it is not a folder",
            Self::OfAnotherUser => "it belongs to another user",
            Self::OpenToOthers => "others than its owner may use it",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_is_made_for_its_owner_alone() {
        let runtime = tempfile::tempdir().unwrap();
        let temp = tempfile::tempdir().unwrap();
        let cases = [
            (
                "a runtime folder",
                Some(runtime.path().to_owned()),
                runtime.path(),
            ),
            ("none", None, temp.path()),
            (
                "one that is not there",
                Some("/nowhere/at/all".into()),
                temp.path(),
            ),
            ("a relative one", Some("relative".into()), temp.path()),
        ];
        for (name, runtime_dir, expected) in cases {
            let places = Places::under(runtime_dir, temp.path().to_owned());
            let folder = places.folder().unwrap();
            assert_eq!(folder.parent(), Some(expected), "{name}");
            assert_eq!(mode(&folder), 0o700, "{name}");
            // Once more, now that it is there.
            assert_eq!(places.folder().unwrap(), folder, "{name}");
            assert!(places.folders().contains(&folder), "{name}");
        }
    }

    #[test]
    fn a_folder_that_others_may_have_filled_is_refused() {
        let open = |folder: &Path| {
            fs::create_dir(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let link = |folder: &Path| {
            let target = folder.with_file_name("target");
            fs::DirBuilder::new().mode(0o700).create(&target).unwrap();
            symlink(target, folder).unwrap();
        };
        let file = |folder: &Path| fs::write(folder, "").unwrap();
        let cases: [(&str, &dyn Fn(&Path), UnsafeFolder); 3] = [
            ("open", &open, UnsafeFolder::OpenToOthers),
            ("a link", &link, UnsafeFolder::NoFolder),
            ("a file", &file, UnsafeFolder::NoFolder),
        ];
        for (name, make, expected) in cases {
            let temp = tempfile::tempdir().unwrap();
            let places = Places::under(None, temp.path().to_owned());
            make(&places.in_temp_dir());

            assert_eq!(places.check(&places.in_temp_dir()), Err(expected), "{name}");
            let error = places.folder().expect_err(name).to_string();
            assert!(error.contains("--admin-socket"), "{name}: {error}");
            assert!(places.folders().is_empty(), "{name}");
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let mut places = Places::under(None, temp.path().to_owned());
        places.uid += 1;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(places.in_temp_dir())
            .unwrap();
        let checked = places.check(&places.in_temp_dir());
        assert_eq!(checked, Err(UnsafeFolder::OfAnotherUser));
    }
}

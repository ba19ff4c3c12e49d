use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::roster::ProcessId;

/// The longest path of a Unix socket, without the byte that ends it: unix(7).
const MAX_PATH: usize = 107;

/// What the names of the folders begin with.
const PREFIX: &str = "peregrine-pool-";

/// The file in each folder that is locked as long as its pool lives.
const LOCK: &str = "lock";

/// The private folder of a pool's sockets, removed with its last user.
///
/// One that a killed process left behind is removed by the next pool of the
/// same user: nobody holds its lock.
#[derive(Debug)]
pub(crate) struct SocketDir {
    dir: TempDir,
    /// Never read: to be open is its use. Not inherited by processes.
    _lock: File,
}

impl SocketDir {
    /// `owner` is who creates the sockets, if not we.
    pub(crate) fn create(owner: Option<u32>) -> io::Result<Self> {
        Self::create_in(&std::env::temp_dir(), owner)
    }

    fn create_in(parent: &Path, owner: Option<u32>) -> io::Result<Self> {
        sweep(parent);
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)?;
        // It has its name only once it is locked: who sweeps just now leaves a
        // folder alone that has none.
        let unnamed = dir.path().join("unlocked");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(&unnamed, dir.path().join(LOCK))?;
        let this = Self { dir, _lock: lock };
        DirBuilder::new().mode(0o700).create(this.sockets())?;
        if let Some(owner) = owner {
            // Theirs is only what lies within: they cannot take the lock away.
            chown(this.sockets(), Some(owner), None)?;
            fs::set_permissions(this.dir.path(), Permissions::from_mode(0o711))?;
        }
        let longest = this.socket(ProcessId::new(u64::from(u32::MAX)));
        if longest.as_os_str().len() > MAX_PATH {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is too long for the path of a Unix socket: set TMPDIR to a shorter one",
                    longest.display()
                ),
            ));
        }
        Ok(this)
    }

    pub(super) fn socket(&self, id: ProcessId) -> PathBuf {
        self.sockets().join(format!("{id}.sock"))
    }

    fn sockets(&self) -> PathBuf {
        self.dir.path().join("s")
    }
}

/// Removes the folders of this user's pools that were killed.
fn sweep(parent: &Path) {
    let uid = rustix::process::geteuid().as_raw();
    let folders = fs::read_dir(parent).into_iter().flatten().flatten();
    for folder in folders {
        let is_ours = folder
            .metadata()
            .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == uid);
        let is_pool_s = folder
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes());
        if is_ours && is_pool_s && is_left(&folder.path()) {
            tracing::debug!(folder = %folder.path().display(), "left behind, and removed");
            // Somebody else who sweeps at the same time is as good.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

fn is_left(folder: &Path) -> bool {
    File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(parent)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folders_of_the_dead_are_removed_and_those_of_the_living_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str, lock: Option<&str>| {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            if let Some(lock) = lock {
                fs::write(path.join(lock), "").unwrap();
            }
        };
        folder("peregrine-pool-dead", Some("lock"));
        folder("peregrine-pool-young", Some("unlocked"));
        folder("peregrine-0", Some("lock"));
        folder("peregrine-pool-empty", None);
        fs::write(parent.path().join("peregrine-pool-file"), "").unwrap();

        let alive = SocketDir::create_in(parent.path(), None).unwrap();
        let _second = SocketDir::create_in(parent.path(), None).unwrap();
        let left = names(parent.path());
        assert!(
            !left.contains(&"peregrine-pool-dead".to_owned()),
            "{left:?}"
        );
        assert_eq!(left.len(), 6, "{left:?}");
        assert!(alive.dir.path().exists());
        let mode = alive.dir.path().metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_folder_goes_with_its_pool() {
        let parent = tempfile::tempdir().unwrap();
        drop(SocketDir::create_in(parent.path(), None).unwrap());
        assert_eq!(names(parent.path()), [""; 0]);
    }
}

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{SocketAddr, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process,
};

use super::{find, places::Places};
use crate::{parent_folder::parent_folder, start_error::StartError};

/// A Unix socket that answers to this user alone. Its file goes when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    file: SocketFile,
}

impl AdminSocket {
    /// Listens at `path`, or in this user's folder under this process's id.
    pub(crate) fn bind(path: Option<&Path>) -> Result<Self, StartError> {
        match path {
            Some(path) => Self::bind_at(path),
            None => Self::bind_in(&Places::of_this_user()),
        }
    }

    pub(super) fn bind_in(places: &Places) -> Result<Self, StartError> {
        // For what it removes: the sockets of servers that were killed.
        find::sockets(places);
        Self::bind_at(&places.folder()?.join(format!("{}.sock", process::id())))
    }

    fn bind_at(path: &Path) -> Result<Self, StartError> {
        let refuse = |reason: &dyn std::fmt::Display| {
            StartError::new(format!(
                "cannot open the admin socket {}: {reason}; choose another place with \
                 --admin-socket PATH",
                path.display()
            ))
        };
        // Whoever connects needs a path that fits, and so do we only below.
        SocketAddr::from_pathname(path).map_err(|error| refuse(&error))?;
        match fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(refuse(&"there is a file of that name"));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(refuse(&"another server answers there"));
            }
            // Left behind by a server that was killed, or nothing there.
            _ => {}
        }
        open(path).map_err(|error| refuse(&error))
    }

    /// Where it is.
    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// The listener, for a runtime, and what removes its file.
    pub(super) fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

/// A socket is open to whom the umask says from the moment it is bound, so it
/// is bound in a folder that nobody else can enter, closed, and only then
/// moved to where it is found.
fn open(path: &Path) -> io::Result<AdminSocket> {
    let closed = tempfile::Builder::new()
        .prefix(".")
        .rand_bytes(6)
        .tempdir_in(parent_folder(path)?)?;
    let hidden = closed.path().join("s");
    let listener = UnixListener::bind(&hidden)?;
    fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    let metadata = fs::symlink_metadata(&hidden)?;
    fs::rename(&hidden, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: (metadata.dev(), metadata.ino()),
    };
    Ok(AdminSocket { listener, file })
}

/// A socket's file, removed on drop.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: what stands at `path` later may be another server's.
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if ours {
            // If it is gone already, so much the better; if it cannot be
            // removed, the next `status` will skip it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_for_its_owner_and_goes_with_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(None, dir.path().to_owned());
        let socket = AdminSocket::bind_in(&places).unwrap();
        let path = socket.path().to_owned();

        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
        UnixStream::connect(&path).unwrap();
        let beside: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");

        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_in_use_is_left_alone_and_a_stale_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.sock");
        let first = AdminSocket::bind(Some(&path)).unwrap();
        let error = AdminSocket::bind(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("another server"), "{error}");
        UnixStream::connect(&path).unwrap();

        // As a killed server would: the listener closes, the file stays.
        let (listener, file) = first.into_parts();
        drop(listener);
        let second = AdminSocket::bind(Some(&path)).unwrap();
        drop(file);
        UnixStream::connect(&path).unwrap();
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_not_a_socket_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        fs::write(&path, "mine").unwrap();
        let error = AdminSocket::bind(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("a file of that name"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_place_that_cannot_be_is_refused_with_its_reason() {
        let long = format!("/tmp/{}", "x".repeat(120));
        for path in ["/nowhere/at/all/admin.sock", &long] {
            let error = AdminSocket::bind(Some(Path::new(path))).unwrap_err();
            assert!(error.to_string().contains("--admin-socket"), "{error}");
        }
    }
}

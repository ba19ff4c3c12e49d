use std::{
    fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use super::places::Places;

/// The sockets of this user's running servers, by name. The files that killed
/// servers left behind are removed on the way.
pub(super) fn sockets(places: &Places) -> Vec<PathBuf> {
    let mut found: Vec<_> = places
        .folders()
        .into_iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sock")
        })
        .filter(|path| answers(path))
        .collect();
    found.sort();
    found
}

/// Whether a server listens there. A file that refuses is dead for good: a
/// socket listens before it is moved to its name.
fn answers(path: &Path) -> bool {
    match UnixStream::connect(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // Somebody else who cleans up at the same time is as good.
            let _ = fs::remove_file(path);
            false
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn living_servers_are_found_and_dead_ones_swept_away() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places::under(None, temp.path().to_owned());
        assert_eq!(sockets(&places), Vec::<PathBuf>::new());

        let folder = places.folder().unwrap();
        let [alive, dead, other] = ["1.sock", "2.sock", "notes"].map(|name| folder.join(name));
        let _listener = UnixListener::bind(&alive).unwrap();
        drop(UnixListener::bind(&dead).unwrap());
        fs::write(&other, "").unwrap();

        assert_eq!(sockets(&places), [alive]);
        assert!(!dead.exists());
        assert!(other.exists());
    }

    #[test]
    fn servers_without_a_runtime_folder_are_found_from_within_one() {
        let runtime = tempfile::tempdir().unwrap();
        let temp = tempfile::tempdir().unwrap();
        let without = Places::under(None, temp.path().to_owned());
        let with = Places::under(Some(runtime.path().to_owned()), temp.path().to_owned());
        let paths = [&without, &with].map(|places| places.folder().unwrap().join("1.sock"));
        let _listeners = paths.clone().map(|path| UnixListener::bind(path).unwrap());

        assert_eq!(sockets(&without), [paths[0].clone()]);
        assert_eq!(sockets(&with).len(), 2);
    }
}

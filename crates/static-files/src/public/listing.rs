use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::spawn_blocking, time::Instant};

/// How long to believe in what was found.
const FRESH: Duration = Duration::from_secs(1);

/// How many names are kept. Where there are more, any name may be there.
const MAX_NAMES: usize = 10_000;

/// What is directly in a folder, as of a second ago or so: enough to tell that a
/// path is no file without a look at the disk, which nearly all are not that are
/// asked of an application.
///
/// Whoever finds it too old has it read again, on another thread, and goes by
/// what is there meanwhile.
#[derive(Debug)]
pub(super) struct Listing {
    path: PathBuf,
    names: RwLock<Names>,
    /// Someone reads it.
    reading: AtomicBool,
}

#[derive(Debug)]
struct Names {
    /// Those of files and folders, and of `posts.html` also `posts`. `None`: too
    /// many.
    names: Option<HashSet<OsString>>,
    as_of: Instant,
}

impl Listing {
    /// Reads it. Blocks.
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            names: RwLock::new(Names::read(&path)),
            path,
            reading: AtomicBool::new(false),
        })
    }

    /// Whether there may be a file for this path of a request. Allocates nothing:
    /// nearly every path is asked about that is none.
    pub(super) fn may_have(self: &Arc<Self>, path: &str) -> bool {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        if names.as_of.elapsed() >= FRESH && !self.reading.swap(true, Ordering::Relaxed) {
            let this = Arc::clone(self);
            spawn_blocking(move || this.read_again());
        }
        names.may_have(path)
    }

    fn read_again(&self) {
        let names = Names::read(&self.path);
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        self.reading.store(false, Ordering::Relaxed);
    }
}

impl Names {
    fn read(path: &Path) -> Self {
        Self {
            // A folder that is not there has nothing in it.
            names: read(path).unwrap_or_else(|_| Some(HashSet::new())),
            as_of: Instant::now(),
        }
    }

    fn may_have(&self, path: &str) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        let first = path.trim_start_matches('/').split('/').next();
        match first.unwrap_or_default() {
            "" => names.contains(OsStr::new("index.html")),
            // What it is when it is decoded, is to be found out elsewhere.
            encoded if encoded.contains('%') => true,
            first => names.contains(OsStr::new(first)),
        }
    }
}

fn read(path: &Path) -> io::Result<Option<HashSet<OsString>>> {
    let mut names = HashSet::new();
    for entry in fs::read_dir(path)? {
        if names.len() >= MAX_NAMES {
            return Ok(None);
        }
        let name = entry?.file_name();
        if let Some(page) = name.as_encoded_bytes().strip_suffix(b".html") {
            names.insert(OsStr::from_bytes(page).to_owned());
        }
        names.insert(name);
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_begins_otherwise_needs_no_look() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = Names::read(folder.path());
        for file in ["index.html", "posts.html", "assets", "robots.txt"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let some = Names::read(folder.path());
        let many = Names {
            names: None,
            as_of: Instant::now(),
        };
        let cases = [
            ("a file", "/robots.txt", true),
            ("in a folder", "/assets/a.css", true),
            ("a page", "/posts", true),
            ("below a page", "/posts/1", true),
            ("the first page", "/", true),
            ("another", "/users/1", false),
            ("a part of a name", "/robot", false),
        ];
        for (name, path, expected) in cases {
            assert_eq!(some.may_have(path), expected, "{name}");
            assert!(!nothing.may_have(path), "{name}");
            assert!(many.may_have(path), "{name}");
        }
        assert!(some.may_have("/robots%2etxt"), "encoded");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_later_is_seen_a_second_later() {
        let folder = tempfile::tempdir().unwrap();
        let listing = Listing::new(folder.path().into());
        fs::write(folder.path().join("a"), "").unwrap();
        assert!(!listing.may_have("/a"));
        tokio::time::advance(FRESH).await;
        assert!(!listing.may_have("/a"), "nobody waits for the disk");
        // Another thread reads it.
        while listing.reading.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        assert!(listing.may_have("/a"));
    }
}

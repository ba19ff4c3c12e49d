use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::spawn_blocking, time::Instant};

use crate::name::FileName;

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
    /// `None`: too many.
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

    /// Whether there may be a file of this name.
    pub(super) fn may_have(self: &Arc<Self>, file: &FileName) -> bool {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        if names.as_of.elapsed() >= FRESH && !self.reading.swap(true, Ordering::Relaxed) {
            let this = Arc::clone(self);
            spawn_blocking(move || this.read_again());
        }
        names.may_have(file)
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

    fn may_have(&self, file: &FileName) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        match file.first() {
            None => names.contains(OsStr::new("index.html")),
            Some(first) if names.contains(first) => true,
            Some(first) if file.is_direct() => {
                let mut page = first.clone();
                page.push(".html");
                names.contains(&page)
            }
            Some(_) => false,
        }
    }
}

fn read(path: &Path) -> io::Result<Option<HashSet<OsString>>> {
    let mut names = HashSet::new();
    for entry in fs::read_dir(path)? {
        if names.len() == MAX_NAMES {
            return Ok(None);
        }
        names.insert(entry?.file_name());
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_begins_otherwise_needs_no_look() {
        let names = |list: &[&str]| Names {
            names: Some(list.iter().map(OsString::from).collect()),
            as_of: Instant::now(),
        };
        let some = names(&["index.html", "posts.html", "assets", "robots.txt"]);
        let cases = [
            ("a file", "/robots.txt", true),
            ("in a folder", "/assets/a.css", true),
            ("a page", "/posts", true),
            ("the first page", "/", true),
            ("below a page", "/posts/1", false),
            ("another", "/users/1", false),
        ];
        for (name, path, expected) in cases {
            let file = FileName::of(path).unwrap();
            assert_eq!(some.may_have(&file), expected, "{name}");
            assert!(!names(&[]).may_have(&file), "{name}");
            let many = Names {
                names: None,
                as_of: Instant::now(),
            };
            assert!(many.may_have(&file), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_later_is_seen_a_second_later() {
        let folder = tempfile::tempdir().unwrap();
        let listing = Listing::new(folder.path().into());
        let file = FileName::of("/a").unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        assert!(!listing.may_have(&file));
        tokio::time::advance(FRESH).await;
        assert!(!listing.may_have(&file), "nobody waits for the disk");
        // Another thread reads it.
        while listing.reading.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        assert!(listing.may_have(&file));
    }
}

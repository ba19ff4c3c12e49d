use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tracing::warn;

use crate::name::goes_through_hidden;

/// A folder, and nothing outside of it.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Links may lead out of it.
    follow_links: bool,
}

/// A file that may be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// By the name under which it was looked for, which says its type.
    pub(crate) path: PathBuf,
    /// Its compressed forms that are there, too.
    pub(crate) gzip: bool,
    pub(crate) brotli: bool,
}

impl Folder {
    pub(crate) fn new(path: PathBuf, follow_links: bool) -> Self {
        Self { path, follow_links }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file `name`, a relative path without `..`. Blocks.
    ///
    /// Whoever can turn a link while it is looked at can write into the folder
    /// anyway, so that this need not be one step with the opening.
    pub(crate) fn find(&self, name: &Path) -> Option<Found> {
        let path = self.path.join(name);
        self.may_send(&path).then(|| Found {
            gzip: self.may_send(&with_suffix(&path, ".gz")),
            brotli: self.may_send(&with_suffix(&path, ".br")),
            path,
        })
    }

    /// The file at an absolute path, if it is in here. Blocks.
    pub(crate) fn find_absolute(&self, path: &Path) -> Option<Found> {
        // Both as they are: the folder may be reached by a link, and its path
        // be told without it.
        let real = fs::canonicalize(path).ok()?;
        let base = fs::canonicalize(&self.path).ok()?;
        (real.starts_with(base) && real.is_file()).then(|| Found {
            path: path.to_owned(),
            gzip: false,
            brotli: false,
        })
    }

    fn may_send(&self, path: &Path) -> bool {
        match self.is_inside(path) {
            Ok(inside) if inside || self.follow_links => path.is_file(),
            Ok(_) => {
                warn!(
                    path = %path.display(),
                    "not sent: a link leads out of the folder, or to something hidden, \
                     and links are not followed"
                );
                false
            }
            Err(_) => false,
        }
    }

    fn is_inside(&self, path: &Path) -> io::Result<bool> {
        let real = fs::canonicalize(path)?;
        // Looked up each time: a deployment may turn a link to another release.
        let base = fs::canonicalize(&self.path)?;
        Ok(real
            .strip_prefix(base)
            .is_ok_and(|below| !goes_through_hidden(below)))
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_inside_unless_they_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for folder in ["public", "public/.hidden", "public/sub", "public-too"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in ["secret", "public/a", "public/.hidden/b", "public-too/c"] {
            fs::write(at(file), "").unwrap();
        }
        symlink(at("public"), at("current")).unwrap();
        symlink(at("secret"), at("public/out")).unwrap();
        symlink("../secret", at("public/out-too")).unwrap();
        symlink("a", at("public/in")).unwrap();
        symlink(".hidden/b", at("public/to-hidden")).unwrap();
        symlink(at("public-too"), at("public/beside")).unwrap();
        symlink("loop", at("public/loop")).unwrap();
        // By name, whether it is sent, and whether it is when links are followed.
        let cases = [
            ("a", true, true),
            ("in", true, true),
            ("out", false, true),
            ("out-too", false, true),
            ("beside/c", false, true),
            ("to-hidden", false, true),
            ("sub", false, false),
            ("loop", false, false),
            ("nothing", false, false),
        ];
        for folder in ["public", "current"] {
            for (name, sent, followed) in cases {
                for (follow, expected) in [(false, sent), (true, followed)] {
                    let folder = Folder::new(at(folder), follow);
                    let found = folder.find(Path::new(name));
                    assert_eq!(found.is_some(), expected, "{name}, followed: {follow}");
                }
            }
        }
    }

    #[test]
    fn an_absolute_path_is_of_the_folder_that_it_ends_in() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("files")).unwrap();
        for file in ["secret", "files/a"] {
            fs::write(at(file), "").unwrap();
        }
        symlink(at("files"), at("current")).unwrap();
        symlink(at("secret"), at("files/out")).unwrap();
        let cases = [
            ("files/a", true),
            ("current/a", true),
            ("files/../secret", false),
            ("files/../files/a", true),
            ("files/out", false),
            ("secret", false),
            ("files", false),
        ];
        for (name, expected) in cases {
            let found = Folder::new(at("files"), false).find_absolute(&at(name));
            assert_eq!(found.is_some(), expected, "{name}");
        }
    }

    #[test]
    fn compressed_forms_are_found_beside_a_file() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a.css", "a.css.gz"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let found = Folder::new(root.path().into(), false).find(Path::new("a.css"));
        let expected = Found {
            path: root.path().join("a.css"),
            gzip: true,
            brotli: false,
        };
        assert_eq!(found, Some(expected));
    }
}

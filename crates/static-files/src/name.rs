use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;

/// The name of a file below a folder, as a request's path says it: segments
/// without tricks.
///
/// None of them leads up, is hidden, or is two once it is decoded. What is
/// under `.well-known` (RFC 8615) is not hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    segments: Vec<OsString>,
    /// It ends with a slash, or is the folder itself.
    is_folder: bool,
}

impl FileName {
    /// `None` if `path` names nothing that could be served.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (path, is_folder) = match path.strip_suffix('/') {
            Some(folder) => (folder, true),
            None => (path, path.is_empty()),
        };
        let segments = path.split('/').filter(|_| !path.is_empty());
        let segments: Option<Vec<_>> = segments
            .enumerate()
            .map(|(at, segment)| segment_of(segment).filter(|it| at == 0 || !is_hidden(it)))
            .collect();
        let segments = segments?;
        let visible = |first: &OsString| !is_hidden(first) || first == ".well-known";
        segments.first().is_none_or(visible).then_some(Self {
            segments,
            is_folder,
        })
    }

    /// The files that are meant, in the order in which to look: itself, or the
    /// page that an application has written for it.
    pub(crate) fn candidates(&self) -> Vec<PathBuf> {
        let path: PathBuf = self.segments.iter().collect();
        if self.is_folder {
            return vec![path.join("index.html")];
        }
        let mut page = path.clone().into_os_string();
        page.push(".html");
        vec![path, page.into()]
    }
}

fn segment_of(text: &str) -> Option<OsString> {
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    let plain = !bytes.is_empty() && !bytes.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0));
    plain.then(|| OsString::from_vec(bytes))
}

fn is_hidden(segment: &OsString) -> bool {
    segment.as_encoded_bytes().starts_with(b".")
}

/// Whether a path below a folder goes through something hidden, in the words of
/// the file system.
pub(crate) fn goes_through_hidden(path: &Path) -> bool {
    path.iter().enumerate().any(|(at, segment)| {
        is_hidden(&segment.to_owned()) && !(at == 0 && segment == ".well-known")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_files_a_path_means() {
        let cases: [(&str, &str, Option<&[&str]>); 20] = [
            ("a file", "/a.css", Some(&["a.css", "a.css.html"])),
            ("below", "/a/b.js", Some(&["a/b.js", "a/b.js.html"])),
            ("the root", "/", Some(&["index.html"])),
            ("a folder", "/a/", Some(&["a/index.html"])),
            ("decoded", "/a%20b", Some(&["a b", "a b.html"])),
            ("dots inside", "/a..b", Some(&["a..b", "a..b.html"])),
            (
                "RFC 8615",
                "/.well-known/x",
                Some(&[".well-known/x", ".well-known/x.html"]),
            ),
            ("up", "/../a", None),
            ("up from below", "/a/../b", None),
            ("here", "/./a", None),
            ("up, encoded", "/%2e%2e/a", None),
            ("a slash, encoded", "/a%2fb", None),
            ("up with it", "/..%2fa", None),
            ("a backslash", "/a%5cb", None),
            ("the end of a string", "/a%00.css", None),
            ("two slashes", "//a", None),
            ("hidden", "/.env", None),
            ("hidden below", "/a/.git/config", None),
            ("well known, but not there", "/a/.well-known/x", None),
            ("the server itself", "*", None),
        ];
        for (name, path, expected) in cases {
            let found = FileName::of(path).map(|file| file.candidates());
            let expected = expected.map(|paths| paths.iter().map(PathBuf::from).collect());
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn what_is_hidden_in_the_file_system() {
        let cases = [
            ("a/b", false),
            (".git/x", true),
            ("a/.x/b", true),
            (".well-known/a", false),
        ];
        for (path, expected) in cases {
            assert_eq!(goes_through_hidden(Path::new(path)), expected, "{path}");
        }
    }
}

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::layer::Config;
use crate::{
    folder::{Folder, Found},
    name::FileName,
};

const SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");
const ACCEL: HeaderName = HeaderName::from_static("x-accel-redirect");

/// A file that an application has named.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By its absolute path.
    Path(PathBuf),
    /// By a path of requests, as nginx would see it.
    Location(String),
}

impl Order {
    /// Takes what the application has said to the server out of its fields.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        // Nearly no response has either: to go through the names is cheaper than to
        // look for both.
        if !headers
            .keys()
            .any(|name| *name == SENDFILE || *name == ACCEL)
        {
            return None;
        }
        let accel = headers.remove(ACCEL);
        let path = |value: &HeaderValue| Self::Path(OsStr::from_bytes(value.as_bytes()).into());
        match headers.remove(SENDFILE) {
            Some(value) => Some(path(&value)),
            None => accel.map(|value| {
                Self::Location(String::from_utf8_lossy(value.as_bytes()).into_owned())
            }),
        }
    }

    /// The file, if it may be sent. Blocks.
    pub(super) fn find(&self, config: &Config) -> Option<Found> {
        match self {
            Self::Path(path) => config
                .roots
                .iter()
                .find_map(|root| root.find_absolute(path)),
            Self::Location(location) => {
                let (folder, name) = config.place(location)?;
                folder.find(&name)
            }
        }
    }
}

impl Config {
    /// The folder that a location is in, and the file in there.
    fn place(&self, location: &str) -> Option<(&Folder, PathBuf)> {
        // What nginx would make of the query is of no use here.
        let path = location.split('?').next().unwrap_or_default();
        self.mappings.iter().find_map(|(prefix, folder)| {
            let name = path.strip_prefix(prefix.trim_end_matches('/'))?;
            let file = FileName::of(name)?;
            let exact = file.candidates().into_iter().next()?;
            // Not a page that stands for something else.
            let meant = !name.ends_with('/') && exact != Path::new("index.html");
            meant.then_some((folder, exact))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SendFile, *};

    #[test]
    fn a_location_is_a_file_of_the_first_mapping_that_it_is_below() {
        let SendFile { config } = SendFile::none()
            .mapping("/internal/", "/srv/files")
            .mapping("/in/", "/srv/in");
        let cases = [
            ("a file", "/internal/a.pdf", Some("/srv/files/a.pdf")),
            ("below", "/internal/b/a.pdf", Some("/srv/files/b/a.pdf")),
            ("encoded", "/internal/a%20b", Some("/srv/files/a b")),
            ("another", "/in/a", Some("/srv/in/a")),
            ("with a query", "/in/a?b=c", Some("/srv/in/a")),
            ("up", "/internal/../a", None),
            ("up, encoded", "/internal/%2e%2e/a", None),
            ("hidden", "/internal/.env", None),
            ("a name that begins so", "/internals/a", None),
            ("the folder", "/internal/", None),
            ("without a slash", "/internal", None),
            ("elsewhere", "/a", None),
            ("not a path", "http://a.example/internal/a", None),
        ];
        for (name, location, expected) in cases {
            let place = config.place(location);
            let path = place.map(|(folder, name)| folder.path().join(name));
            assert_eq!(path, expected.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn the_fields_are_taken_whoever_else_is_there() {
        let mut headers = HeaderMap::new();
        headers.insert("x-sendfile", HeaderValue::from_static("/a"));
        headers.append("x-sendfile", HeaderValue::from_static("/b"));
        headers.insert("x-accel-redirect", HeaderValue::from_static("/c"));
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        assert_eq!(Order::take(&mut headers), Some(Order::Path("/a".into())));
        assert_eq!(headers.len(), 1, "{headers:?}");
        assert_eq!(Order::take(&mut headers), None);
    }
}

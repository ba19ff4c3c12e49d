use std::{path::PathBuf, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use tower_layer::Layer;

use super::SendFileService;
use crate::folder::Folder;

/// What tells an application how it may name a file, as `Rack::Sendfile` has it.
const TYPE: HeaderName = HeaderName::from_static("x-sendfile-type");
const MAPPING: HeaderName = HeaderName::from_static("x-accel-mapping");

/// Layer that sends files which the service names. See the [module](super) for
/// the rules.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SendFile {
    pub(super) config: Arc<Config>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) roots: Vec<Folder>,
    /// What a path begins with, with a slash at its end, and what it stands for.
    pub(super) mappings: Vec<(String, Folder)>,
    /// The same, as an application is told of it. `None` if there is nothing to be told,
    /// or no way to say it.
    told: Option<HeaderValue>,
}

impl SendFile {
    /// No files. The fields go no further all the same.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends files of this folder, and of folders in it, that are named in
    /// `X-Sendfile`. May be said of several folders.
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        let folder = Folder::new(folder.into(), false);
        Arc::make_mut(&mut self.config).roots.push(folder);
        self
    }

    /// Sends files of `folder` that are named in `X-Accel-Redirect` by a path
    /// below `prefix`. May be said of several; the first one counts.
    pub fn mapping(mut self, prefix: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        let mut prefix = prefix.into();
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let folder = Folder::new(folder.into(), false);
        let config = Arc::make_mut(&mut self.config);
        config.mappings.push((prefix, folder));
        config.told = config.mappings_as_told();
        self
    }
}

impl Config {
    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.mappings.is_empty()
    }

    /// Tells the application what is possible, and nothing that a client claims.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        drop_claims(headers);
        if !self.roots.is_empty() {
            headers.insert(TYPE, HeaderValue::from_static("X-Sendfile"));
        } else if let Some(mappings) = &self.told {
            headers.insert(TYPE, HeaderValue::from_static("X-Accel-Redirect"));
            headers.insert(MAPPING, mappings.clone());
        }
    }

    fn mappings_as_told(&self) -> Option<HeaderValue> {
        let pairs: Vec<_> = self
            .mappings
            .iter()
            .map(|(prefix, folder)| {
                let folder = folder.path().display().to_string();
                format!("{}/={prefix}", folder.trim_end_matches('/'))
            })
            .collect();
        HeaderValue::from_str(&pairs.join(", ")).ok()
    }
}

/// Under any name that becomes one of these where `_` stands for `-`, as in CGI.
fn drop_claims(headers: &mut HeaderMap) {
    let claims = |name: &HeaderName| [&TYPE, &MAPPING].iter().any(|it| reads_as(name, it));
    // Nearly always there are none, and nothing is copied.
    while let Some(name) = headers.keys().find(|name| claims(name)).cloned() {
        headers.remove(name);
    }
}

fn reads_as(name: &HeaderName, other: &HeaderName) -> bool {
    let (name, other) = (name.as_str().as_bytes(), other.as_str().as_bytes());
    let same = |(one, two): (&u8, &u8)| one == two || (*one == b'_' && *two == b'-');
    name.len() == other.len() && name.iter().zip(other).all(same)
}

impl<S> Layer<S> for SendFile {
    type Service = SendFileService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SendFileService::new(inner, Arc::clone(&self.config))
    }
}

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::HeaderValue;
use tower_layer::Layer;

use super::{StaticFilesService, listing::Listing};
use crate::folder::Folder;

/// Layer that answers with the files of a folder. See the [module](super) for
/// the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct StaticFiles {
    config: Option<Arc<Config>>,
}

#[derive(Debug)]
pub(super) struct Config {
    pub(super) folder: Folder,
    pub(super) listing: Arc<Listing>,
    /// Without a slash at its end.
    pub(super) below: String,
    max_age: Duration,
    /// What `max_age` says to others.
    pub(super) cache_control: HeaderValue,
}

impl StaticFiles {
    /// The files of the folder `path`. Looks into it, for which it blocks a
    /// moment. If it is not there, it may come later.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            config: Some(Arc::new(Config::new(
                Folder::new(path.into(), false),
                String::new(),
                Duration::ZERO,
            ))),
        }
    }

    /// No files: everything is the service's.
    pub const fn none() -> Self {
        Self { config: None }
    }

    /// Where in the paths of requests the folder is. Default: `/`. With `/blog`,
    /// `/blog/a.css` is the file `a.css`.
    pub fn below(self, path: impl Into<String>) -> Self {
        let path = path.into().trim_end_matches('/').to_owned();
        self.with(|config| Config::new(config.folder.clone(), path, config.max_age))
    }

    /// Sends what links lead to, wherever that is, as nginx does. Default: only
    /// what is in the folder.
    pub fn follow_links(self) -> Self {
        self.with(|config| {
            let folder = Folder::new(config.folder.path().to_owned(), true);
            Config::new(folder, config.below.clone(), config.max_age)
        })
    }

    /// How long a file without a fingerprint is fresh. Default: not at all; a
    /// client that has it asks whether it is still the same.
    pub fn max_age(self, time: Duration) -> Self {
        self.with(|config| Config::new(config.folder.clone(), config.below.clone(), time))
    }

    fn with(self, change: impl FnOnce(&Config) -> Config) -> Self {
        Self {
            config: self.config.map(|config| Arc::new(change(&config))),
        }
    }
}

impl Config {
    fn new(folder: Folder, below: String, max_age: Duration) -> Self {
        let seconds = max_age.as_secs();
        let cache_control = format!("public, max-age={seconds}, must-revalidate");
        Self {
            listing: Listing::new(folder.path().to_owned()),
            folder,
            below,
            max_age,
            cache_control: HeaderValue::from_str(&cache_control)
                .unwrap_or_else(|_| HeaderValue::from_static("no-cache")),
        }
    }
}

impl<S> Layer<S> for StaticFiles {
    type Service = StaticFilesService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        StaticFilesService::new(inner, self.config.clone())
    }
}

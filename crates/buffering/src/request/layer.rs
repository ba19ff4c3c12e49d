use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::RequestBufferingService;
use crate::BufferSpace;

/// How much of a body waits in memory, unless said otherwise; Passenger has
/// the same bound.
const MEMORY_PER_BODY: usize = 128 << 10;

/// Layer that passes requests on when their bodies are whole. See the
/// [module](super) for the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuffering {
    config: Arc<Config>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) space: BufferSpace,
    pub(super) memory_per_body: usize,
    /// `u64::MAX` is any size.
    pub(super) max_body_size: u64,
    stream_below: Vec<String>,
    overloaded: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl RequestBuffering {
    /// Buffers bodies of any size in `space`.
    pub fn new(space: BufferSpace) -> Self {
        Self {
            config: Arc::new(Config {
                space,
                memory_per_body: MEMORY_PER_BODY,
                max_body_size: u64::MAX,
                stream_below: Vec::new(),
                overloaded: None,
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// How many bytes of a body wait in memory before it goes to a file, as
    /// nginx's `client_body_buffer_size`. Default: 128 KiB.
    pub fn memory_per_body(self, bytes: usize) -> Self {
        self.with(|config| config.memory_per_body = bytes)
    }

    /// How many bytes a body may have, as nginx's `client_max_body_size`.
    /// Default: any number. A longer one is refused with
    /// [`is_too_large`](super::BufferError::is_too_large): before any of it is
    /// read, if its length is known.
    pub fn max_body_size(self, bytes: u64) -> Self {
        self.with(|config| config.max_body_size = bytes)
    }

    /// Bodies that are sent to `path`, or to what is below it, are passed on as
    /// they come, as with nginx's `proxy_request_buffering off`. `/` is
    /// everything. May be said of several paths.
    pub fn stream_below(self, path: impl Into<String>) -> Self {
        self.with(|config| config.stream_below.push(path.into()))
    }

    /// Refuses a request that has a body, with
    /// [`is_overloaded`](super::BufferError::is_overloaded) and before any of
    /// it is read, while `overloaded` says so: for a service behind this one
    /// that is always ready, and keeps a queue of its own. Default: never.
    pub fn refuse_while(self, overloaded: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.overloaded = Some(Arc::new(overloaded)))
    }
}

impl Config {
    pub(super) fn streams(&self, path: &str) -> bool {
        self.stream_below.iter().any(|top| is_below(path, top))
    }

    pub(super) fn is_overloaded(&self) -> bool {
        self.overloaded.as_ref().is_some_and(|ask| ask())
    }
}

/// Whether `path` is `top`, or below it: `/upload` is not above `/uploads`.
fn is_below(path: &str, top: &str) -> bool {
    let top = top.trim_end_matches('/');
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl<S> Layer<S> for RequestBuffering {
    type Service = RequestBufferingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestBufferingService::new(inner, Arc::clone(&self.config))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("space", &self.space)
            .field("memory_per_body", &self.memory_per_body)
            .field("max_body_size", &self.max_body_size)
            .field("stream_below", &self.stream_below)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_path_is_a_matter_of_whole_segments() {
        let cases = [
            ("itself", "/upload", "/upload", true),
            ("a page below", "/upload/a", "/upload", true),
            ("with a slash behind", "/upload/a", "/upload/", true),
            ("another name", "/uploads", "/upload", false),
            ("above it", "/", "/upload", false),
            ("everything", "/any/thing", "/", true),
            ("the server itself", "*", "/", false),
        ];
        for (name, path, top, expected) in cases {
            assert_eq!(is_below(path, top), expected, "{name}");
        }
    }
}

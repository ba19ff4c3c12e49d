use std::sync::Arc;

use tower_layer::Layer;

use super::ResponseBufferingService;
use crate::BufferSpace;

/// How much of a response waits in memory, unless said otherwise.
const MEMORY_PER_BODY: usize = 1 << 20;

/// How much of a response waits in all: Passenger's default.
const HIGH_WATERMARK: u64 = 128 << 20;

/// Layer that reads responses ahead of their clients. See the [module](super)
/// for the rules.
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseBuffering {
    config: Arc<Config>,
}

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) space: BufferSpace,
    pub(super) memory_per_body: usize,
    pub(super) high_watermark: u64,
}

impl ResponseBuffering {
    /// Buffers responses in `space`.
    pub fn new(space: BufferSpace) -> Self {
        Self {
            config: Arc::new(Config {
                space,
                memory_per_body: MEMORY_PER_BODY,
                high_watermark: HIGH_WATERMARK,
            }),
        }
    }

    /// How many bytes of a response wait in memory before the rest goes to a
    /// file. Default: 1 MiB.
    pub fn memory_per_body(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.config).memory_per_body = bytes;
        self
    }

    /// How many bytes of a response may wait, in memory and in a file together,
    /// before the service is held back; as Passenger's
    /// `passenger_response_buffer_high_watermark`, and much as nginx's
    /// `proxy_max_temp_file_size`. Default: 128 MiB. With no more than
    /// [`memory_per_body`](Self::memory_per_body), nothing goes to a file.
    pub fn high_watermark(mut self, bytes: u64) -> Self {
        Arc::make_mut(&mut self.config).high_watermark = bytes;
        self
    }
}

impl Config {
    /// How large the file of one response may grow.
    pub(super) fn max_file(&self) -> u64 {
        self.high_watermark
            .saturating_sub(self.memory_per_body as u64)
    }
}

impl<S> Layer<S> for ResponseBuffering {
    type Service = ResponseBufferingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseBufferingService::new(inner, Arc::clone(&self.config))
    }
}

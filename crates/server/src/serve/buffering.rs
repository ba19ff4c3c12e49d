use peregrine::{
    buffering::{BufferSpace, request::RequestBuffering, response::ResponseBuffering},
    upstream_pool::PoolHandle,
};

use crate::settings::BufferingSettings;

/// The buffers for both directions, and the space that they share. `pool` is asked
/// whether its queue is full before a body is read.
pub(super) fn buffering(
    settings: &BufferingSettings,
    pool: Option<PoolHandle>,
) -> (RequestBuffering, ResponseBuffering, BufferSpace) {
    let mut space = BufferSpace::new()
        .memory(settings.memory)
        .files(settings.files);
    if let Some(dir) = &settings.dir {
        space = space.dir(dir);
    }
    let mut requests = RequestBuffering::new(space.clone());
    if let Some(bytes) = settings.max_request_body_size {
        requests = requests.max_body_size(bytes);
    }
    for path in &settings.stream_requests_below {
        requests = requests.stream_below(path);
    }
    if let Some(pool) = pool {
        requests = requests.refuse_while(move || pool.is_queue_full());
    }
    let responses =
        ResponseBuffering::new(space.clone()).high_watermark(settings.response_high_watermark);
    (requests, responses, space)
}

/// The application asked for out-of-band work with this response. Whoever
/// takes the request for it off the response puts this into the response's
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestRequested;

use std::{error::Error, fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use http_body::Body;

/// The body of a request, from its beginning, as often as it is needed.
///
/// Whoever has the whole of a body puts this into the extensions of its request:
/// then it can be sent again, if its method allows that, after a connection has
/// broken. Whoever changes the body on the way must take this out.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
/// use peregrine_core::Replay;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let replay = Replay::new(|| Full::<Bytes>::from("once more").map_err(|never| match never {}));
/// for _ in 0..2 {
///     assert_eq!(replay.body().collect().await?.to_bytes(), "once more");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Replay(Arc<dyn Fn() -> ReplayedBody + Send + Sync>);

/// A body that [`Replay`] makes.
pub type ReplayedBody =
    Pin<Box<dyn Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Send>>;

impl Replay {
    /// Has `make` make the same body each time.
    pub fn new<B>(make: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(make())))
    }

    /// The body, from its beginning.
    pub fn body(&self) -> ReplayedBody {
        (self.0)()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

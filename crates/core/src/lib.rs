//! The words that Peregrine's layers share.
//!
//! No layer names another layer. What one has to tell another is a typed
//! extension on a request or a response, or a handle that rides in a body, and
//! those few types are this crate:
//!
//! | word | rides on | written by | read by |
//! |---|---|---|---|
//! | [`TargetOrigin`] | request | whoever knows that a proxy in front is to be trusted | the cache's key, the `X-Forwarded-*` fields |
//! | [`Variant`] | request | whoever knows which variant of a page a client may see | the cache, which keeps the variants apart |
//! | [`RenderedFor`] | response | whoever knows for whom the application has answered | the cache, which stores it for nobody else |
//! | [`CacheStatus`] | response | the cache | accounting, logs, any app |
//! | [`ServedBy`] | response | the process pool | accounting, logs |
//! | [`RestRequested`] | response | out-of-band | accounting, logs |
//! | [`ControlFields`] | response | whoever took it from the application | those who understand what it says to the server alone |
//! | [`CloseDelimited`] | response | whoever took it from its connection | the cache, which then does not store it |
//! | [`Replay`] | request | whoever has its whole body | the process pool, which may send it again |
//! | [`UpgradeOffer`] | request | whoever can hand the client's connection over | the process pool, which passes it on |
//! | [`Upgraded`], with a [`LeaveNotice`] | response | the process pool | whoever has made the offer |
//! | [`GuardedBody`] | response body | whoever must know when an exchange is over | itself, on drop |
//!
//! Beside them stand [`hop_by_hop`], the one rule of HTTP that both a cache and a
//! proxy must apply in the same way; [`Clock`], which is handed to whatever goes by
//! the time, and the [`moment`], which is one reading of the clock for many; [`PerThread`], for whatever is counted with every request; and [`Shared`],
//! for what every request holds.
//!
//! ```
//! use http::Response;
//! use peregrine_core::{CacheStatus, ForwardReason};
//!
//! // A layer further out learns what the cache did from the type alone.
//! let mut response = Response::new(());
//! response.extensions_mut().insert(CacheStatus::forward(ForwardReason::UriMiss));
//!
//! let status = response.extensions().get::<CacheStatus>().unwrap();
//! assert!(!status.is_hit());
//! assert_eq!(status.to_string(), "fwd=uri-miss");
//! ```

mod cache_status;
mod clock;
mod close_delimited;
mod control_fields;
mod guarded_body;
pub mod hop_by_hop;
pub mod moment;
mod per_thread;
mod replay;
mod rest_requested;
mod served_by;
mod shared;
mod target_origin;
mod upgrade;
mod upgraded;
pub mod variant;

pub use cache_status::{CacheStatus, ForwardReason};
pub use clock::{Clock, SystemClock};
pub use close_delimited::CloseDelimited;
pub use control_fields::ControlFields;
pub use guarded_body::GuardedBody;
pub use per_thread::PerThread;
pub use replay::{Replay, ReplayedBody};
pub use rest_requested::RestRequested;
pub use served_by::ServedBy;
pub use shared::{Again, Shared};
pub use target_origin::TargetOrigin;
pub use upgrade::UpgradeOffer;
pub use upgraded::{ByteStream, EndedBy, LeaveNotice, Upgraded, UpgradedConnection};
pub use variant::{RenderedFor, Variant, VariantName};

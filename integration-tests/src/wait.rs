//! Waiting for what must come, without depending on how fast it comes.
//!
//! The bound is a safety net: it turns "never" into a failing test, and lies
//! far beyond what the slowest machine needs.

use std::{future::Future, time::Duration};

use tokio::time;

/// Far longer than anything here takes.
pub const LIMIT: Duration = Duration::from_secs(90);

/// What `future` gives.
///
/// # Panics
///
/// If that takes longer than [`LIMIT`]; `what` says what was waited for.
pub async fn bounded<F: Future>(what: &str, future: F) -> F::Output {
    time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("still waiting for {what} after {LIMIT:?}"))
}

/// Asks `probe` again and again until it gives a value.
///
/// # Panics
///
/// If that takes longer than [`LIMIT`]; `what` says what was waited for.
pub async fn until<T, F>(what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    bounded(what, async {
        loop {
            if let Some(value) = probe().await {
                return value;
            }
            // What is waited for happens in another process, and tells nobody.
            time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

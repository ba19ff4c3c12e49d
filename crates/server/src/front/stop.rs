use tokio::{sync::watch, task::yield_now};

/// Tells all connections that the server stops, and waits until they are gone.
#[derive(Debug)]
pub(super) struct Stop(watch::Sender<bool>);

/// What one connection is told by. It is waited for until this is dropped.
#[derive(Debug)]
pub(super) struct Stopped(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// For one more connection.
    pub(super) fn stopped(&self) -> Stopped {
        Stopped(self.0.subscribe())
    }

    /// How many connections there are.
    pub(super) fn count(&self) -> usize {
        self.0.receiver_count()
    }

    /// Dropped before it is done, they are told all the same.
    pub(super) async fn stop(&self) {
        self.0.send_replace(true);
        self.0.closed().await;
    }
}

impl Stopped {
    /// Resolves when the server stops, or if nobody can tell any more.
    ///
    /// By then the runtime has seen what clients had sent before: who closes a
    /// connection whose request is in the kernel still loses it.
    pub(super) async fn told(&mut self) {
        let _ = self.0.wait_for(|stops| *stops).await;
        // The driver looks for news before this goes on.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    #[tokio::test]
    async fn who_is_told_is_waited_for() {
        let stop = Stop::new();
        let (mut one, other) = (stop.stopped(), stop.stopped());
        assert_eq!(stop.count(), 2);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(one.told()).poll(&mut cx).is_pending());

        let mut over = pin!(stop.stop());
        assert!(over.as_mut().poll(&mut cx).is_pending());
        one.told().await;
        one.told().await;
        drop(one);
        assert!(over.as_mut().poll(&mut cx).is_pending());
        drop(other);
        assert!(over.as_mut().poll(&mut cx).is_ready());
    }
}

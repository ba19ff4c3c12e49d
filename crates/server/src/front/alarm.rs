use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::when_woken::WhenWoken;

/// Notices when a client says nothing, or too little.
///
/// It rings once in [`QUIET`], whatever happens on the connection, and looks then which
/// request is waited for. Since it is not set anew with each request, a busy connection
/// neither reads the clock nor touches the runtime's timers, which all connections share.
/// In return, a wait that has begun between two rings counts from the second one: a client
/// may take that much longer.
pub(super) struct Alarm {
    rings: Pin<Box<WhenWoken<Sleep>>>,
    patience: Duration,
    /// The request that was waited for when it rang last.
    waits_for: Option<u64>,
    /// For how long.
    waited: Duration,
    /// From the last ring to the next one.
    pause: Duration,
}

/// A wait for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// How many have come before.
    pub(super) request: u64,
    /// Some of it has come.
    pub(super) has_begun: bool,
}

/// What has become of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tired {
    /// Nothing has come for [`QUIET`].
    Quiet,
    /// The request has not come in time.
    TooLong,
}

/// How long no request comes on a connection that is quiet.
pub(super) const QUIET: Duration = Duration::from_secs(1);

impl Alarm {
    /// For one who waits for `patience` at most. The first wait begins now.
    pub(super) fn new(patience: Duration) -> Self {
        let pause = patience.min(QUIET);
        Self {
            rings: Box::pin(WhenWoken::new(sleep_until(Instant::now() + pause))),
            patience,
            waits_for: Some(0),
            waited: Duration::ZERO,
            pause,
        }
    }

    /// `wait` is what is waited for now, if anything is.
    pub(super) fn poll(&mut self, wait: Option<Wait>, cx: &mut Context<'_>) -> Poll<Tired> {
        loop {
            ready!(self.rings.as_mut().poll(cx));
            if let Some(tired) = self.ring(wait) {
                return Poll::Ready(tired);
            }
            let next = self.rings.get_ref().deadline() + self.pause;
            self.rings.as_mut().get_pin_mut().reset(next);
        }
    }

    fn ring(&mut self, wait: Option<Wait>) -> Option<Tired> {
        let waits_for = wait.map(|wait| wait.request);
        if self.waits_for == waits_for {
            self.waited += self.pause;
        } else {
            self.waits_for = waits_for;
            self.waited = Duration::ZERO;
        }
        self.pause = self.patience.min(QUIET);
        let wait = wait?;
        if self.waited >= self.patience {
            return Some(Tired::TooLong);
        }
        if self.waited >= QUIET && !wait.has_begun {
            return Some(Tired::Quiet);
        }
        self.pause = self.pause.min(self.patience.saturating_sub(self.waited));
        None
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(4500);

    /// Waits for a request that has begun, or not.
    const fn wait(request: u64, has_begun: bool) -> Wait {
        Wait { request, has_begun }
    }

    async fn tired(alarm: &mut Alarm, wait: Wait) -> (Tired, Duration) {
        let begun = Instant::now();
        let tired = poll_fn(|cx| alarm.poll(Some(wait), cx)).await;
        (tired, begun.elapsed())
    }

    fn is_tired(alarm: &mut Alarm, wait: Option<Wait>) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        alarm.poll(wait, &mut cx).is_ready()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_wait_is_quiet_or_too_long_in_its_time() {
        let mut alarm = Alarm::new(PATIENCE);
        assert_eq!(
            tired(&mut alarm, wait(0, false)).await,
            (Tired::Quiet, QUIET)
        );
        let mut alarm = Alarm::new(PATIENCE);
        let expected = (Tired::TooLong, PATIENCE);
        assert_eq!(tired(&mut alarm, wait(0, true)).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_begins_between_two_rings_counts_from_the_second() {
        let mut alarm = Alarm::new(PATIENCE);
        advance(QUIET / 2).await;
        let (end, after) = tired(&mut alarm, wait(1, true)).await;
        assert_eq!((end, after), (Tired::TooLong, PATIENCE + QUIET / 2));
        let mut alarm = Alarm::new(PATIENCE);
        advance(QUIET / 2).await;
        let (end, after) = tired(&mut alarm, wait(1, false)).await;
        assert_eq!((end, after), (Tired::Quiet, QUIET + QUIET / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_connection_is_never_quiet() {
        let mut alarm = Alarm::new(PATIENCE);
        for request in 1..50 {
            advance(QUIET / 2).await;
            assert!(
                !is_tired(&mut alarm, Some(wait(request, false))),
                "{request}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_while_a_request_runs() {
        let mut alarm = Alarm::new(PATIENCE);
        for _ in 0..50 {
            advance(QUIET / 2).await;
            assert!(!is_tired(&mut alarm, None));
        }
        let (end, _) = tired(&mut alarm, wait(1, false)).await;
        assert_eq!(end, Tired::Quiet);
    }

    #[tokio::test(start_paused = true)]
    async fn one_without_patience_for_that_is_never_quiet() {
        let patience = QUIET / 2;
        let mut alarm = Alarm::new(patience);
        let expected = (Tired::TooLong, patience);
        assert_eq!(tired(&mut alarm, wait(0, false)).await, expected);
    }
}

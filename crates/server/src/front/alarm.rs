use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::when_woken::WhenWoken;

/// Notices when a client says nothing, or too little.
///
/// It rings once in [`QUIET`], and looks then which request is waited for. Since it is not
/// set anew with each request, a busy connection neither reads the clock nor touches the
/// runtime's timers, which all connections share. In return, a wait that has begun between
/// two rings counts from the second one: a client may take that much longer. When it finds
/// a request that runs, it is off until that is answered: some run for days.
pub(super) struct Alarm {
    rings: Pin<Box<WhenWoken<Sleep>>>,
    is_on: bool,
    patience: Duration,
    /// The request that was waited for when it rang last.
    waits_for: u64,
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
            is_on: true,
            patience,
            waits_for: 0,
            waited: Duration::ZERO,
            pause,
        }
    }

    /// `wait` is what is waited for now, if anything is: asked when it rings, and while it
    /// is off.
    pub(super) fn poll(
        &mut self,
        wait: impl Fn() -> Option<Wait>,
        cx: &mut Context<'_>,
    ) -> Poll<Tired> {
        if !self.is_on
            && let Some(wait) = wait()
        {
            self.is_on = true;
            self.begin(wait);
            self.set(Instant::now());
        }
        while self.is_on {
            ready!(self.rings.as_mut().poll(cx));
            let Some(wait) = wait() else {
                self.is_on = false;
                break;
            };
            if let Some(tired) = self.ring(wait) {
                return Poll::Ready(tired);
            }
            self.set(self.rings.get_ref().deadline());
        }
        Poll::Pending
    }

    fn ring(&mut self, wait: Wait) -> Option<Tired> {
        if self.waits_for != wait.request {
            self.begin(wait);
            return None;
        }
        self.waited += self.pause;
        if self.waited >= self.patience {
            return Some(Tired::TooLong);
        }
        if self.waited >= QUIET && !wait.has_begun {
            return Some(Tired::Quiet);
        }
        self.pause = self.patience.saturating_sub(self.waited).min(QUIET);
        None
    }

    fn begin(&mut self, wait: Wait) {
        self.waits_for = wait.request;
        self.waited = Duration::ZERO;
        self.pause = self.patience.min(QUIET);
    }

    fn set(&mut self, now: Instant) {
        let next = now + self.pause;
        self.rings.as_mut().get_pin_mut().reset(next);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(4500);

    /// Waits for a request that has begun, or not.
    const fn wait(request: u64, has_begun: bool) -> Wait {
        Wait { request, has_begun }
    }

    async fn tired(alarm: &mut Alarm, wait: Wait) -> (Tired, Duration) {
        let begun = Instant::now();
        let tired = poll_fn(|cx| alarm.poll(|| Some(wait), cx)).await;
        (tired, begun.elapsed())
    }

    fn is_tired(alarm: &mut Alarm, wait: Option<Wait>) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        alarm.poll(|| wait, &mut cx).is_ready()
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
        let expected = (Tired::Quiet, QUIET);
        assert_eq!(tired(&mut alarm, wait(1, false)).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_but_once_while_a_request_runs() {
        let mut alarm = Alarm::new(PATIENCE);
        let mut polls = 0;
        let running = poll_fn(|cx| {
            polls += 1;
            alarm.poll(|| None, cx).map(drop)
        });
        assert!(timeout(QUIET * 1000, running).await.is_err());
        // When it begins, at the ring, and at the end of the test's own time.
        assert_eq!(polls, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn one_without_patience_for_that_is_never_quiet() {
        let patience = QUIET / 2;
        let mut alarm = Alarm::new(patience);
        let expected = (Tired::TooLong, patience);
        assert_eq!(tired(&mut alarm, wait(0, false)).await, expected);
    }
}

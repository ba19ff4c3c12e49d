use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{self, Timer};
use tokio::time;

use super::when_woken::WhenWoken;

/// Times out what one connection waits for.
///
/// hyper starts a pause before each request head, and drops it when the head
/// has come: with a timer of its own, every request would enter and leave the
/// runtime's timer wheel, which all connections share. Pauses on one
/// connection end in the order in which they begin, so one alarm does for all:
/// it rings when the first one would have ended, and is set anew, then, for
/// the pause that is on by that time. A busy connection does that once in
/// [`QUIET`].
///
/// Since there is a pause whenever hyper waits for a request and at no other
/// time, it also tells when a connection has become quiet.
#[derive(Clone)]
pub(super) struct ConnectionTimer {
    alarm: Arc<Alarm>,
    /// How long before its end a pause makes a connection quiet. `None`: never.
    quiet_before: Option<Duration>,
}

/// How long no request comes on a connection that is quiet.
pub(super) const QUIET: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Alarm {
    /// Nobody else waits for this lock: one task polls a connection.
    sleep: Mutex<Option<Pin<Box<WhenWoken<time::Sleep>>>>>,
    is_quiet: AtomicBool,
}

impl ConnectionTimer {
    /// For one whose pauses last for `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            alarm: Arc::default(),
            quiet_before: patience.checked_sub(QUIET),
        }
    }

    /// Whether no request has begun for [`QUIET`], or it has not ended. The task
    /// is woken when that gets true. Never, if patience does not last for longer.
    pub(super) fn is_quiet(&self) -> bool {
        self.alarm.is_quiet.load(Relaxed)
    }
}

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Pause {
            alarm: Arc::clone(&self.alarm),
            quiet_at: self
                .quiet_before
                .and_then(|before| deadline.checked_sub(before))
                .map(Into::into),
            deadline: deadline.into(),
        })
    }

    fn now(&self) -> Instant {
        // tokio's, so that a test can move it.
        time::Instant::now().into_std()
    }
}

struct Pause {
    alarm: Arc<Alarm>,
    /// Absent once it is.
    quiet_at: Option<time::Instant>,
    deadline: time::Instant,
}

impl rt::Sleep for Pause {}

impl Pause {
    fn next(&self) -> time::Instant {
        self.quiet_at
            .map_or(self.deadline, |quiet| quiet.min(self.deadline))
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.alarm.is_quiet.store(false, Relaxed);
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let sleep = this.alarm.sleep.lock();
        let mut sleep = sleep.unwrap_or_else(PoisonError::into_inner);
        let mut next = this.next();
        let sleep = sleep.get_or_insert_with(|| Box::pin(WhenWoken::new(time::sleep_until(next))));
        // Set for a pause that would have ended later, or for the end of one that
        // was quiet already.
        if sleep.get_ref().deadline() > next {
            sleep.as_mut().get_pin_mut().reset(next);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.get_ref().deadline() >= this.deadline {
                return Poll::Ready(());
            }
            // Otherwise it was set for a pause before this one.
            if sleep.get_ref().deadline() >= next {
                this.quiet_at = None;
                this.alarm.is_quiet.store(true, Relaxed);
                next = this.next();
            }
            sleep.as_mut().get_pin_mut().reset(next);
        }
    }
}

impl fmt::Debug for ConnectionTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionTimer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn is_over(pause: &mut Pin<Box<dyn rt::Sleep>>) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        pause.as_mut().poll(&mut cx).is_ready()
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_at_its_own_time_whatever_the_alarm_was_set_for() {
        let timer = ConnectionTimer::new(PATIENCE);
        let mut first = timer.sleep(PATIENCE);
        assert!(!is_over(&mut first));
        drop(first);

        time::advance(Duration::from_secs(29)).await;
        let mut second = timer.sleep(PATIENCE);
        assert!(!is_over(&mut second));
        // The alarm rings for the first one, which is gone.
        time::advance(Duration::from_secs(1)).await;
        assert!(!is_over(&mut second));
        time::advance(Duration::from_secs(28)).await;
        assert!(!is_over(&mut second));
        time::advance(Duration::from_secs(1)).await;
        assert!(is_over(&mut second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_pause_does_not_wait_for_the_longer_one_before_it() {
        let timer = ConnectionTimer::new(PATIENCE);
        let mut long = timer.sleep(PATIENCE);
        assert!(!is_over(&mut long));
        let mut short = timer.sleep(PATIENCE / 2);
        assert!(!is_over(&mut short));
        time::advance(PATIENCE / 2).await;
        assert!(is_over(&mut short));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_quiet_a_second_after_a_pause_has_begun() {
        let timer = ConnectionTimer::new(PATIENCE);
        let mut first = timer.sleep(PATIENCE);
        assert!(!is_over(&mut first));
        time::advance(QUIET / 2).await;
        drop(first);
        let mut second = timer.sleep(PATIENCE);
        assert!(!is_over(&mut second));

        // The alarm is set for the first one.
        time::advance(QUIET / 2).await;
        assert!(!is_over(&mut second));
        assert!(!timer.is_quiet());
        time::advance(QUIET / 2).await;
        assert!(!is_over(&mut second));
        assert!(timer.is_quiet());

        // It is not over for that.
        time::advance(PATIENCE.saturating_sub(2 * QUIET)).await;
        assert!(!is_over(&mut second));
        time::advance(QUIET).await;
        assert!(is_over(&mut second));
        drop(second);
        assert!(!timer.is_quiet(), "a request has come");

        // And all over again.
        let mut third = timer.sleep(PATIENCE);
        assert!(!is_over(&mut third));
        time::advance(QUIET).await;
        assert!(!is_over(&mut third));
        assert!(timer.is_quiet());
    }

    #[tokio::test(start_paused = true)]
    async fn one_without_patience_for_that_is_never_quiet() {
        let timer = ConnectionTimer::new(QUIET / 2);
        let mut pause = timer.sleep(QUIET / 2);
        assert!(!is_over(&mut pause));
        time::advance(QUIET / 2).await;
        assert!(is_over(&mut pause));
        assert!(!timer.is_quiet());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken() {
        let timer = ConnectionTimer::new(PATIENCE);
        let begun = time::Instant::now();
        drop(timer.sleep(PATIENCE));
        timer.sleep(PATIENCE).await;
        timer.sleep(PATIENCE).await;
        assert_eq!(begun.elapsed(), 2 * PATIENCE);
    }
}

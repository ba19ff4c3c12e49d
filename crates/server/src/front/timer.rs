use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{self, Timer};
use tokio::time;

/// Times out what one connection waits for.
///
/// hyper starts a pause before each request head, and drops it when the head
/// has come: with a timer of its own, every request would enter and leave the
/// runtime's timer wheel, which all connections share. Pauses on one
/// connection end in the order in which they begin, so one alarm does for all:
/// it rings when the first one would have ended, and is set anew, then, for
/// the pause that is on by that time. A busy connection does that once in a
/// time-out.
#[derive(Clone, Default)]
pub(super) struct ConnectionTimer {
    alarm: Alarm,
}

/// Nobody else waits for this lock: one task polls a connection.
type Alarm = Arc<Mutex<Option<Pin<Box<time::Sleep>>>>>;

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Pause {
            alarm: Arc::clone(&self.alarm),
            deadline: deadline.into(),
        })
    }

    fn now(&self) -> Instant {
        // tokio's, so that a test can move it.
        time::Instant::now().into_std()
    }
}

struct Pause {
    alarm: Alarm,
    deadline: time::Instant,
}

impl rt::Sleep for Pause {}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = alarm.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        // Set for a pause that would have ended later: never so with one
        // time-out, but not ours to assume.
        if alarm.deadline() > self.deadline {
            alarm.as_mut().reset(self.deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            // It was set for a pause before this one.
            alarm.as_mut().reset(self.deadline);
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
        let timer = ConnectionTimer::default();
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
        let timer = ConnectionTimer::default();
        let mut long = timer.sleep(PATIENCE);
        assert!(!is_over(&mut long));
        let mut short = timer.sleep(PATIENCE / 2);
        assert!(!is_over(&mut short));
        time::advance(PATIENCE / 2).await;
        assert!(is_over(&mut short));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken() {
        let timer = ConnectionTimer::default();
        let begun = time::Instant::now();
        drop(timer.sleep(PATIENCE));
        timer.sleep(PATIENCE).await;
        timer.sleep(PATIENCE).await;
        assert_eq!(begun.elapsed(), 2 * PATIENCE);
    }
}

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{self, Instant, Sleep};

/// Rings when it is time. Kept for a connection's life, since it is set for each of its
/// requests and hardly ever rings.
///
/// The timer that it has is left where it is as long as that is early enough: it costs
/// less to find now and then that it was too early than to move it each time.
#[derive(Default)]
pub(super) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    due: Option<Instant>,
}

impl Alarm {
    pub(super) fn set(&mut self, due: Instant) {
        self.due = Some(due);
        match &mut self.timer {
            Some(timer) if timer.deadline() <= due => {}
            Some(timer) => timer.as_mut().reset(due),
            none => *none = Some(Box::pin(time::sleep_until(due))),
        }
    }

    /// Ready once it is time; never, if it was not set.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (Some(timer), Some(due)) = (&mut self.timer, self.due) else {
            return Poll::Pending;
        };
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_was_set_to_the_last_time() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut alarm = Alarm::default();
        for (name, set, due) in [
            ("for the first time", &[60][..], 60),
            ("later, twice", &[120, 180], 180),
            ("earlier", &[300, 240], 240),
            ("after it has rung", &[360], 360),
        ] {
            for seconds in set {
                alarm.set(at(*seconds));
                assert!(
                    alarm
                        .poll(&mut Context::from_waker(std::task::Waker::noop()))
                        .is_pending()
                );
            }
            poll_fn(|cx| alarm.poll(cx)).await;
            assert_eq!(begun.elapsed().as_secs(), due, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_not_set_does_not_ring() {
        let mut alarm = Alarm::default();
        let rung = poll_fn(|cx| alarm.poll(cx));
        assert!(time::timeout(Duration::from_secs(60), rung).await.is_err());
    }
}

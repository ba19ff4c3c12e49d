use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{AcqRel, Acquire, Release},
        },
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;

pin_project! {
    /// A future that is polled only when it has been woken.
    ///
    /// A connection waits for several things at once, and polls all of them whenever
    /// one has news: with each request, that is. To poll the end of the server takes a
    /// lock that all connections share, and a timer has its own price. What costs
    /// more than the look at a flag, and is hardly ever ready, goes in here.
    pub(super) struct WhenWoken<F> {
        #[pin]
        inner: F,
        bell: Arc<Bell>,
        // The bell, as the inner future knows it.
        rings: Waker,
        // Whom the bell wakes.
        task: Option<Waker>,
    }
}

/// What the inner future wakes, instead of the task.
struct Bell {
    has_rung: AtomicBool,
    task: AtomicWaker,
}

impl<F> WhenWoken<F> {
    pub(super) fn new(inner: F) -> Self {
        let bell = Arc::new(Bell {
            // Everything has to be polled once.
            has_rung: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            inner,
            rings: Waker::from(Arc::clone(&bell)),
            bell,
            task: None,
        }
    }

    pub(super) const fn get_ref(&self) -> &F {
        &self.inner
    }

    /// Whether whoever rings from here on wakes the task, which then comes back here, and
    /// nobody has rung.
    fn is_quiet(&self, cx: &Context<'_>) -> bool {
        let task = self.task.as_ref();
        task.is_some_and(|task| task.will_wake(cx.waker())) && !self.bell.has_rung.load(Acquire)
    }

    /// The inner future, to be changed. It is polled after that in any case.
    pub(super) fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut F> {
        let this = self.project();
        this.bell.has_rung.store(true, Release);
        this.inner
    }
}

impl<F: Future> Future for WhenWoken<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.is_quiet(cx) {
            return Poll::Pending;
        }
        self.poll_inner(cx)
    }
}

impl<F: Future> WhenWoken<F> {
    #[cold]
    fn poll_inner(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Before the flag is taken: who rings after that finds the task to wake. To
        // wake is to forget, so this is for each time that it has rung.
        this.bell.task.register(cx.waker());
        match this.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if !this.bell.has_rung.swap(false, AcqRel) {
            return Poll::Pending;
        }
        let polled = this.inner.poll(&mut Context::from_waker(this.rings));
        if polled.is_ready() {
            // Nobody will ring for that again, and some are ready more than once.
            this.bell.has_rung.store(true, Release);
        }
        polled
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use tokio::sync::oneshot;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn task() -> (Arc<Task>, Waker) {
        let task = Arc::<Task>::default();
        (Arc::clone(&task), Waker::from(task))
    }

    /// Resolves when told, and counts how often it is polled.
    fn counted() -> (
        oneshot::Sender<()>,
        Arc<AtomicUsize>,
        impl Future<Output = ()>,
    ) {
        let (tell, mut told) = oneshot::channel();
        let polls = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&polls);
        let future = poll_fn(move |cx| {
            count.fetch_add(1, Relaxed);
            Pin::new(&mut told).poll(cx).map(drop)
        });
        (tell, polls, future)
    }

    #[test]
    fn it_is_polled_once_until_it_is_woken() {
        let (tell, polls, future) = counted();
        let mut future = pin!(WhenWoken::new(future));
        let (task, waker) = task();
        let mut cx = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(future.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!((polls.load(Relaxed), task.0.load(Relaxed)), (1, 0));

        tell.send(()).unwrap();
        assert_eq!(task.0.load(Relaxed), 1);
        assert!(future.as_mut().poll(&mut cx).is_ready());
        assert_eq!(polls.load(Relaxed), 2);
    }

    #[test]
    fn whoever_polled_last_is_woken() {
        let (tell, polls, future) = counted();
        let mut future = pin!(WhenWoken::new(future));
        let ((first, waker), (second, other)) = (task(), task());
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        assert!(
            future
                .as_mut()
                .poll(&mut Context::from_waker(&other))
                .is_pending()
        );
        assert_eq!(
            polls.load(Relaxed),
            1,
            "it knows the bell, whoever hears that"
        );
        tell.send(()).unwrap();
        assert_eq!((first.0.load(Relaxed), second.0.load(Relaxed)), (0, 1));
    }

    #[test]
    fn one_that_wakes_itself_is_polled_again_and_again() {
        let mut left = 3;
        let mut future = pin!(WhenWoken::new(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            left -= 1;
            if left == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        let (task, waker) = task();
        let mut cx = Context::from_waker(&waker);
        for woken in 1..3 {
            assert!(future.as_mut().poll(&mut cx).is_pending());
            assert_eq!(task.0.load(Relaxed), woken);
        }
        assert!(future.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn one_that_stays_ready_is_ready_each_time() {
        let mut future = pin!(WhenWoken::new(poll_fn(|_| Poll::Ready(()))));
        let (_task, waker) = task();
        let mut cx = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(future.as_mut().poll(&mut cx).is_ready());
        }
    }

    #[test]
    fn one_that_was_changed_is_polled() {
        let (_tell, polls, future) = counted();
        let mut future = pin!(WhenWoken::new(future));
        let (_task, waker) = task();
        let mut cx = Context::from_waker(&waker);
        assert!(future.as_mut().poll(&mut cx).is_pending());
        let _changed = future.as_mut().get_pin_mut();
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert_eq!(polls.load(Relaxed), 2);
    }
}

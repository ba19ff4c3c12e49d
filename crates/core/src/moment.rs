//! One reading of the clock for all that happens at once.
//!
//! A request passes a dozen places that want to know what time it is, and between the
//! first and the last of them there is a microsecond or two. To read the clock takes a
//! fiftieth of one, each time. So whoever polls a connection says that this is one
//! [moment](during), and whoever asks [what time it is](now) within that is told the
//! same. Elsewhere the clock is read each time.
//!
//! Not for what is to tell how long something took that may begin and end in one
//! poll.
//!
//! ```
//! use std::{thread::sleep, time::Duration};
//! use peregrine_core::moment;
//!
//! let (came, answered) = moment::during(|| {
//!     let came = moment::now();
//!     sleep(Duration::from_millis(1));
//!     (came, moment::now())
//! });
//! assert_eq!(came, answered);
//! assert!(moment::now() > answered);
//! ```

use std::cell::Cell;

use tokio::time::Instant;

thread_local! {
    static READING: Cell<Reading> = const { Cell::new(Reading::Each) };
}

#[derive(Clone, Copy)]
enum Reading {
    /// There is no moment: the clock is read each time.
    Each,
    /// Nobody has asked yet.
    Due,
    Taken(Instant),
}

/// What time it is: within a [moment](during), as it was when this was asked first.
///
/// By the clock of tokio, so that a test can move it.
pub fn now() -> Instant {
    READING.with(|reading| match reading.get() {
        Reading::Taken(now) => now,
        Reading::Due => {
            let now = Instant::now();
            reading.set(Reading::Taken(now));
            now
        }
        Reading::Each => Instant::now(),
    })
}

/// All that `poll` does on this thread happens [now], whatever that is. A moment
/// within another one is a part of it, or time would go back where it ends.
pub fn during<R>(poll: impl FnOnce() -> R) -> R {
    /// However it is left.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            READING.set(Reading::Each);
        }
    }

    if !matches!(READING.get(), Reading::Each) {
        return poll();
    }
    READING.set(Reading::Due);
    let _end = End;
    poll()
}

#[cfg(test)]
mod tests {
    use std::{panic, time::Duration};

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_stands_still_for_a_moment_and_no_longer() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let mut asked = Vec::new();
        advance(second).await;
        during(|| {
            asked.push(now());
            during(|| asked.push(now()));
            asked.push(now());
        });
        asked.push(now());
        advance(second).await;
        asked.push(now());
        during(|| asked.push(now()));
        let asked: Vec<_> = asked.iter().map(|now| (*now - begun).as_secs()).collect();
        assert_eq!(asked, [1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn a_moment_is_read_when_it_is_asked_for() {
        during(|| {
            let before = Instant::now();
            let first = now();
            assert!(first >= before);
            assert!(now() <= Instant::now());
            assert_eq!(now(), first);
        });
    }

    #[test]
    fn a_panic_ends_it_too() {
        let first = panic::catch_unwind(|| {
            during(|| {
                let first = now();
                panic::resume_unwind(Box::new(first));
            })
        })
        .unwrap_err();
        let first = *first.downcast::<Instant>().unwrap();
        while Instant::now() == first {}
        assert_ne!(now(), first);
    }
}

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

/// A `T` for each of the threads that run at the same time.
///
/// A cache line that two threads write to travels between their cores, at a
/// multiple of the cost of writing. So what is written for every request is
/// written to the `T` of its thread, and who wants to know all looks at each.
///
/// There are as many as the machine runs threads at once, and no more than 16 unless
/// told: if there are more threads, they share. It is no thread's own, but nearly.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use peregrine_core::PerThread;
///
/// let hits = PerThread::<AtomicU64>::default();
/// hits.local().fetch_add(1, Ordering::Relaxed);
/// std::thread::scope(|threads| {
///     threads.spawn(|| hits.local().fetch_add(2, Ordering::Relaxed));
/// });
/// assert_eq!(hits.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>(), 3);
/// ```
pub struct PerThread<T>(Box<[Aligned<T>]>);

/// So that no line is shared: processors fetch lines of 64 bytes in pairs.
#[repr(align(128))]
struct Aligned<T>(T);

/// What bounds the memory that it takes, and the cost of looking at each.
const MAX_THREADS: usize = 16;

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self::at_most(MAX_THREADS, T::default)
    }
}

impl<T> PerThread<T> {
    /// No more than `most`, rounded up to a power of two: where each takes much memory.
    pub fn at_most(most: usize, make: impl Fn() -> T) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        // A power of two makes a mask of the remainder below.
        let threads = threads.min(most).max(1).next_power_of_two();
        Self((0..threads).map(|_| Aligned(make())).collect())
    }

    /// The one of the thread that asks.
    #[inline]
    pub fn local(&self) -> &T {
        // In a thread that is ending, any will do.
        let thread = number().unwrap_or_default();
        &self.0[thread & (self.0.len() - 1)].0
    }

    /// The one that is given to no other thread by this, neither before nor after. `None`
    /// if there were as many threads already that asked, or the thread is ending.
    ///
    /// If all who write to it come by it so, nobody writes in between: no reading and
    /// writing at once is needed, which is what takes most of the time of counting.
    /// [`local`](Self::local) may give it to others as well.
    #[inline]
    pub fn own(&self) -> Option<&T> {
        self.0.get(number()?).map(|aligned| &aligned.0)
    }

    /// Those of all threads.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|aligned| &aligned.0)
    }
}

/// The number of the thread that asks, which no other has: from 0, in the order in which
/// they ask first. `None` in a thread that is ending.
#[inline]
fn number() -> Option<usize> {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = THREADS.fetch_add(1, Relaxed);
    }
    NUMBER.try_with(|number| *number).ok()
}

impl<T: fmt::Debug> fmt::Debug for PerThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn a_thread_finds_what_it_has_written_and_who_looks_at_each_finds_all() {
        let numbers = PerThread::<AtomicU64>::default();
        thread::scope(|threads| {
            for _ in 0..2 * MAX_THREADS {
                threads.spawn(|| {
                    let mine = numbers.local();
                    mine.fetch_add(1, Relaxed);
                    assert!(std::ptr::eq(mine, numbers.local()));
                });
            }
        });
        let sum: u64 = numbers.iter().map(|number| number.load(Relaxed)).sum();
        assert_eq!(sum, 2 * MAX_THREADS as u64);
    }

    #[test]
    fn what_is_a_threads_own_is_nobody_elses() {
        let owners = PerThread::<AtomicU64>::default();
        thread::scope(|threads| {
            for _ in 0..2 * MAX_THREADS {
                threads.spawn(|| {
                    let Some(mine) = owners.own() else {
                        return;
                    };
                    assert_eq!(mine.fetch_add(1, Relaxed), 0);
                    assert!(std::ptr::eq(mine, owners.own().unwrap()));
                    assert!(std::ptr::eq(mine, owners.local()));
                });
            }
        });
        assert!(owners.iter().all(|owners| owners.load(Relaxed) <= 1));
    }

    #[test]
    fn no_two_of_them_share_a_cache_line() {
        let numbers = PerThread::<u8>::default();
        let addresses: Vec<_> = numbers.iter().map(|number| &raw const *number).collect();
        for pair in addresses.windows(2) {
            assert!(pair[1].addr() - pair[0].addr() >= 128);
        }
    }
}

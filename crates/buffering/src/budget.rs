use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A number of bytes that many share.
#[derive(Debug)]
pub(crate) struct Budget {
    max: u64,
    used: AtomicU64,
}

/// What one body has of a budget. Dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Claim {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(max: u64) -> Arc<Self> {
        Arc::new(Self {
            max,
            used: AtomicU64::new(0),
        })
    }

    pub(crate) const fn max(&self) -> u64 {
        self.max
    }

    pub(crate) fn used(&self) -> u64 {
        // Nothing but the number itself is guarded by it: so here and below.
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn claim(self: &Arc<Self>) -> Claim {
        Claim {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Claim {
    /// Takes `bytes` more, unless that would be more than there is.
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        let Budget { max, used } = &*self.budget;
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|used| used <= max)
        });
        if taken.is_ok() {
            self.bytes += bytes;
        }
        taken.is_ok()
    }

    /// Takes `bytes` more, even if that is more than there is: for what is in
    /// memory already, and cannot go elsewhere.
    pub(crate) fn overdraw(&mut self, bytes: u64) {
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// Gives `bytes` back, or all, if it has less.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }

    pub(crate) fn clear(&mut self) {
        self.shrink(self.bytes);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_has_another_cannot_take() {
        let budget = Budget::new(10);
        let (mut one, mut two) = (budget.claim(), budget.claim());
        assert!(one.grow(7));
        assert!(!two.grow(4));
        assert!(two.grow(3));
        one.shrink(5);
        assert!(two.grow(5));
        assert_eq!(budget.used(), 10);
        drop(two);
        assert_eq!(budget.used(), 2);
    }

    #[test]
    fn whoever_overdraws_gives_all_of_it_back() {
        let budget = Budget::new(10);
        let mut claim = budget.claim();
        claim.overdraw(15);
        assert!(!budget.claim().grow(0));
        drop(claim);
        assert!(budget.claim().grow(10));
        assert_eq!(budget.used(), 0);
    }
}

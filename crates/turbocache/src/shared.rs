use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

/// An [`Arc`] whose clones are counted where they were made.
///
/// hyper's adapter for tower clones a service for each request. One count for all
/// connections would travel between the processors with each of them, and that
/// costs more than all else that a hit takes. So each value has a count of its own
/// for what is cloned from it: that of a connection's service is only ever touched
/// where this connection is served.
pub(crate) struct Shared<T> {
    value: Arc<Branch<T>>,
    /// What clones of this one share. Made when the first is.
    branch: OnceLock<Arc<Branch<T>>>,
}

/// One that is not cloned.
pub(crate) struct Again<T>(Arc<Branch<T>>);

/// One count among several for the same value.
struct Branch<T>(Arc<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self {
            value: Arc::new(Branch(value)),
            branch: OnceLock::new(),
        }
    }

    /// The same with the count of this one: for what lives no longer, and is cloned no
    /// more.
    pub(crate) fn again(&self) -> Again<T> {
        Again(Arc::clone(&self.value))
    }

    /// As an [`Arc`] with the count that is everybody's.
    pub(crate) fn arc(&self) -> Arc<T> {
        Arc::clone(&self.value.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        let branch = self.branch.get_or_init(|| Arc::new(Branch(self.arc())));
        Self {
            value: Arc::clone(branch),
            branch: OnceLock::new(),
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value.0
    }
}

impl<T> Deref for Again<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_of_a_clone_does_not_touch_the_first_count() {
        let first = Shared::new(Arc::new("page"));
        let connection = first.clone();
        let before = Arc::strong_count(&connection.value);
        let requests = [(); 3].map(|()| connection.clone());
        assert_eq!(Arc::strong_count(&connection.value), before);
        let again = requests[0].again();
        assert_eq!(*again, "page");
        drop(again);
        assert_eq!(*requests[2], "page");
        assert_eq!(Arc::strong_count(&requests[0].value), 3 + 1);
    }

    #[test]
    fn nothing_is_left_when_the_last_is_gone() {
        let value = Arc::new("page");
        let first = Shared::new(Arc::clone(&value));
        let clones = (first.clone(), first.clone().clone());
        drop(first);
        assert_eq!(*clones.1, "page");
        drop(clones);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}

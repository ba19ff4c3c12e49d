use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::stop::Stop;

/// How many clients are connected, for who looks. Clones look at the same front,
/// and keep nothing of it.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    /// Counts them anyway.
    stop: Weak<Stop>,
    accepted: Arc<AtomicU64>,
    max: usize,
}

impl Connections {
    pub(super) fn new(stop: &Arc<Stop>, max: usize) -> Self {
        Self {
            stop: Arc::downgrade(stop),
            accepted: Arc::default(),
            max,
        }
    }

    /// There is one more.
    pub(super) fn accept(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    /// How many there are now.
    pub(crate) fn connected(&self) -> usize {
        self.stop.upgrade().map_or(0, |stop| stop.count())
    }

    /// How many there may be at once.
    pub(crate) const fn max(&self) -> usize {
        self.max
    }

    /// How many there were so far, those that are connected among them.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_until_they_leave() {
        let stop = Arc::new(Stop::new());
        let connections = Connections::new(&stop, 10);
        let told = || (connections.connected(), connections.accepted());
        assert_eq!((told(), connections.max()), ((0, 0), 10));
        let clients = [(); 2].map(|()| {
            connections.accept();
            stop.stopped()
        });
        assert_eq!(told(), (2, 2));
        drop(clients);
        assert_eq!(told(), (0, 2));
        drop(stop);
        assert_eq!(told(), (0, 2), "of a front that is gone");
    }
}

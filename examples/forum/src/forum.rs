use std::{hint, path::Path, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::store::{Person, Store, StoreError};

/// A forum, as one process has it.
#[derive(Clone, Debug)]
pub struct Forum {
    pub(crate) store: Store,
    rendering: Duration,
    computing: Duration,
}

impl Forum {
    /// The one whose database is at `path`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            store: Store::open(path)?,
            rendering: Duration::ZERO,
            computing: Duration::ZERO,
        })
    }

    /// Lets each page that is rendered take this much longer, as one with slow
    /// queries does. Not at all by default.
    pub fn rendering_takes(self, rendering: Duration) -> Self {
        Self { rendering, ..self }
    }

    /// Lets each page that is rendered take so much of a processor's time more, as
    /// one with large templates in a slow language does. None by default.
    pub fn rendering_computes(self, computing: Duration) -> Self {
        Self { computing, ..self }
    }

    /// Makes the member of this name staff, if there is one. Whoever is logged in
    /// notices within the five minutes for which the server remembers levels.
    ///
    /// # Errors
    ///
    /// If the database does not take it.
    pub fn make_staff(&self, name: &str) -> Result<bool, StoreError> {
        self.store
            .write_here(|connection| Person::make_staff(connection, name))
    }

    /// Takes as long as a page that is slow to render.
    pub(crate) async fn render_slowly(&self) {
        if !self.rendering.is_zero() {
            tokio::time::sleep(self.rendering).await;
        }
        let end = processor_time() + self.computing;
        // Whoever else is here waits, as behind any template that is rendered.
        while processor_time() < end {
            hint::spin_loop();
        }
    }
}

/// What this thread has taken of a processor's time.
fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

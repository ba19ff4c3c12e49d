use std::{path::Path, time::Duration};

use crate::store::{Store, StoreError};

/// A forum, as one process has it.
#[derive(Clone, Debug)]
pub struct Forum {
    pub(crate) store: Store,
    rendering: Duration,
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
        })
    }

    /// Lets each page that is rendered take this much longer, as one with slow
    /// queries does. Not at all by default.
    pub fn rendering_takes(self, rendering: Duration) -> Self {
        Self { rendering, ..self }
    }

    /// Waits as long as a page takes that is slow to render.
    pub(crate) async fn render_slowly(&self) {
        if !self.rendering.is_zero() {
            tokio::time::sleep(self.rendering).await;
        }
    }
}

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    budget::{Budget, Claim},
    temp_file::TempFile,
};

/// What all buffered bodies may take in memory, in bytes, unless said
/// otherwise.
const MEMORY: u64 = 64 << 20;

/// What they may take in files.
const FILES: u64 = 4 << 30;

/// Where bodies wait: in memory, then in temporary files, with a bound on
/// each for all of them together.
///
/// Clones share the bounds, so that one space can serve the requests and the
/// responses of many services.
///
/// ```
/// use peregrine_buffering::BufferSpace;
///
/// let space = BufferSpace::new().memory(16 << 20).files(1 << 30).dir("/var/tmp");
/// assert_eq!((space.memory_used(), space.files_used()), (0, 0));
/// assert_eq!((space.memory_max(), space.files_max()), (16 << 20, 1 << 30));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct BufferSpace {
    dir: Arc<Path>,
    memory: Arc<Budget>,
    files: Arc<Budget>,
}

impl BufferSpace {
    /// 64 MiB of memory, and 4 GiB of files in the system's folder for
    /// temporary ones.
    pub fn new() -> Self {
        Self {
            dir: env::temp_dir().into(),
            memory: Budget::new(MEMORY),
            files: Budget::new(FILES),
        }
    }

    /// How many bytes may wait in memory. Default: 64 MiB. Beyond that, bodies
    /// wait in files, however small they are. For a new space: what clones
    /// made before have taken does not count.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Budget::new(bytes);
        self
    }

    /// How many bytes may wait in files. Default: 4 GiB. Beyond that, a request
    /// is refused, and a response is read from the application no faster than
    /// its client takes it. For a new space, as [`memory`](Self::memory).
    pub fn files(mut self, bytes: u64) -> Self {
        self.files = Budget::new(bytes);
        self
    }

    /// Where the files are, as Passenger's `passenger_data_buffer_dir`.
    /// Default: [`std::env::temp_dir`]. They have no names: only whoever has
    /// opened one can read it, and none is left behind, even by a crash.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into().into();
        self
    }

    /// How many bytes may wait in memory.
    pub fn memory_max(&self) -> u64 {
        self.memory.max()
    }

    /// How many bytes may wait in files.
    pub fn files_max(&self) -> u64 {
        self.files.max()
    }

    /// How many bytes wait in memory now. A little more than may if what was there
    /// already could not go into a file.
    pub fn memory_used(&self) -> u64 {
        self.memory.used()
    }

    /// How many bytes wait in files now.
    pub fn files_used(&self) -> u64 {
        self.files.used()
    }

    pub(crate) fn claim_memory(&self) -> Claim {
        self.memory.claim()
    }

    pub(crate) fn claim_files(&self) -> Claim {
        self.files.claim()
    }

    pub(crate) async fn create_file(&self) -> io::Result<TempFile> {
        TempFile::create(Arc::clone(&self.dir)).await
    }
}

impl Default for BufferSpace {
    fn default() -> Self {
        Self::new()
    }
}

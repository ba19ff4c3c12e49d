use std::{
    fs::File,
    future::Future,
    io,
    os::unix::fs::FileExt,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// A file without a name. Dropped, it is gone.
///
/// A disk may take its time, so whatever touches it runs on a thread that may
/// block. Clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct TempFile(Arc<File>);

impl TempFile {
    pub(crate) async fn create(dir: Arc<Path>) -> io::Result<Self> {
        let file = blocking(move || tempfile::tempfile_in(dir)).await?;
        Ok(Self(Arc::new(file)))
    }

    /// Writes `pieces`, one after the other, from `at` on.
    ///
    /// Dropped before it is done, it is done all the same, and the file is gone
    /// then.
    pub(crate) fn write(&self, pieces: Vec<Bytes>, mut at: u64) -> Blocking<()> {
        let file = Arc::clone(&self.0);
        blocking(move || {
            for piece in pieces {
                file.write_all_at(&piece, at)?;
                at += piece.len() as u64;
            }
            Ok(())
        })
    }

    /// Reads `len` bytes from `at` on.
    pub(crate) fn read(&self, at: u64, len: usize) -> Blocking<Bytes> {
        let file = Arc::clone(&self.0);
        blocking(move || {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, at)?;
            Ok(bytes.into())
        })
    }
}

/// What another thread is about to have done.
#[derive(Debug)]
pub(crate) struct Blocking<T>(JoinHandle<io::Result<T>>);

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Blocking<T> {
    Blocking(spawn_blocking(work))
}

impl<T> Future for Blocking<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Only a runtime that ends does not carry it out.
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|done| done.map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let file = TempFile::create(dir.path().into()).await.unwrap();
        let pieces = ["one ", "two ", "three"].map(Bytes::from);
        file.write(pieces.to_vec(), 0).await.unwrap();
        file.write(vec![Bytes::from("TWO")], 4).await.unwrap();
        assert_eq!(file.read(4, 9).await.unwrap(), "TWO three");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        file.read(10, 9).await.unwrap_err();
    }
}

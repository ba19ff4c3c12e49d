//! What the forum keeps: one `SQLite` file that all its processes share.

mod error;
mod people;
mod posts;
pub(crate) mod sessions;
mod topics;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub use self::error::StoreError;
pub(crate) use self::{
    people::{PeoplePage, Person},
    posts::{NewPost, Post, Posted},
    topics::{NewTopic, Topic, TopicPage},
};

/// How long one process waits for another one that writes. Each write takes a
/// millisecond or so; this is for a disk that has stopped to think.
const BUSY: Duration = Duration::from_secs(5);

/// The steps from an empty file to what this program understands, numbered from 1. A
/// file knows how many of them it has taken. A step never changes once it is released.
const MIGRATIONS: [(u32, &str); 2] = [
    (1, include_str!("schema.sql")),
    (2, include_str!("suspension.sql")),
];

/// The database, open in this process. Clones share its one connection: what an
/// application does at the same time it does in several processes.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the file at `path`, or makes one, and brings it up to date.
    ///
    /// Several processes may do that at once; one of them does the work.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or was made by a later version of this program.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        write_ahead(&connection)?;
        // A crash of the machine may undo the last posts, but never breaks the file.
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// What `work` finds, on a thread that may wait for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store.connection())).await?
    }

    /// Does all of `work` or, if that is an error, nothing of it; on a thread that
    /// may wait for the disk.
    ///
    /// Once begun it comes to its end, even if nobody waits for that any more.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.write_here(work)).await?
    }

    /// The same, on this thread.
    pub(crate) fn write_here<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let transaction = begin(&mut connection)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Whoever panicked with it has rolled back his transaction.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has readers see what was there before, and wait for nobody who writes.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY;
    loop {
        let done = connection.pragma_update(None, "journal_mode", "wal");
        let is_busy =
            |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        match done {
            // Of processes that find a new file together, each may have what another one
            // waits for. SQLite lets nobody wait then, but says so at once.
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// At once, not at the first write: two processes must not both read, and then both
/// write what was true before the other one did.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = begin(connection)?;
    let taken: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if MIGRATIONS.iter().all(|(number, _)| *number < taken) {
        return Err(StoreError::too_new());
    }
    for (number, step) in MIGRATIONS {
        if number > taken {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

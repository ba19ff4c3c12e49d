//! One process of the forum.

use std::{env, error::Error, path::Path, time::Duration};

use forum::Forum;
use rustix::process::{Pid, getppid};
use tokio::time::interval;

use super::DATABASE_VARIABLE;

/// What a page costs, as one with a few more database queries.
const RENDERING: Duration = Duration::from_millis(10);

/// How often a process looks whether its server is still there.
const ORPHAN_CHECK: Duration = Duration::from_secs(1);

/// Serves the forum on `socket` until SIGTERM, then finishes what it has begun.
pub(crate) async fn work(socket: &Path) -> Result<(), Box<dyn Error>> {
    // First of all: from here on, another parent means that the server is gone.
    let server = getppid();
    let database = env::var_os(DATABASE_VARIABLE)
        .ok_or("a process of the demo is started by `peregrine demo`, not by hand")?;
    let forum = Forum::open(Path::new(&database))?.rendering_takes(RENDERING);
    forum::serve(forum, Some(socket), orphaned_by(server)).await?;
    Ok(())
}

/// Resolves when the server that started us is gone. One that was killed could
/// not tell us to leave.
async fn orphaned_by(server: Option<Pid>) {
    let mut look = interval(ORPHAN_CHECK);
    while getppid() == server {
        look.tick().await;
    }
}

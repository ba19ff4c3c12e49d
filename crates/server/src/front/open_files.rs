use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, info};

/// Open files that are not a client's and not its request's: the listener, the
/// admin socket, two pipes for each process, what the runtime needs.
const RESERVED: u64 = 256;

/// How many clients may be connected, of the `wanted` number.
///
/// Each needs an open file, and a second one while its request is with the
/// application. Who runs out of them in the middle can neither accept nor
/// connect, and answers with errors what could have waited. The limit that
/// shells and service managers begin with is far below what they allow, so it
/// is raised as far as is needed. The application's processes inherit it.
pub(super) fn room_for_clients(wanted: usize) -> usize {
    let files = 2 * u64::try_from(wanted).unwrap_or(u64::MAX / 4) + RESERVED;
    let files = raise(files);
    let room = clients_within(files).min(wanted);
    if room < wanted {
        info!(
            files,
            clients = room,
            "the limit on open files bounds how many clients may connect"
        );
    }
    room
}

/// Raises the limit on open files to `wanted`, if it is lower and may be.
/// Returns what it is then.
fn raise(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|current| *current < wanted) else {
        return wanted;
    };
    let new = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let raised = Rlimit {
        current: Some(new),
        maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => new,
        Err(error) => {
            debug!(%error, current, "cannot raise the limit on open files");
            current
        }
    }
}

fn clients_within(files: u64) -> usize {
    let clients = files.saturating_sub(RESERVED) / 2;
    // With none at all there would be nobody to tell.
    usize::try_from(clients).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_for_each_client_and_some_for_the_rest() {
        let cases = [
            ("what a shell begins with", 1024, 384),
            ("what ten thousand need", 20_256, 10_000),
            ("next to nothing", 100, 1),
        ];
        for (name, files, clients) in cases {
            assert_eq!(clients_within(files), clients, "{name}");
        }
    }

    #[test]
    fn the_limit_is_raised_only_as_far_as_is_needed_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        let current = before.current.unwrap_or(u64::MAX / 2);
        assert_eq!(raise(current - 1), current - 1, "enough already");
        assert_eq!(getrlimit(Resource::Nofile).current, before.current);

        let allowed = before.maximum.is_none_or(|maximum| maximum > current);
        let expected = if allowed { current + 1 } else { current };
        assert_eq!(raise(current + 1), expected);
        assert_eq!(getrlimit(Resource::Nofile).maximum, before.maximum);
    }
}

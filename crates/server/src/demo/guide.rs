use std::{env, path::Path};

use crate::settings::Guide;

/// What to try, and what to look at meanwhile.
pub(super) fn guide(admin_socket: Option<&Path>) -> Guide {
    let program = env::args().next().unwrap_or_else(|| "peregrine".to_owned());
    let status = match admin_socket {
        Some(path) => format!("{program} status --admin-socket {}", path.display()),
        None => format!("{program} status"),
    };
    Guide::new(format!(
        "
Try in a browser: {{address}}
Or in another terminal:
  curl -i {{address}}/topics/1
      twice: the second answer comes from memory; it has an Age, and says so in Cache-Status
  curl -N {{address}}/live
      an answer that streams, a line every 300 ms
  curl -i -d name=Ada {{address}}/login
      log in; then show the cookie to {{address}}/members, a page that is never stored
Look at:
  {status}
      the processes, the queue, and what the cache has done
  kill -9 PID
      of one of those processes: another takes its place
Stop with Ctrl-C.
"
    ))
}

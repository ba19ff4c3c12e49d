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
  Log in as Ines, a member, or as Marit, who is staff; the password is `passenger`.
  Click around: the small print below each page says whether it came from memory.
  Write something, and look at it as somebody else, in a private window.
Or in another terminal:
  curl -i {{address}}/topics/1
      twice: the second answer comes from memory; it has an Age, and says so in Cache-Status
  curl -i -d name=Ines -d password=passenger {{address}}/login
      log in; then show the cookie to {{address}}/members, twice: members' pages come from
      memory, too, but only to members
  curl -i -H 'Cookie: session=forged' {{address}}/members
      nobody is one who says so
Look at:
  {status}
      the processes, the queue, and what the cache has done
  kill -9 PID
      of one of those processes: another takes its place
Stop with Ctrl-C.
"
    ))
}

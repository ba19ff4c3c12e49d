#[cfg(test)]
mod tests;

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Command, task, time};

use super::stat::Stat;

/// How often to look for those who are to be killed, and the pause before the next look.
/// Who is killed takes a moment to end, and may have started somebody in the last one.
const LOOKS: (usize, Duration) = (10, Duration::from_millis(5));

/// A variable that a process has in its environment, and all that it starts, wherever
/// they go, unless it is on purpose that they do not.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    name: &'static str,
    value: String,
}

impl Mark {
    pub(super) const fn new(name: &'static str, value: String) -> Self {
        Self { name, value }
    }

    pub(super) fn put_on(&self, command: &mut Command) {
        command.env(self.name, &self.value);
    }

    /// As it stands in an environment.
    pub(super) fn variable(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    /// Sends SIGKILL to all who bear it, until there is nobody.
    pub(super) async fn kill_bearers(&self) {
        let (looks, pause) = LOOKS;
        for _ in 0..looks {
            let variables = [self.variable()];
            // It walks over `/proc`, which may take milliseconds.
            let look = task::spawn_blocking(move || kill_all(&variables));
            if !look.await.unwrap_or_default() {
                return;
            }
            time::sleep(pause).await;
        }
    }
}

/// Whether a process has all of these in its environment, as far as can be seen: of one
/// that has ended, nothing can.
pub(super) fn has_marks(pid: i32, variables: &[String]) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| has_all(&all, variables))
}

/// Whether there was anybody.
fn kill_all(variables: &[String]) -> bool {
    let mut found = false;
    let all = Stat::of_all().into_iter().flatten();
    for bearer in all.filter(|stat| has_marks(stat.pid, variables)) {
        found = true;
        if let Some(pid) = Pid::from_raw(bearer.pid) {
            // It may have gone meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    found
}

/// Whether an environment, each variable of which ends with a zero byte, has all of
/// these.
fn has_all(environment: &[u8], variables: &[String]) -> bool {
    let has = |wanted: &String| {
        let mut all = environment.split(|byte| *byte == 0);
        all.any(|variable| variable == wanted.as_bytes())
    };
    variables.iter().all(has)
}

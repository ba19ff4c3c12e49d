use std::{collections::BTreeMap, path::Path};

use procfs::{ProcResult, process};

use crate::admin::rollup::Rollup;

/// The name of our program.
const PROGRAM: &str = "peregrine";

/// The subcommands that serve.
const SERVING: [&str; 2] = ["start", "demo"];

/// Text that stands in the guard's script, and hardly anywhere else.
const GUARD: &str = "read -r sign group";

/// The processes of this machine, by id.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<u32, Process>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// What it runs, which it cannot change; `None` if that is not for us to know.
    pub(super) program: Option<String>,
    /// What it calls itself.
    pub(super) command: Vec<String>,
    pub(super) virtual_bytes: u64,
    pub(super) resident_bytes: u64,
}

impl Table {
    pub(super) fn read() -> ProcResult<Self> {
        let processes = process::all_processes()?;
        // A process may go while we look at it; then it uses nothing.
        Ok(Self::new(
            processes
                .filter_map(Result::ok)
                .filter_map(|process| Process::read(&process)),
        ))
    }

    pub(super) fn new(processes: impl IntoIterator<Item = Process>) -> Self {
        let processes = processes.into_iter();
        Self(processes.map(|process| (process.pid, process)).collect())
    }

    /// Those that are a server.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Process> {
        self.0.values().filter(|process| process.is_server())
    }

    #[cfg(test)]
    pub(super) fn get(&self, pid: u32) -> Option<&Process> {
        self.0.get(&pid)
    }

    /// The children of a process, and theirs.
    pub(super) fn descendants(&self, pid: u32) -> Vec<&Process> {
        let is_descendant = |process: &&Process| {
            let mut parent = process.parent;
            // A table that was read while processes came and went may have a ring,
            // but not one of more than all.
            for _ in 0..self.0.len() {
                match self.0.get(&parent) {
                    _ if parent == pid => return true,
                    Some(process) => parent = process.parent,
                    None => return false,
                }
            }
            false
        };
        self.0.values().filter(is_descendant).collect()
    }
}

impl Process {
    fn read(process: &process::Process) -> Option<Self> {
        let stat = process.stat().ok()?;
        let program = process.exe().ok();
        let mut command = process.cmdline().unwrap_or_default();
        if command.is_empty() {
            // A thread of the kernel, or a zombie.
            command.push(format!("[{}]", stat.comm));
        }
        Some(Self {
            pid: stat.pid.try_into().ok()?,
            parent: stat.ppid.try_into().ok()?,
            program: program.map(|path| path.to_string_lossy().into_owned()),
            command,
            virtual_bytes: stat.vsize,
            resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
        })
    }

    fn is_server(&self) -> bool {
        let program = self.program.as_ref().or(self.command.first());
        // The kernel's word for a program that was replaced while it runs.
        let is_ours = program.is_some_and(|program| {
            let program = program.strip_suffix(" (deleted)").unwrap_or(program);
            Path::new(program).file_name() == Some(PROGRAM.as_ref())
        });
        let subcommand = self.command.get(1);
        is_ours && subcommand.is_some_and(|word| SERVING.contains(&&**word))
    }

    /// What the system tells of its memory. A zombie has none, of which it does not tell
    /// either.
    pub(super) fn memory(&self, rollup: impl Fn(u32) -> Option<Rollup>) -> Option<Rollup> {
        if self.virtual_bytes == 0 {
            return Some(Rollup::default());
        }
        rollup(self.pid)
    }

    pub(super) fn is_guard(&self) -> bool {
        self.command.iter().any(|word| word.contains(GUARD))
    }

    /// In a line. The guard's script says nothing to an operator.
    pub(super) fn name(&self, is_guard: bool) -> String {
        if is_guard {
            return "sh (the guard)".to_owned();
        }
        self.command.join(" ")
    }
}

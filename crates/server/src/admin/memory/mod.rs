//! `peregrine memory-stats`: what servers and their applications use of this
//! machine's memory, from `/proc` alone, so that it works for a server that is
//! stopped or stuck.

mod render;
mod table;

use std::time::SystemTime;

use serde::Serialize;

use self::table::Table;
use super::rollup::Rollup;

/// What to print.
pub(crate) fn memory_stats(json: bool) -> Result<String, String> {
    let table = Table::read().map_err(|error| {
        format!("cannot read /proc: {error}; only Linux says what its processes use")
    })?;
    let stats = MemoryStats::of(&table, |pid| Rollup::of(pid.cast_signed()));
    if json {
        let json = serde_json::to_string_pretty(&stats).map_err(|error| error.to_string());
        return json.map(|text| text + "\n");
    }
    Ok(render::render(&stats, SystemTime::now()))
}

/// The servers of this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct MemoryStats {
    servers: Vec<ServerMemory>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ServerMemory {
    pid: u32,
    /// Itself first, then the other processes by id.
    processes: Vec<ProcessMemory>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ProcessMemory {
    pid: u32,
    parent_pid: u32,
    role: Role,
    /// Its command line.
    name: String,
    virtual_bytes: u64,
    resident_bytes: u64,
    /// These three are absent where the system does not tell this user.
    pss_bytes: Option<u64>,
    private_bytes: Option<u64>,
    swap_bytes: Option<u64>,
}

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// Peregrine itself.
    Server,
    /// What ends the application's processes, should the server be killed.
    Guard,
    /// A process of an application, or a child of one.
    Application,
}

impl MemoryStats {
    fn of(table: &Table, rollup: impl Fn(u32) -> Option<Rollup>) -> Self {
        let server = |server: &table::Process| {
            let itself = std::iter::once((server, Role::Server));
            let others = table.descendants(server.pid).into_iter().map(|process| {
                let role = if process.parent == server.pid && process.is_guard() {
                    Role::Guard
                } else {
                    Role::Application
                };
                (process, role)
            });
            let processes = itself.chain(others).map(|(process, role)| {
                let memory = process.memory(&rollup);
                ProcessMemory {
                    pid: process.pid,
                    parent_pid: process.parent,
                    role,
                    name: process.name(role == Role::Guard),
                    virtual_bytes: process.virtual_bytes,
                    resident_bytes: process.resident_bytes,
                    pss_bytes: memory.map(|it| it.pss),
                    private_bytes: memory.map(|it| it.private),
                    swap_bytes: memory.map(|it| it.swap),
                }
            });
            ServerMemory {
                pid: server.pid,
                processes: processes.collect(),
            }
        };
        Self {
            servers: table.servers().map(server).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32, command: &[&str]) -> table::Process {
        table::Process {
            pid,
            parent,
            program: Some(command[0].to_owned()),
            command: command.iter().map(ToString::to_string).collect(),
            virtual_bytes: 100 << 20,
            resident_bytes: u64::from(pid) << 20,
        }
    }

    #[test]
    fn a_zombie_uses_nothing_whoever_it_belongs_to() {
        let zombie = table::Process {
            virtual_bytes: 0,
            resident_bytes: 0,
            ..process(12, 10, &["[sh]"])
        };
        let server = process(10, 1, &["peregrine", "start"]);
        let stats = MemoryStats::of(&Table::new([server, zombie]), |_| None);
        let [server, zombie] = &*stats.servers[0].processes else {
            panic!("{stats:?}");
        };
        assert_eq!(zombie.pss_bytes, Some(0));
        assert_eq!(server.pss_bytes, None);
    }

    #[test]
    fn servers_are_found_with_all_that_belongs_to_them() {
        let guard = "\ntrap '' HUP\nwhile read -r sign group; do";
        let table = Table::new([
            process(1, 0, &["init"]),
            process(10, 1, &["/opt/peregrine", "start", "/srv/app"]),
            process(12, 10, &["puma", "-b", "unix:///s"]),
            process(11, 10, &["sh", "-c", guard]),
            process(13, 12, &["convert", "photo.jpg"]),
            process(14, 10, &["sh", "-c", "exec node app.js"]),
            // Commands, and processes of the demo, are no servers.
            process(20, 1, &["peregrine", "status", "--watch"]),
            process(30, 1, &["peregrine", "demo"]),
            process(31, 30, &["peregrine", "demo-worker", "/s"]),
            process(40, 1, &["vim", "peregrine", "start"]),
        ]);
        let rollup = |pid| {
            (pid != 13).then_some(Rollup {
                pss: 2,
                private: 1,
                swap: 0,
            })
        };
        let stats = MemoryStats::of(&table, rollup);
        let found: Vec<_> = stats
            .servers
            .iter()
            .flat_map(|server| &server.processes)
            .map(|process| (process.pid, process.role, &*process.name))
            .collect();
        let expected = [
            (10, Role::Server, "/opt/peregrine start /srv/app"),
            (11, Role::Guard, "sh (the guard)"),
            (12, Role::Application, "puma -b unix:///s"),
            (13, Role::Application, "convert photo.jpg"),
            (14, Role::Application, "sh -c exec node app.js"),
            (30, Role::Server, "peregrine demo"),
            (31, Role::Application, "peregrine demo-worker /s"),
        ];
        assert_eq!(found, expected);
        assert_eq!(stats.servers[0].processes[3].pss_bytes, None);
        assert_eq!(stats.servers[0].processes[2].private_bytes, Some(1));
    }

    #[test]
    fn this_machine_can_be_read() {
        let table = Table::read().unwrap();
        let own = table.get(std::process::id()).unwrap();
        assert!(own.resident_bytes > 0 && own.virtual_bytes > own.resident_bytes);
    }
}

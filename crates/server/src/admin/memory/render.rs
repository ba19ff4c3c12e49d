use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use super::{MemoryStats, ProcessMemory, Role, ServerMemory};
use crate::admin::render::{Plain, Size};

/// How much of a command line is of interest.
const LONGEST_NAME: usize = 100;

/// Laid out as `passenger-memory-stats` does it.
pub(super) fn render(stats: &MemoryStats, now: SystemTime) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write_page(&mut page, stats, now);
    page
}

fn write_page(page: &mut String, stats: &MemoryStats, now: SystemTime) -> fmt::Result {
    writeln!(page, "Version : {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(page, "Date    : {}", httpdate::fmt_http_date(now))?;
    if stats.servers.is_empty() {
        writeln!(page, "\nNo server is running on this machine.")?;
    }
    for server in &stats.servers {
        write_server(page, server)?;
    }
    Ok(())
}

fn write_server(page: &mut String, server: &ServerMemory) -> fmt::Result {
    let (ours, theirs): (Vec<_>, Vec<_>) = server
        .processes
        .iter()
        .partition(|process| process.role != Role::Application);
    write_table(page, &format!("Peregrine {}", server.pid), &ours)?;
    write_table(
        page,
        &format!("Applications of Peregrine {}", server.pid),
        &theirs,
    )
}

fn write_table(page: &mut String, title: &str, processes: &[&ProcessMemory]) -> fmt::Result {
    let heading = format!("---------- {title} ----------");
    writeln!(page, "\n{heading}")?;
    writeln!(
        page,
        "{:<7}  {:<7}  {:>7}  {:>7}  {:>7}  {:>7}  Name",
        "PID", "PPID", "VMSize", "RSS", "PSS", "Private"
    )?;
    writeln!(page, "{}", "-".repeat(heading.len().max(66)))?;
    for process in processes {
        writeln!(
            page,
            "{:<7}  {:<7}  {:>7}  {:>7}  {:>7}  {:>7}  {}",
            process.pid,
            process.parent_pid,
            Size(process.virtual_bytes).to_string(),
            Size(process.resident_bytes).to_string(),
            known(process.pss_bytes),
            known(process.private_bytes),
            Plain(&shortened(&process.name)),
        )?;
    }
    let sum = |bytes: fn(&ProcessMemory) -> Option<u64>| {
        processes.iter().filter_map(|process| bytes(process)).sum()
    };
    writeln!(page, "### Processes: {}", processes.len())?;
    writeln!(
        page,
        "### Total RSS: {}",
        Size(sum(|it| Some(it.resident_bytes)))
    )?;
    let untold = processes.iter().filter(|it| it.pss_bytes.is_none()).count();
    write!(page, "### Total PSS: {}", Size(sum(|it| it.pss_bytes)))?;
    write!(page, ", private: {}", Size(sum(|it| it.private_bytes)))?;
    write!(page, ", in swap: {}", Size(sum(|it| it.swap_bytes)))?;
    if untold > 0 {
        write!(page, "; without {untold} of another user's")?;
    }
    writeln!(page)
}

fn known(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "?".to_owned(), |bytes| Size(bytes).to_string())
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let begin: String = name.chars().take(LONGEST_NAME).collect();
    begin + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_laid_out_as_passenger_does_it() {
        let process = |pid, role, name: &str, known: bool| ProcessMemory {
            pid,
            parent_pid: 1,
            role,
            name: name.to_owned(),
            virtual_bytes: 900 << 20,
            resident_bytes: 50 << 20,
            pss_bytes: known.then_some(30 << 20),
            private_bytes: known.then_some(20 << 20),
            swap_bytes: known.then_some(0),
        };
        let stats = MemoryStats {
            servers: vec![ServerMemory {
                pid: 10,
                processes: vec![
                    process(10, Role::Server, "peregrine start", true),
                    process(11, Role::Guard, "sh (the guard)", true),
                    process(12, Role::Application, "puma \u{1b}[2J", true),
                    process(13, Role::Application, &"x".repeat(200), false),
                ],
            }],
        };
        let expected = format!(
            "\
Version : 0.1.0
Date    : Thu, 01 Jan 1970 00:00:00 GMT

---------- Peregrine 10 ----------
PID      PPID      VMSize      RSS      PSS  Private  Name
------------------------------------------------------------------
10       1           900M      50M      30M      20M  peregrine start
11       1           900M      50M      30M      20M  sh (the guard)
### Processes: 2
### Total RSS: 100M
### Total PSS: 60M, private: 40M, in swap: 0B

---------- Applications of Peregrine 10 ----------
PID      PPID      VMSize      RSS      PSS  Private  Name
------------------------------------------------------------------
12       1           900M      50M      30M      20M  puma ?[2J
13       1           900M      50M        ?        ?  {}…
### Processes: 2
### Total RSS: 100M
### Total PSS: 30M, private: 20M, in swap: 0B; without 1 of another user's
",
            "x".repeat(100)
        );
        assert_eq!(render(&stats, SystemTime::UNIX_EPOCH), expected);
    }

    #[test]
    fn a_machine_without_servers_is_said_to_be_one() {
        let stats = MemoryStats { servers: vec![] };
        assert!(render(&stats, SystemTime::UNIX_EPOCH).contains("No server is running"));
    }
}

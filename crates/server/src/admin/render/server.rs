use std::fmt::{self, Write};

use super::{
    heading, title,
    units::{Size, Span},
};
use crate::admin::status::{AccessLogStatus, BuffersStatus, ClientsStatus, ServerUsage, Status};

/// The server itself, without its applications.
pub(super) fn write(page: &mut String, status: &Status) -> fmt::Result {
    heading(page, "Server")?;
    writeln!(page, "PID        : {}", status.pid)?;
    writeln!(page, "Address    : {}", status.address)?;
    writeln!(page, "Uptime     : {}", Span(status.uptime_seconds))?;
    writeln!(page, "Serves     : {}", status.serves())?;
    let ClientsStatus {
        connected,
        max,
        accepted,
    } = status.clients;
    writeln!(
        page,
        "Clients    : {connected} of {max} connected, {accepted} so far"
    )?;
    if let Some(log) = &status.access_log {
        let AccessLogStatus { written, dropped } = log;
        writeln!(page, "Access log : {written} lines, {dropped} left out")?;
    }
    for application in &status.applications {
        let BuffersStatus {
            memory_bytes,
            memory_max_bytes,
            file_bytes,
            file_max_bytes,
        } = application.buffers;
        writeln!(
            page,
            "{:<10} : {} of {} in memory, {} of {} in files",
            title("Buffers", application, status),
            Size(memory_bytes),
            Size(memory_max_bytes),
            Size(file_bytes),
            Size(file_max_bytes),
        )?;
    }
    let Some(usage) = &status.usage else {
        return Ok(());
    };
    let ServerUsage {
        cpu_seconds,
        memory_bytes,
        virtual_bytes,
        threads,
        open_files,
        max_open_files,
        ..
    } = usage;
    writeln!(page, "CPU        : {cpu_seconds:.1} s")?;
    writeln!(
        page,
        "Memory     : {}, of address space {}",
        Size(*memory_bytes),
        Size(*virtual_bytes)
    )?;
    writeln!(page, "Threads    : {threads}")?;
    match max_open_files {
        Some(max) => writeln!(page, "Open files : {open_files} of {max}"),
        None => writeln!(page, "Open files : {open_files}"),
    }
}

use super::{
    number,
    text::{Kind, Text},
};
use crate::admin::status::{ApplicationStatus, PoolStatus, ProcessStatus, RestartsStatus};

/// The states of a process, so that one that no process is in is told as 0.
const STATES: [&str; 5] = ["starting", "ready", "resting", "draining", "terminating"];

/// The applications' processes, summed up.
pub(super) fn write(text: &mut Text, applications: &[ApplicationStatus]) {
    type Told = fn(&PoolStatus) -> u64;
    let pools = || {
        let pools = applications.iter();
        pools.filter_map(|it| Some((&*it.name, it.pool.as_ref()?)))
    };
    let help = "Processes that were started.";
    text.family(
        "peregrine_pool_started_processes_total",
        Kind::Counter,
        help,
    );
    for (application, pool) in pools() {
        text.sample(&[("application", application)], number(pool.started));
    }
    let help = "Processes, by what they are doing.";
    text.family("peregrine_pool_processes", Kind::Gauge, help);
    for (application, pool) in pools() {
        for state in STATES {
            let count = pool.processes.iter().filter(|it| it.state == state).count();
            let labels = [("application", application), ("state", state)];
            text.sample(&labels, number(count as u64));
        }
    }
    let families: [(&str, &str, Told); 12] = [
        ("max_processes", "Processes that may run.", |it| {
            it.max as u64
        }),
        ("min_processes", "Processes that always run.", |it| {
            it.min as u64
        }),
        ("queue_length", "Requests that wait for a process.", |it| {
            it.queue.length as u64
        }),
        ("queue_max_length", "Requests that may wait.", |it| {
            it.queue.max as u64
        }),
        ("sessions", "Requests that processes work on.", |it| {
            it.processes
                .iter()
                .map(|process| process.sessions as u64)
                .sum()
        }),
        (
            "processes_due",
            "Processes that are to be replaced.",
            |it| it.due as u64,
        ),
        ("restarting", "1 if a restart is under way.", |it| {
            it.restarts.under_way.into()
        }),
        (
            "resisting_deployment_error",
            "1 if old processes stay since a restart has failed.",
            |it| it.resisting_deployment_error.into(),
        ),
        (
            "waits_for_room",
            "1 if requests wait for a process that --max-total-pool-size has no room for.",
            |it| it.waits_for_total.into(),
        ),
        (
            "failed_starts",
            "How many starts in a row have come to nothing; 0 unless the next one waits.",
            |it| it.failed_starts.unwrap_or(0).into(),
        ),
        (
            "resident_memory_bytes",
            "Resident memory of all processes; pages that they share count in each.",
            |it| sum(it, |process| process.memory_bytes),
        ),
        (
            "proportional_memory_bytes",
            "Memory of all processes; pages that they share count once.",
            |it| sum(it, |process| process.pss_bytes),
        ),
    ];
    for (name, help, told) in families {
        text.family(&format!("peregrine_pool_{name}"), Kind::Gauge, help);
        for (application, pool) in pools() {
            text.sample(&[("application", application)], number(told(pool)));
        }
    }
    let help = "How long the request has waited that has waited longest; 0 if none does.";
    let name = "peregrine_pool_queue_longest_wait_seconds";
    text.family(name, Kind::Gauge, help);
    for (application, pool) in pools() {
        let waited = pool.queue.longest_wait_seconds.unwrap_or(0.0);
        text.sample(&[("application", application)], waited);
    }
    restarts(text, pools());
}

/// How often all of an application's processes were replaced.
fn restarts<'a>(text: &mut Text, pools: impl Iterator<Item = (&'a str, &'a PoolStatus)> + Clone) {
    let help = "Restarts, by what has come of them.";
    text.family("peregrine_pool_restarts_total", Kind::Counter, help);
    for (application, pool) in pools.clone() {
        let RestartsStatus {
            finished, failed, ..
        } = pool.restarts;
        for (outcome, count) in [("finished", finished), ("failed", failed)] {
            let labels = [("application", application), ("outcome", outcome)];
            text.sample(&labels, number(count));
        }
    }
    let help = "When the latest restart was asked for, in seconds since 1970; 0 before it.";
    let name = "peregrine_pool_last_restart_timestamp_seconds";
    text.family(name, Kind::Gauge, help);
    for (application, pool) in pools {
        let at = pool.restarts.last_at_seconds.unwrap_or(0.0);
        text.sample(&[("application", application)], at);
    }
}

fn sum(pool: &PoolStatus, bytes: fn(&ProcessStatus) -> Option<u64>) -> u64 {
    pool.processes.iter().filter_map(bytes).sum()
}

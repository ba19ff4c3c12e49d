use super::{
    AccessLogStatus, ApplicationStatus, BuffersStatus, CacheOutcomes, CacheStatus, ClientsStatus,
    Latency, LatencyBucket, PoolStatus, ProcessStatus, QueueStatus, RatesStatus, RefusedStatus,
    RequestsStatus, RestartsStatus, RestsStatus, ServerUsage, Status, StatusClasses,
};
use crate::admin::GroupUsage;

/// A status with something in every field.
pub(in crate::admin) fn example() -> Status {
    Status {
        version: "0.1.0".to_owned(),
        pid: 100,
        address: "http://127.0.0.1:3000".to_owned(),
        uptime_seconds: 3665.0,
        usage: Some(ServerUsage {
            cpu_seconds: 12.25,
            memory_bytes: 14 << 20,
            virtual_bytes: 900 << 20,
            threads: 5,
            open_files: 42,
            max_open_files: Some(20_000),
            started_at_seconds: 1_795_244_335.0,
        }),
        access_log: Some(AccessLogStatus {
            written: 197,
            dropped: 1,
        }),
        clients: ClientsStatus {
            connected: 12,
            max: 10_000,
            accepted: 180,
        },
        refused: RefusedStatus {
            unknown_host: 7,
            unknown_path: 1,
            bad_host: 0,
            malformed: 2,
            large_head: 0,
            slow_head: 1,
        },
        max_total_pool_size: Some(5),
        applications: vec![ApplicationStatus {
            name: "forum".to_owned(),
            environment: "development".to_owned(),
            serves: "/srv/app".to_owned(),
            pool: Some(example_pool()),
            requests: example_requests(),
            per_second: Some(RatesStatus {
                minute: 12.5,
                five_minutes: 10.0,
                fifteen_minutes: 0.25,
            }),
            queue_ms: Some(example_latency(0.5)),
            application_ms: Some(example_latency(8.0)),
            cache: Some(CacheStatus {
                hits: 75,
                misses: 25,
                collapsed: 3,
                passes: 93,
                stored: 14,
                not_stored: 11,
                stale_hits: 2,
                stale_if_error: 1,
                validated: 4,
                background: 2,
                purged: 1,
                evicted: 0,
                entries: 12,
                bytes: 34 << 10,
                capacity_bytes: 64 << 20,
            }),
            buffers: BuffersStatus {
                memory_bytes: 3 << 20,
                memory_max_bytes: 64 << 20,
                file_bytes: 512 << 20,
                file_max_bytes: 4 << 30,
            },
        }],
    }
}

fn example_pool() -> PoolStatus {
    let usage = GroupUsage {
        cpu: std::time::Duration::from_secs(73),
        memory_bytes: 23 << 20,
        pss_bytes: Some(17 << 20),
    };
    let busy = ProcessStatus {
        pid: 101,
        state: "ready".to_owned(),
        sessions: 1,
        processed: 120,
        uptime_seconds: 3650.0,
        last_used_seconds_ago: Some(0.1),
        cpu_seconds: None,
        cpu_percent: None,
        memory_bytes: None,
        pss_bytes: None,
        requests: Some(RequestsStatus {
            in_flight: 1,
            finished: 120,
            ..RequestsStatus::default()
        }),
        rests: Some(RestsStatus {
            finished: 7,
            timed_out: 0,
            given_up: 1,
            last_ms: Some(35.2),
            total_seconds: 0.25,
        }),
    };
    let starting = ProcessStatus {
        pid: 202,
        state: "starting".to_owned(),
        sessions: 0,
        processed: 0,
        uptime_seconds: 2.0,
        last_used_seconds_ago: None,
        requests: None,
        rests: None,
        ..busy.clone()
    };
    PoolStatus {
        max: 6,
        min: 1,
        queue: QueueStatus {
            length: 3,
            longest_wait_seconds: Some(1.25),
            max: 100,
        },
        processes: vec![busy.with_usage(Some(&usage)), starting],
        started: 9,
        due: 1,
        restarts: RestartsStatus {
            finished: 2,
            failed: 1,
            under_way: false,
            last_at_seconds: Some(1_795_247_880.5),
            last_took_seconds: Some(4.25),
        },
        resisting_deployment_error: true,
        failed_starts: Some(3),
        next_start_seconds: Some(4.0),
        waits_for_total: true,
        last_start_failure: Some("exit status 1\ncannot load such file -- rack\n".to_owned()),
    }
}

fn example_requests() -> RequestsStatus {
    RequestsStatus {
        in_flight: 4,
        finished: 198,
        failed: 1,
        aborted: 2,
        stopped: 3,
        bytes: 5 << 20,
        by_status: StatusClasses {
            informational: 0,
            successful: 184,
            redirection: 5,
            client_error: 4,
            server_error: 3,
        },
        by_cache_outcome: CacheOutcomes {
            hit: 75,
            miss: 20,
            collapsed: 3,
            stale: 5,
            pass: 93,
            none: 0,
        },
        latency_ms: Some(example_latency(1.0)),
    }
}

/// As long as usual, times `factor`.
fn example_latency(factor: f64) -> Latency {
    Latency {
        count: 198,
        sum: 643.5 * factor,
        mean: 3.25 * factor,
        p50: 0.2 * factor,
        p90: 11.0 * factor,
        p99: 20.5 * factor,
        max: 42.0 * factor,
        buckets: vec![
            LatencyBucket {
                le_seconds: 0.01,
                count: 170,
            },
            LatencyBucket {
                le_seconds: 1.0,
                count: 198,
            },
        ],
    }
}

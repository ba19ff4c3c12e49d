use std::path::PathBuf;

use clap::Args;
use http::uri::PathAndQuery;

use super::values::path;

/// What waits for slow clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Slow clients")]
pub(crate) struct BufferingOptions {
    /// Megabytes that a request's body may have; a larger one is answered with
    /// 413; 0 = no limit
    ///
    /// A body is read to its end before a process is taken for it: 128 KiB into
    /// memory, as long as there is some (--data-buffer-memory), the rest into a
    /// temporary file.
    #[arg(long, value_name = "MB", default_value_t = 1024)]
    pub(crate) max_request_body_size: u32,

    /// A path below which bodies of requests go to the application as they come,
    /// of any size; / for all; repeatable
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(crate) stream_requests_below: Vec<PathAndQuery>,

    /// Megabytes of one answer that may wait for its client, 1 of them in memory,
    /// before the application is held back
    #[arg(long, value_name = "MB", default_value_t = 128)]
    pub(crate) response_buffer_high_watermark: u32,

    /// Where temporary files are; they have no names [default: the system's
    /// folder for them]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_buffer_dir: Option<PathBuf>,

    /// Megabytes of memory in which bodies of an application's requests and answers
    /// may wait; those beyond wait in temporary files; 0 = none
    #[arg(long, value_name = "MB", default_value_t = 64)]
    pub(crate) data_buffer_memory: u32,

    /// Megabytes that all temporary files of an application may have; without room,
    /// requests are answered with 503, and applications are held back
    #[arg(long, value_name = "MB", default_value_t = 4096)]
    pub(crate) data_buffer_size: u32,
}

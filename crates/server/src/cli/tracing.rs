use clap::Args;

use super::values::share;

/// Traces across servers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tracing")]
pub(crate) struct TracingOptions {
    /// Begin a W3C trace for each request to the application for which no trusted
    /// proxy has begun one, and sample this share of them, from 0 to 1
    ///
    /// Without it, traceparent and tracestate reach the application as the client
    /// sends them. With it, they count from trusted proxies alone. At --log-level
    /// debug, trace_id and span_id are in the log.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) trace_requests: Option<f64>,
}

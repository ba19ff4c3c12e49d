use clap::Args;

use super::{AppOptions, values::application_name};
use crate::route::{HostPattern, Prefix};

/// One of several applications: an `[[app]]` of the configuration file.
#[derive(Debug)]
pub(crate) struct SiteOptions {
    pub(crate) route: RouteOptions,
    pub(crate) app: AppOptions,
}

/// Which requests are an application's. These are keys of the file alone: a command
/// line has one application.
#[derive(Debug, Args)]
#[command(next_help_heading = "[[app]]")]
pub(crate) struct RouteOptions {
    /// What the application is called in `peregrine status` and `peregrine
    /// restart-app`
    #[arg(long, value_name = "NAME", value_parser = application_name)]
    pub(crate) name: String,

    /// The hosts that it answers for: exact names, or *.example.org for all below
    /// example.org; without it, all that no other application names
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<HostPattern>,

    /// What the paths of its requests begin with, by whole segments
    #[arg(long, value_name = "PREFIX", default_value = "/")]
    pub(crate) path: Prefix,
}

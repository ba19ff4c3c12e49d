use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::values::{Mapping, mapping, seconds};

/// Files that go to clients without the application.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
pub(crate) struct FilesOptions {
    /// The folder whose files are sent without asking the application [default:
    /// `public` in its folder]
    ///
    /// Nothing hidden, such as .env, is sent, and no link that leads out of the
    /// folder is followed. For /posts, posts.html is sent if it is there.
    #[arg(long, value_name = "DIR")]
    pub(crate) static_files_dir: Option<PathBuf>,

    /// Ask the application for everything
    #[arg(long, conflicts_with = "static_files_dir")]
    pub(crate) no_static_files: bool,

    /// Send what links in that folder lead to, wherever that is
    #[arg(long)]
    pub(crate) follow_static_links: bool,

    /// Seconds that a static file is fresh; one with a fingerprint in its name is
    /// for a year
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) static_files_max_age: Duration,

    /// A folder whose files the application may send by X-Sendfile; repeatable
    ///
    /// In Rails, config.action_dispatch.x_sendfile_header = "X-Sendfile" has
    /// send_file do that.
    #[arg(long, value_name = "DIR")]
    pub(crate) sendfile_root: Vec<PathBuf>,

    /// A folder whose files it may send by X-Accel-Redirect, and the path that
    /// stands for it, as /internal/=/srv/files; repeatable
    #[arg(long, value_name = "/PATH/=DIR", value_parser = mapping)]
    pub(crate) accel_mapping: Vec<Mapping>,
}

use std::path::PathBuf;

use clap::Args;

use super::values::application_name;
use crate::admin::Purge;

/// `peregrine purge`.
#[derive(Debug, Args)]
pub(crate) struct PurgeOptions {
    #[command(flatten)]
    what: What,

    /// Do not remove it: it is stale from now on, and is validated at the next
    /// request, which may still get it unless it forbids that
    #[arg(long)]
    soft: bool,

    /// The application, where a server has several, as `peregrine status` shows it
    /// [default: all]
    #[arg(long, value_name = "NAME", value_parser = application_name)]
    application: Option<String>,

    /// The socket of the server to tell [default: the only one that runs]
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A page, with all its variants: http://HOST/PATH?QUERY as clients ask for it,
    /// or /PATH?QUERY at every host
    url: Option<String>,

    /// Every page whose path and query begin like this, as /topics/
    #[arg(long, value_name = "URL")]
    prefix: Option<String>,

    /// What the application has tagged so, in Surrogate-Key or Cache-Tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,

    /// All that is stored
    #[arg(long)]
    everything: bool,
}

impl PurgeOptions {
    /// What to ask the server for.
    pub(crate) fn purge(self) -> Purge {
        let What {
            url,
            prefix,
            tag,
            everything,
        } = self.what;
        Purge {
            url,
            prefix,
            tag,
            everything,
            soft: self.soft,
            application: self.application,
        }
    }
}

//! How many processes all applications may run together.

use std::num::NonZeroUsize;

use super::size;
use crate::{
    cli::TotalOptions,
    settings::{Application, ApplicationSettings, Applications},
    start_error::StartError,
};

/// The bound, if there is one, and it has room for what is always to run.
pub(super) fn bound(
    options: TotalOptions,
    applications: &Applications,
) -> Result<Option<NonZeroUsize>, StartError> {
    let Some(max) = options.max_total_pool_size else {
        return Ok(None);
    };
    let instances: Vec<_> = all(applications).filter_map(min_instances).collect();
    let always = instances.iter().sum::<usize>();
    let lent = usize::from(instances.contains(&0));
    match NonZeroUsize::new(size(max)) {
        Some(max) if always + lent <= max.get() => Ok(Some(max)),
        _ => Err(StartError::new(format!(
            "--max-total-pool-size {max} is less than the {} processes that the applications \
             need: their --min-instances, and one for those that have none; raise the one or \
             lower the others",
            always + lent
        ))),
    }
}

fn all(applications: &Applications) -> impl Iterator<Item = &ApplicationSettings> {
    match applications {
        Applications::One(one) => std::slice::from_ref(&**one),
        Applications::Sites { applications, .. } => applications,
    }
    .iter()
}

fn min_instances(application: &ApplicationSettings) -> Option<usize> {
    match &application.source {
        Application::Processes(app) => Some(app.min_instances),
        Application::Upstream(_) => None,
    }
}

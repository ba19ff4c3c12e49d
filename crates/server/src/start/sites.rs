//! Several applications in one server, by host and path.

use std::ffi::OsString;

use super::application;
use crate::{
    cli::{ClientOptions, RouteOptions, SiteOptions},
    route::{Clash, Site, Table},
    settings::Applications,
    start_error::StartError,
};

/// What is to be served, and what to tell the operator about it.
pub(super) fn applications(
    sites: Vec<SiteOptions>,
    clients: &ClientOptions,
    path: &OsString,
) -> Result<(Applications, String), StartError> {
    let mut names = Vec::new();
    let mut places = Vec::new();
    let mut applications = Vec::new();
    let mut announcements = Vec::new();
    for SiteOptions { route, app } in sites {
        let RouteOptions {
            name,
            host: hosts,
            path: prefix,
        } = route;
        if names.contains(&name) {
            return Err(StartError::new(format!(
                "two applications are called {name}; give each a name of its own"
            )));
        }
        let place = Site {
            hosts,
            path: prefix,
        };
        let below = Some(&place.path).filter(|path| path.is_below_root());
        let (settings, announcement) = application(name.clone(), below, app, clients, path.clone())
            .map_err(|error| StartError::new(format!("the application {name}: {error}")))?;
        announcements.push(format!("{name} at {place}: {announcement}"));
        applications.push(settings);
        places.push(place);
        names.push(name);
    }
    let table = Table::new(&places).map_err(|Clash { applications, address }| {
        let (later, earlier) = applications;
        StartError::new(format!(
            "the applications {} and {} both answer for {address}; give each a host or a path of \
             its own",
            names[earlier], names[later]
        ))
    })?;
    let applications = Applications::Sites {
        table,
        applications,
    };
    Ok((applications, announcements.join("\n")))
}

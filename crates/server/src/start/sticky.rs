use peregrine::upstream_pool::sticky::StickySessions;

use crate::{
    cli::{ClientOptions, StickyOptions},
    route::Prefix,
    start_error::StartError,
};

/// Whether sessions are sticky, and how clients are told; `below` is where the
/// application's pages are, if that is not all paths.
pub(super) fn sessions(
    options: &StickyOptions,
    clients: &ClientOptions,
    below: Option<&Prefix>,
) -> Result<Option<StickySessions>, StartError> {
    if !options.sticky_sessions {
        return Ok(None);
    }
    let name = &options.sticky_sessions_cookie_name;
    let sessions = StickySessions::new()
        .map_err(|error| StartError::new(format!("there is no key for sticky sessions: {error}")))?
        .cookie_name(name)
        .map_err(|error| StartError::new(format!("--sticky-sessions-cookie-name {name}: {error}")))?
        .trusted_proxies(clients.trusted_proxy.iter().copied().collect());
    Ok(Some(match below {
        Some(path) => sessions.cookie_path(&path.to_string()),
        None => sessions,
    }))
}

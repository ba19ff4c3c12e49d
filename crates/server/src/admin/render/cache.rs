use std::fmt::{self, Write};

use super::{heading, title, units::Size};
use crate::admin::status::{CacheStatus, Status};

/// What the caches have done, and what they hold.
pub(super) fn write(page: &mut String, status: &Status) -> fmt::Result {
    for application in &status.applications {
        heading(page, &title("Cache", application, status))?;
        match &application.cache {
            Some(cache) => write_cache(page, cache)?,
            None => writeln!(page, "off")?,
        }
    }
    Ok(())
}

fn write_cache(page: &mut String, cache: &CacheStatus) -> fmt::Result {
    match cache.hit_rate() {
        Some(rate) => writeln!(page, "Hits    : {} ({:.1}%)", cache.hits, rate * 100.0)?,
        None => writeln!(page, "Hits    : {}", cache.hits)?,
    }
    writeln!(page, "Misses  : {}", cache.misses)?;
    writeln!(page, "Entries : {}", cache.entries)?;
    writeln!(
        page,
        "Memory  : {} of {}",
        Size(cache.bytes),
        Size(cache.capacity_bytes)
    )
}

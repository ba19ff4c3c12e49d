use peregrine::static_files::{public::StaticFiles, sendfile::SendFile};

use crate::settings::{FilesSettings, StaticSettings};

/// What sends files without the application, and what sends those that it names.
pub(super) fn files(settings: &FilesSettings) -> (StaticFiles, SendFile) {
    let static_files = settings
        .static_files
        .as_ref()
        .map_or_else(StaticFiles::none, static_files);
    let mut sendfile = SendFile::none();
    for dir in &settings.sendfile_roots {
        sendfile = sendfile.root(dir);
    }
    for (prefix, dir) in &settings.accel_mappings {
        sendfile = sendfile.mapping(prefix, dir);
    }
    (static_files, sendfile)
}

fn static_files(settings: &StaticSettings) -> StaticFiles {
    let mut files = StaticFiles::new(&settings.dir).max_age(settings.max_age);
    if let Some(path) = &settings.below {
        files = files.below(path);
    }
    if settings.follow_links {
        files = files.follow_links();
    }
    files
}

use std::{
    fs,
    path::{self, Path, PathBuf},
};

use crate::{
    cli::FilesOptions,
    route::Prefix,
    settings::{FilesSettings, StaticSettings},
    start_error::StartError,
};

/// Passenger's name for it, and that of most frameworks.
const PUBLIC: &str = "public";

/// Checks that the folders are there. `app` is the application's own, if it is
/// ours, and `below` where its pages are.
pub(super) fn settings(
    options: FilesOptions,
    app: Option<&Path>,
    below: Option<&Prefix>,
) -> Result<FilesSettings, StartError> {
    let dir = match options.static_files_dir {
        _ if options.no_static_files => None,
        Some(dir) => Some(folder(&dir, "--static-files-dir")?),
        // It may come with the next release.
        None => app.map(|app| app.join(PUBLIC)),
    };
    let roots = options.sendfile_root.iter();
    let mappings = options.accel_mapping.into_iter();
    Ok(FilesSettings {
        static_files: dir.map(|dir| StaticSettings {
            dir,
            below: below.map(Prefix::to_string),
            follow_links: options.follow_static_links,
            max_age: options.static_files_max_age,
        }),
        sendfile_roots: roots
            .map(|dir| folder(dir, "--sendfile-root"))
            .collect::<Result<_, _>>()?,
        accel_mappings: mappings
            .map(|(prefix, dir)| Ok((prefix, folder(&dir, "--accel-mapping")?)))
            .collect::<Result<_, StartError>>()?,
    })
}

fn folder(dir: &Path, option: &str) -> Result<PathBuf, StartError> {
    if fs::metadata(dir).is_ok_and(|found| found.is_dir()) {
        // The folder that is meant now, wherever processes run.
        return Ok(path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
    }
    Err(StartError::new(format!(
        "{} is no folder; name another one as {option}",
        dir.display()
    )))
}

use std::{fs, path};

use crate::{cli::BufferingOptions, settings::BufferingSettings, start_error::StartError};

/// Checks that there is a folder for what is buffered.
pub(super) fn settings(options: BufferingOptions) -> Result<BufferingSettings, StartError> {
    let dir = match options.data_buffer_dir {
        Some(dir) if fs::metadata(&dir).is_ok_and(|found| found.is_dir()) => {
            // The folder that is meant now.
            Some(path::absolute(&dir).unwrap_or(dir))
        }
        Some(dir) => {
            return Err(StartError::new(format!(
                "{} is no folder; name another one as --data-buffer-dir",
                dir.display()
            )));
        }
        None => None,
    };
    let mut paths = options.stream_requests_below.iter();
    if let Some(path) = paths.find(|path| path.query().is_some()) {
        return Err(StartError::new(format!(
            "--stream-requests-below {path} has a query, by which paths are not told apart; \
             leave it out"
        )));
    }
    Ok(BufferingSettings {
        max_request_body_size: Some(megabytes(options.max_request_body_size))
            .filter(|bytes| *bytes > 0),
        stream_requests_below: options
            .stream_requests_below
            .iter()
            .map(|path| path.path().to_owned())
            .collect(),
        response_high_watermark: megabytes(options.response_buffer_high_watermark),
        dir,
        memory: megabytes(options.data_buffer_memory),
        files: megabytes(options.data_buffer_size),
    })
}

fn megabytes(count: u32) -> u64 {
    u64::from(count) << 20
}

use std::{fs, io, path::Path};

/// The folder in which a file of this path is, or would be.
///
/// # Errors
///
/// If it is not there. Who makes a temporary file in it would get the same
/// error with that file's name, of which the operator never heard.
pub(crate) fn parent_folder(path: &Path) -> io::Result<&Path> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::metadata(parent)?;
    Ok(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        let cases = [
            ("/x", Some("/")),
            ("x", Some(".")),
            ("./x", Some(".")),
            ("/no-such-folder/x", None),
        ];
        for (path, expected) in cases {
            let parent = parent_folder(Path::new(path)).ok();
            assert_eq!(parent, expected.map(Path::new), "{path}");
        }
    }
}

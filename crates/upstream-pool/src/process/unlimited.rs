use std::sync::Arc;

/// Paths below which requests do not count for a process's concurrency.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnlimitedPaths(Arc<[Box<str>]>);

impl UnlimitedPaths {
    /// A slash at the end of one makes no difference.
    pub(crate) fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let paths = paths.into_iter();
        Self(
            paths
                .map(|path| path.trim_end_matches('/').into())
                .collect(),
        )
    }

    /// Whether `path` is one of these or below it, by whole segments.
    pub(crate) fn has(&self, path: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        let mut paths = self.0.iter();
        paths.any(|known| path.strip_prefix(&**known).is_some_and(is_below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_another_by_whole_segments() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&[], "/events", false),
            (&["/events"], "/events", true),
            (&["/events"], "/events/1", true),
            (&["/events"], "/eventside", false),
            (&["/events"], "/", false),
            (&["/events/"], "/events", true),
            (&["/a", "/b"], "/b/c", true),
            (&["/"], "/anything", true),
            (&["/"], "*", false),
        ];
        for (paths, path, expected) in cases {
            let unlimited = UnlimitedPaths::new(paths.iter().copied());
            assert_eq!(unlimited.has(path), expected, "{paths:?} {path}");
        }
    }
}

use std::fmt;

/// Why the server could not start: what is wrong and what to do about it, in
/// one line for the operator. The process ends with exit status 2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    message: String,
}

impl StartError {
    /// `message` says both: what is wrong, and what to do.
    ///
    /// What others said (an operating system's error, a file's name) may come
    /// with line breaks; they become spaces, so that it stays one line.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        let message = message.to_string();
        let words: Vec<_> = message.split_whitespace().collect();
        Self {
            message: words.join(" "),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let error = StartError::new("no file\n  called `a\nb`; write one\n");
        assert_eq!(error.to_string(), "no file called `a b`; write one");
    }
}

use std::{ffi::OsString, fmt, path::Path};

/// A command as one would type it into a shell, for people to read.
#[derive(Debug)]
pub(crate) struct CommandLine<'a> {
    program: &'a Path,
    args: &'a [OsString],
}

impl<'a> CommandLine<'a> {
    /// Prints `program` with `args`.
    pub(crate) const fn new(program: &'a Path, args: &'a [OsString]) -> Self {
        Self { program, args }
    }
}

impl fmt::Display for CommandLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.program.to_string_lossy()))?;
        for arg in self.args {
            write!(f, " {}", quoted(&arg.to_string_lossy()))?;
        }
        Ok(())
    }
}

/// As POSIX shells read it back, but for line breaks and other controls, which
/// would tear the line that we print.
fn quoted(word: &str) -> String {
    // Braces only mean something to a shell around a comma, so `{socket}` may
    // stay bare.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let printable: String = word
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("'{}'", printable.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_printed_as_a_shell_would_read_it() {
        let cases: &[(&str, &[&str], &str)] = &[
            (
                "plain",
                &["--bind", "unix:{socket}"],
                "sh --bind unix:{socket}",
            ),
            ("a space", &["-c", "node app.js"], "sh -c 'node app.js'"),
            ("a quote", &["it's"], r"sh 'it'\''s'"),
            ("nothing", &[""], "sh ''"),
            ("a variable", &["$PORT"], "sh '$PORT'"),
            ("a line break", &["a\nb"], "sh 'a b'"),
        ];
        for (name, args, expected) in cases {
            let args: Vec<_> = args.iter().map(OsString::from).collect();
            let printed = CommandLine::new(Path::new("sh"), &args).to_string();
            assert_eq!(&printed, expected, "{name}");
        }
    }
}

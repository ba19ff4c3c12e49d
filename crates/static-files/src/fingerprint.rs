use std::path::Path;

/// Folders whose files build tools write.
const OF_BUILD_TOOLS: [&str; 6] = ["assets", "packs", "build", "dist", "static", "_next"];

/// Whether the name of a file says what is in it, so that it is never changed:
/// `application-5f2d…e1.css`.
///
/// Anywhere, 20 hexadecimal digits are that: nobody writes them by hand. In a
/// folder of a build tool, 8 are, if they are neither a number (a date) nor a
/// word, and so are 8 letters of both cases with a digit.
pub(crate) fn has_fingerprint(path: &Path) -> bool {
    let built = path.parent().is_some_and(|folder| {
        folder
            .iter()
            .any(|name| OF_BUILD_TOOLS.iter().any(|it| name == *it))
    });
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    // The first part is the name itself, the last one the extension.
    let parts: Vec<_> = name.split(['-', '.']).collect();
    let inner = parts.get(1..parts.len().saturating_sub(1));
    inner
        .unwrap_or_default()
        .iter()
        .any(|part| is_hash(part, built))
}

fn is_hash(part: &str, built: bool) -> bool {
    let any = |is: fn(&u8) -> bool| part.as_bytes().iter().any(is);
    let hexadecimal = part
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mixed = any(u8::is_ascii_digit) && any(u8::is_ascii_alphabetic);
    match part.len() {
        20.. => hexadecimal && mixed,
        8.. if built && hexadecimal => mixed,
        8 if built => mixed && any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_what_is_in_them() {
        let cases = [
            (
                "Sprockets",
                "assets/a-908e25f4bf641868d8683022a5b62f54ab2a1b5c.css",
                true,
            ),
            ("Propshaft", "assets/a-1d4cd8b1.css", true),
            ("with a map", "assets/a-1d4cd8b1.css.map", true),
            ("Webpacker", "packs/js/a-9f2f1c0d3b5a6e7f8a9b.js", true),
            ("Vite", "assets/index-DiwrgT4a.js", true),
            (
                "esbuild, anywhere",
                "a.5d41402abc4b2a76b9719d911017c592.js",
                true,
            ),
            ("no name", "5d41402abc4b2a76b9719d911017c592.js", false),
            ("no extension", "assets/a-1d4cd8b1", false),
            ("a date", "assets/report-20240115.pdf", false),
            ("a word", "assets/wall-facadefacade.jpg", false),
            ("a version", "assets/jquery-3.7.1.min.js", false),
            ("not of a build tool", "uploads/photo-1d4cd8b1.jpg", false),
            (
                "long, but a number",
                "uploads/a-20240115202401152024.jpg",
                false,
            ),
            ("nothing", "favicon.ico", false),
        ];
        for (name, path, expected) in cases {
            assert_eq!(has_fingerprint(Path::new(path)), expected, "{name}");
        }
    }
}

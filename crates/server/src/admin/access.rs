//! Who may use the admin API over TCP: whoever has a token, and for what.

use std::{fmt, fs, os::unix::fs::MetadataExt, path::Path};

use http::{HeaderMap, Method, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::start_error::StartError;

/// The shortest token that takes longer to guess than anybody lives, if it is
/// random.
const SHORTEST: usize = 16;

/// The tokens of a server: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// For everything.
    full: Option<Token>,
    /// To look, not to act.
    read_only: Option<Token>,
}

/// A secret. Kept as a hash, so that it stands nowhere in memory, and so that
/// comparing it takes as long for every guess, however long the guess is.
#[derive(Clone)]
struct Token([u8; 32]);

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// It bears no token, or an unknown one.
    Unauthorized,
    /// It bears one that is to look only.
    Forbidden,
}

impl Tokens {
    /// Reads them from files of one line each.
    ///
    /// # Errors
    ///
    /// If both files are absent, or a file cannot be what it should be. The
    /// error does not say what is in it.
    pub(crate) fn read(full: Option<&Path>, read_only: Option<&Path>) -> Result<Self, StartError> {
        if full.is_none() && read_only.is_none() {
            return Err(StartError::new(
                "--admin-address opens the server to everybody who can reach it; say who may \
                 use it with --admin-token-file or --admin-read-only-token-file",
            ));
        }
        Ok(Self {
            full: full.map(Token::read).transpose()?,
            read_only: read_only.map(Token::read).transpose()?,
        })
    }

    /// Whether a request of this head is answered.
    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap) -> Verdict {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return Verdict::Unauthorized;
        };
        let Some(given) = bearer(field.as_bytes()) else {
            return Verdict::Unauthorized;
        };
        let given = Token::of(given);
        // Both, always: how long it takes says nothing.
        let full = self.full.as_ref().is_some_and(|it| it.is(&given));
        let read_only = self.read_only.as_ref().is_some_and(|it| it.is(&given));
        match () {
            () if full => Verdict::Allowed,
            () if !read_only => Verdict::Unauthorized,
            () if *method == Method::GET || *method == Method::HEAD => Verdict::Allowed,
            () => Verdict::Forbidden,
        }
    }
}

/// RFC 6750 §2.1, with the scheme in any case (RFC 9110 §11.1).
fn bearer(field: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = field.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

impl Token {
    fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    fn read(path: &Path) -> Result<Self, StartError> {
        let refuse = |reason: &dyn fmt::Display| {
            StartError::new(format!(
                "cannot use the admin token in {}: {reason}",
                path.display()
            ))
        };
        let metadata = fs::metadata(path).map_err(|error| refuse(&error))?;
        if metadata.mode() & 0o007 != 0 {
            return Err(refuse(&"every user may read it; chmod it to 600"));
        }
        let text = fs::read(path).map_err(|error| refuse(&error))?;
        let token = text.trim_ascii();
        if token.len() < SHORTEST {
            return Err(refuse(&format_args!(
                "it is shorter than {SHORTEST} characters; make one with `openssl rand -hex 32`"
            )));
        }
        if !token.iter().all(u8::is_ascii_graphic) {
            return Err(refuse(
                &"it is not one word of letters, digits and punctuation",
            ));
        }
        Ok(Self::of(token))
    }
}

/// Nothing of it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{
        Verdict::{Allowed, Forbidden, Unauthorized},
        *,
    };

    const FULL: &str = "the-token-that-may-do-everything";
    const READ_ONLY: &str = "the-token-that-may-look";

    fn file(folder: &Path, name: &str, content: &str, mode: u32) -> std::path::PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn who_may_do_what() {
        let folder = tempfile::tempdir().unwrap();
        let full = file(folder.path(), "full", &format!("{FULL}\n"), 0o600);
        let read_only = file(folder.path(), "read-only", READ_ONLY, 0o640);
        let both = Tokens::read(Some(&full), Some(&read_only)).unwrap();
        let only_full = Tokens::read(Some(&full), None).unwrap();
        let only_read = Tokens::read(None, Some(&read_only)).unwrap();

        let full = format!("Bearer {FULL}");
        let read = format!("bearer  {READ_ONLY} ");
        let (get, post) = (Method::GET, Method::POST);
        let cases: [(&str, &Tokens, &Method, &[&str], Verdict); 15] = [
            ("looks", &both, &get, &[&full], Allowed),
            ("acts", &both, &post, &[&full], Allowed),
            ("only looks", &both, &get, &[&read], Allowed),
            ("only looks, head", &both, &Method::HEAD, &[&read], Allowed),
            ("may not act", &both, &post, &[&read], Forbidden),
            ("no token", &both, &get, &[], Unauthorized),
            ("no token to act", &both, &post, &[], Unauthorized),
            ("an empty token", &both, &get, &["Bearer "], Unauthorized),
            ("a wrong one", &both, &get, &["Bearer x"], Unauthorized),
            ("its beginning", &both, &get, &[&full[..20]], Unauthorized),
            (
                "another scheme",
                &both,
                &get,
                &[&format!("Basic {FULL}")],
                Unauthorized,
            ),
            ("no scheme", &both, &get, &[FULL], Unauthorized),
            ("two tokens", &both, &get, &[&full, &full], Unauthorized),
            ("unknown here", &only_full, &get, &[&read], Unauthorized),
            ("unknown there", &only_read, &get, &[&full], Unauthorized),
        ];
        for (name, tokens, method, fields, expected) in cases {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(AUTHORIZATION, field.parse().unwrap());
            }
            assert_eq!(tokens.judge(method, &headers), expected, "{name}");
        }
        let printed = format!("{both:?}");
        assert!(!printed.contains("may"), "{printed}");
    }

    #[test]
    fn a_token_that_is_none_is_refused_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let cases = [
            ("short", "0123456789abcde", 0o600, "shorter than 16"),
            ("empty", "", 0o600, "shorter than 16"),
            ("two lines", "0123456789abcdef\n0123", 0o600, "one word"),
            ("open", "0123456789abcdef", 0o644, "every user"),
        ];
        for (name, content, mode, reason) in cases {
            let path = file(folder.path(), name, content, mode);
            let error = Tokens::read(Some(&path), None).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
            assert!(!error.contains("0123"), "{name}: {error}");
        }
        assert!(Tokens::read(None, Some(&folder.path().join("none"))).is_err());
        let error = Tokens::read(None, None).unwrap_err().to_string();
        assert!(error.contains("--admin-token-file"), "{error}");
    }
}

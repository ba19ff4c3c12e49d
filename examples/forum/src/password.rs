//! Passwords are kept as Argon2id hashes, with the parameters that OWASP
//! recommends. To make or check one takes some 20 ms of a processor and 19 MiB, so
//! it is work for a thread that may block.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::store::StoreError;

/// What is kept of a password.
pub(crate) fn hash(password: &str) -> Result<String, StoreError> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(StoreError::password)?;
    Ok(hash.to_string())
}

/// Whether this is the password of which `hash` was kept.
///
/// Without a hash it isn't, and that takes as long: nobody is to learn from it who
/// is registered here.
pub(crate) fn is_right(password: &str, hash: Option<&str>) -> bool {
    static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| self::hash("").ok());
    let compared = hash.or(NOBODYS.as_deref()).unwrap_or_default();
    let Ok(parsed) = PasswordHash::new(compared) else {
        return false;
    };
    let matches = Argon2::default().verify_password(password.as_bytes(), &parsed);
    hash.is_some() && matches.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_right() {
        let kept = hash("correct horse").unwrap();
        let cases = [
            ("the password", "correct horse", Some(kept.as_str()), true),
            ("another one", "correct house", Some(kept.as_str()), false),
            ("none", "", Some(kept.as_str()), false),
            ("nobody's", "", None, false),
            ("a hash that is none", "x", Some("x"), false),
        ];
        for (name, password, hash, expected) in cases {
            assert_eq!(is_right(password, hash), expected, "{name}");
        }
        assert!(!kept.contains("horse"));
    }
}

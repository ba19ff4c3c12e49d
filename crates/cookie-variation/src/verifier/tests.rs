use std::time::Duration;

use super::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

/// The cookie as it stands in a request.
fn encoded(jar: &CookieJar, name: &str) -> String {
    let cookie = jar.get(name).unwrap().encoded().to_string();
    cookie.strip_prefix(&format!("{name}=")).unwrap().to_owned()
}

fn signed(key: &Key, name: &'static str, value: &'static str) -> String {
    let mut jar = CookieJar::new();
    jar.signed_mut(key).add((name, value));
    encoded(&jar, name)
}

fn private(key: &Key, name: &'static str, value: &'static str) -> String {
    let mut jar = CookieJar::new();
    jar.private_mut(key).add((name, value));
    encoded(&jar, name)
}

fn verified(verifier: &Verifier, value: &str) -> Option<String> {
    let value = verifier.verify("user_id", value.as_bytes(), NOW)?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}

#[test]
fn the_key_that_signed_it_vouches_for_it_and_no_other() {
    let (new, old, other) = (Key::generate(), Key::generate(), Key::generate());
    let verifier = Verifier::signed_jar(new.clone()).or(Verifier::signed_jar(old.clone()));
    let cases = [
        ("the new key", signed(&new, "user_id", "42 é"), Some("42 é")),
        ("the old key", signed(&old, "user_id", "42"), Some("42")),
        ("another key", signed(&other, "user_id", "42"), None),
        ("no signature", "42".to_owned(), None),
        ("nothing but a signature", signed(&new, "user_id", ""), None),
        (
            "encrypted, not signed",
            private(&new, "user_id", "42"),
            None,
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(verified(&verifier, &value).as_deref(), expected, "{name}");
    }
}

#[test]
fn a_changed_value_is_not_vouched_for() {
    let key = Key::generate();
    let verifier = Verifier::from(key.clone());
    let mut forged = signed(&key, "user_id", "42");
    forged.pop();
    assert_eq!(verified(&verifier, &forged), None);
    forged.push('1');
    assert_eq!(verified(&verifier, &forged), None);
}

#[test]
fn a_private_cookie_is_for_its_name() {
    let key = Key::generate();
    let verifier = Verifier::private_jar(key.clone());
    let cases = [
        ("its own", private(&key, "user_id", "42"), Some("42")),
        ("another cookie's", private(&key, "theme", "42"), None),
        ("signed only", signed(&key, "user_id", "42"), None),
        ("too short", "QUJD".to_owned(), None),
    ];
    for (name, value, expected) in cases {
        assert_eq!(verified(&verifier, &value).as_deref(), expected, "{name}");
    }
}

#[test]
fn keys_are_not_printed() {
    let verifier = Verifier::signed_jar(Key::from(&[b'k'; 64]));
    assert_eq!(format!("{verifier:?}"), "[signed jar]");
}

/// Made by `ActiveSupport::MessageVerifier` 6.1.7 in Ruby 3.1, with what
/// `ActiveSupport::KeyGenerator` derived from this secret for the salt `signed
/// cookie` (SHA-1), or OpenSSL in its place (SHA-256).
#[cfg(feature = "rails")]
mod signed_by_rails {
    use super::{rails::*, *};

    const FOR_USER_ID: &str =
        "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5EST0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19";
    const UNTIL_2030: &str = "eyJfcmFpbHMiOnsibWVzc2FnZSI6IkltRnNhV05sSWc9PSIsImV4cCI6IjIwMzAtMDEtMDFUMDA6MDA6MDAuMDAwWiIsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19--d965b55ca8495fcde3213e5ce80ebc08c3da96b4";
    const FOR_THEME: &str = "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5EST0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS50aGVtZSJ9fQ%3D%3D--1df528a29250359836f7662df43479cead024106";
    const FOR_ANYTHING: &str = "NDI%3D--f78e82be625d2aa3adbf4368c99a203535fe736a";
    const SHA1_SHA1: &str = "cf12a72ceab661a1b7a7047ff0acdbf04b5b838c";
    const SHA1_SHA256: &str = "721cd1d497687bf2dcce24bf6eb2efae7d6910fd0f055b123a9776a2b6e23d06";
    const SHA256_SHA1: &str = "00816ecd46a42b99afefc42e3c745622483790c6";
    const SHA256_SHA256: &str = "b8fa083c84209e5ccd5360e1c1e9cb7a160edfd9927e8225bb6aa5f0992d2742";
    /// 2030-01-01.
    const YEAR_2030: Duration = Duration::from_secs(1_893_456_000);

    fn secret() -> String {
        "0123456789abcdef".repeat(8)
    }

    #[test]
    fn its_digests_are_those_of_its_age() {
        let old = || RailsKey::rails_5_2(&secret());
        let new = || RailsKey::rails_7(&secret());
        let cases = [
            ("before 7.0", old(), SHA1_SHA1),
            (
                "before 7.0, configured",
                old().signed_cookie_digest(Digest::Sha256),
                SHA1_SHA256,
            ),
            ("since 7.0", new(), SHA256_SHA1),
            (
                "since 7.0, configured",
                new().signed_cookie_digest(Digest::Sha256),
                SHA256_SHA256,
            ),
        ];
        for (name, key, right) in &cases {
            for signature in [SHA1_SHA1, SHA1_SHA256, SHA256_SHA1, SHA256_SHA256] {
                let cookie = format!("{FOR_USER_ID}--{signature}");
                let value = verified(&Verifier::rails(key.clone()), &cookie);
                let expected = (signature == *right).then_some("42");
                assert_eq!(value.as_deref(), expected, "{name}");
            }
        }
    }

    #[test]
    fn it_counts_for_its_cookie_while_it_has_not_expired() {
        let verifier = Verifier::rails(RailsKey::rails_5_2(&secret()));
        let at = |value: &str, now| verifier.verify("user_id", value.as_bytes(), now);
        assert_eq!(at(FOR_THEME, NOW), None, "another cookie's");
        assert!(
            verifier
                .verify("theme", FOR_THEME.as_bytes(), NOW)
                .is_some()
        );
        assert_eq!(at(FOR_ANYTHING, NOW), None, "for any cookie");

        let last = NOW + YEAR_2030 - Duration::from_secs(1);
        assert_eq!(at(UNTIL_2030, last).as_deref(), Some(&b"\"alice\""[..]));
        assert_eq!(at(UNTIL_2030, NOW + YEAR_2030), None, "expired");
    }

    #[test]
    fn a_changed_one_does_not_count() {
        let verifier = Verifier::rails(RailsKey::rails_5_2(&secret()));
        let cases = [
            ("another signature", format!("{FOR_USER_ID}--{SHA256_SHA1}")),
            ("a cut one", format!("{FOR_USER_ID}--{}", &SHA1_SHA1[2..])),
            (
                "half a digit",
                format!("{FOR_USER_ID}--{}", &SHA1_SHA1[1..]),
            ),
            ("none", FOR_USER_ID.to_owned()),
            ("an empty one", format!("{FOR_USER_ID}--")),
            (
                "no hexadecimal digits",
                format!("{FOR_USER_ID}--{}", "+1".repeat(20)),
            ),
            ("other data", format!("{}--{SHA1_SHA1}", &FOR_USER_ID[4..])),
        ];
        for (name, cookie) in cases {
            assert_eq!(verified(&verifier, &cookie), None, "{name}");
        }
    }
}

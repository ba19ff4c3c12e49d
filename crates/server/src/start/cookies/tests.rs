use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

/// `peregrine start` with these options, which are about cookies.
fn options(arguments: &[&str]) -> Result<CookieOptions, clap::Error> {
    let arguments = [&["peregrine", "start"], arguments].concat();
    match Cli::try_parse_from(arguments)?.command {
        Command::Start(options) => Ok(options.app.cookies),
        other => panic!("{other:?}"),
    }
}

fn made(arguments: &[&str]) -> Result<Option<CookieVariation>, StartError> {
    variation(options(arguments).unwrap(), CacheMode::Conservative)
}

/// A file with keys in it.
fn keys(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    file
}

fn signed_with(kind: &str, text: &str) -> Result<Option<CookieVariation>, StartError> {
    let file = keys(text);
    made(&[
        "--vary-turbocache-by-signed-cookie",
        "user_id",
        "--cookie-key-kind",
        kind,
        "--cookie-key-file",
        file.path().to_str().unwrap(),
    ])
}

#[test]
fn every_mode_has_its_option() {
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "visitors",
            &[
                "--turbocache-without-cookie",
                "a",
                "--turbocache-without-cookie",
                "b",
            ],
            "Nobody",
        ),
        (
            "sessions",
            &["--vary-turbocache-by-session", "session"],
            "Application",
        ),
        (
            "unverified",
            &[
                "--vary-turbocache-by-cookie",
                "user_id",
                "--i-trust-clients",
            ],
            "Everybody",
        ),
    ];
    assert!(made(&[]).unwrap().is_none());
    for (name, arguments, trust) in cases {
        let printed = format!("{:?}", made(arguments).unwrap().unwrap());
        assert!(printed.contains(trust), "{name}: {printed}");
    }
    let with_language = [
        "--turbocache-without-cookie",
        "a",
        "--vary-turbocache-by-preference",
        "lang",
    ];
    let printed = format!("{:?}", made(&with_language).unwrap().unwrap());
    assert!(printed.contains("lang"), "{printed}");
}

#[test]
fn keys_are_read_in_the_form_of_their_kind_and_never_printed() {
    let key = STANDARD.encode([b'k'; 64]);
    let older = STANDARD.encode([b'o'; 80]);
    let secret = "0123456789abcdef".repeat(8);
    let cases = [
        ("signed-jar", format!("{key}\n"), "[signed jar]"),
        (
            "signed-jar",
            format!("{key}\n\n {older}\n"),
            "[signed jar, signed jar]",
        ),
        ("private-jar", key.clone(), "[private jar]"),
        ("rails-5.2", secret.clone(), "[Rails]"),
        ("rails-5.2-sha256", secret.clone(), "[Rails]"),
        (
            "rails-7",
            format!("{secret}\n{}", &secret[1..]),
            "[Rails, Rails]",
        ),
        ("rails-7-sha256", secret.clone(), "[Rails]"),
    ];
    for (kind, text, expected) in cases {
        let printed = format!("{:?}", signed_with(kind, &text).unwrap().unwrap());
        assert!(printed.contains(expected), "{kind}: {printed}");
        for secret in [&key, &older, &secret] {
            assert!(!printed.contains(secret), "{kind}: {printed}");
        }
    }
}

#[test]
fn a_key_that_cannot_be_one_is_refused_without_being_told() {
    let short = STANDARD.encode([b'k'; 63]);
    let cases = [
        ("too short", "signed-jar", short.as_str(), "64 bytes"),
        ("no Base64", "private-jar", "hunter2!", "64 bytes"),
        ("a short secret", "rails-7", "hunter2!", "secret_key_base"),
        ("an empty file", "signed-jar", "\n \n", "empty"),
    ];
    for (name, kind, text, part) in cases {
        let error = signed_with(kind, text).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains(&short),
            "{name}: {error}"
        );
    }
}

#[test]
fn what_is_not_safe_or_makes_no_sense_is_refused_with_what_to_do() {
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "no trust",
            &["--vary-turbocache-by-cookie", "user_id"],
            "--i-trust-clients",
        ),
        (
            "a preference alone",
            &["--vary-turbocache-by-preference", "lang"],
            "--turbocache-without-cookie",
        ),
        (
            "no such file",
            &[
                "--vary-turbocache-by-signed-cookie",
                "user_id",
                "--cookie-key-kind",
                "rails-7",
                "--cookie-key-file",
                "/nowhere/key",
            ],
            "/nowhere/key",
        ),
    ];
    for (name, arguments, part) in cases {
        let error = made(arguments).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
    }
    let visitors = options(&["--turbocache-without-cookie", "a"]).unwrap();
    let error = variation(visitors, CacheMode::Off).unwrap_err().to_string();
    assert!(error.contains("--cache off"), "{error}");
}

#[test]
fn modes_exclude_one_another_and_need_what_they_need() {
    let cases: &[(&str, &[&str])] = &[
        (
            "two modes",
            &[
                "--turbocache-without-cookie",
                "a",
                "--vary-turbocache-by-session",
                "a",
            ],
        ),
        (
            "safe and unsafe",
            &[
                "--vary-turbocache-by-session",
                "a",
                "--vary-turbocache-by-cookie",
                "b",
                "--i-trust-clients",
            ],
        ),
        ("trust in nothing", &["--i-trust-clients"]),
        (
            "a signature of nobody",
            &["--vary-turbocache-by-signed-cookie", "a"],
        ),
        ("a key of nothing", &["--cookie-key-file", "key"]),
        ("a kind of nothing", &["--cookie-key-kind", "rails-7"]),
        ("no name", &["--vary-turbocache-by-session", "a b"]),
        ("an empty name", &["--vary-turbocache-by-session", ""]),
    ];
    for (name, arguments) in cases {
        options(arguments).expect_err(name);
    }
}

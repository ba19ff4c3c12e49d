use super::*;

type Lines = &'static [(&'static str, &'static str)];
type Expected = Result<Option<Framing>, Malformed>;

fn fields(lines: Lines) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in lines {
        let name = HeaderName::from_static(name);
        fields.note(&name, &HeaderValue::from_static(value));
    }
    fields
}

const OLD: Version = Version::HTTP_10;
const NEW: Version = Version::HTTP_11;

/// The lines of `Content-Length` that there may be, and what they say.
const LENGTHS: [(&str, &[&str], Result<Option<u64>, ()>); 20] = [
    ("§6.3 rule 7: none", &[], Ok(None)),
    ("§6.3 rule 6: one", &["5"], Ok(Some(5))),
    ("§6.3 rule 6: of nothing", &["0"], Ok(None)),
    ("9110 §8.6: digits, and no others", &["005"], Ok(Some(5))),
    (
        "9110 §8.6: the largest",
        &["18446744073709551615"],
        Ok(Some(u64::MAX)),
    ),
    ("9110 §8.6: one more", &["18446744073709551616"], Err(())),
    ("9110 §8.6: empty", &[""], Err(())),
    ("9110 §8.6: signed", &["+5"], Err(())),
    ("9110 §8.6: negative", &["-5"], Err(())),
    ("9110 §8.6: hexadecimal", &["0x5"], Err(())),
    ("9110 §8.6: with a point", &["5.0"], Err(())),
    ("9110 §8.6: with white space in it", &["5 5"], Err(())),
    ("9110 §8.6: with something behind it", &["5;"], Err(())),
    ("§6.3 rule 5: a list", &["5, 6"], Err(())),
    // Rule 5 lets one take it for a single one. Not everybody does.
    ("§6.3 rule 5: the same in a list", &["5, 5"], Err(())),
    ("§6.3 rule 5: a list of one", &["5,"], Err(())),
    ("§6.3 rule 5: two", &["5", "6"], Err(())),
    ("§6.3 rule 5: the same twice", &["5", "5"], Err(())),
    ("§6.3 rule 5: nothing twice", &["0", "0"], Err(())),
    ("§6.3 rule 5: not one, and one", &["x", "5"], Err(())),
];

/// What the lines of `Transfer-Encoding` that there may be come to.
#[derive(Clone, Copy, PartialEq)]
enum Coding {
    None,
    Chunked,
    Unknown,
    Faulty,
}

const CODINGS: [(&str, &[&str], Coding); 20] = [
    ("§6.1: none", &[], Coding::None),
    ("§7.1: chunks", &["chunked"], Coding::Chunked),
    ("§7: in whatever letters", &["ChUnKeD"], Coding::Chunked),
    ("§6.1: coded", &["gzip, chunked"], Coding::Unknown),
    ("§6.1: in two lines", &["gzip", "chunked"], Coding::Unknown),
    ("§6.1: twice", &["x, y ,chunked"], Coding::Unknown),
    ("§6.3 rule 4: not in chunks", &["gzip"], Coding::Faulty),
    (
        "§6.3 rule 4: not at last",
        &["chunked, gzip"],
        Coding::Faulty,
    ),
    (
        "§6.3 rule 4: nor in two lines",
        &["chunked", "gzip"],
        Coding::Faulty,
    ),
    (
        "§6.1: chunks of chunks",
        &["chunked, chunked"],
        Coding::Faulty,
    ),
    (
        "§6.1: in two lines",
        &["chunked", "chunked"],
        Coding::Faulty,
    ),
    ("§6.1: and coded", &["x, chunked, chunked"], Coding::Faulty),
    ("§7.2: the one that was", &["identity"], Coding::Faulty),
    ("§7: with a parameter", &["chunked;a=b"], Coding::Faulty),
    ("§7: quoted", &["\"chunked\""], Coding::Faulty),
    ("§7: in other letters", &["chunke d"], Coding::Faulty),
    ("§7: nothing", &[""], Coding::Faulty),
    // 9110 §5.6.1 would ignore it; not everybody does.
    (
        "9110 §5.6.1: an empty element",
        &["chunked,"],
        Coding::Faulty,
    ),
    (
        "9110 §5.6.1: an empty line",
        &["chunked", ""],
        Coding::Faulty,
    ),
    ("9110 §5.6.1: at first", &[", chunked"], Coding::Unknown),
];

/// All combinations, in both versions, whichever is said first.
#[test]
fn where_a_body_ends_is_said_in_one_way_or_the_request_is_refused() {
    for (coding_name, codings, coding) in CODINGS {
        for (length_name, lengths, length) in LENGTHS {
            for version in [OLD, NEW] {
                for coding_first in [true, false] {
                    let codings = codings.iter().map(|it| (TRANSFER_ENCODING, *it));
                    let lengths = lengths.iter().map(|it| (CONTENT_LENGTH, *it));
                    let lines: Vec<_> = if coding_first {
                        codings.chain(lengths).collect()
                    } else {
                        lengths.chain(codings).collect()
                    };
                    let has_length = lines.iter().any(|(name, _)| *name == CONTENT_LENGTH);
                    let mut fields = Fields::default();
                    for (name, value) in lines {
                        fields.note(&name, &HeaderValue::from_static(value));
                    }
                    let expected: Expected = match (coding, length) {
                        (Coding::None, Ok(length)) => Ok(length.map(Framing::Length)),
                        (Coding::None, Err(())) => Err(Malformed::ContentLength),
                        _ if version == OLD || has_length => Err(Malformed::TransferEncoding),
                        (Coding::Chunked, _) => Ok(Some(Framing::Chunked)),
                        (Coding::Unknown, _) => Err(Malformed::UnknownCoding),
                        (Coding::Faulty, _) => Err(Malformed::TransferEncoding),
                    };
                    assert_eq!(
                        fields.framing(version),
                        expected,
                        "{version:?}, {coding_name}, {length_name}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_else_says_where_a_body_ends() {
    let others: [Lines; 5] = [
        &[("te", "chunked")],
        &[("trailer", "content-length")],
        &[("connection", "content-length, transfer-encoding")],
        &[("content-encoding", "chunked")],
        &[("upgrade", "x"), ("expect", "100-continue")],
    ];
    for lines in others {
        assert_eq!(fields(lines).framing(NEW), Ok(None), "{lines:?}");
    }
}

#[test]
fn who_may_ask_again() {
    let cases: [(&str, Lines, Version, bool); 12] = [
        ("§9.3: HTTP/1.1", &[], NEW, true),
        ("§9.3: close", &[("connection", "x, Close")], NEW, false),
        ("§9.3: HTTP/1.0", &[], OLD, false),
        (
            "§9.3: HTTP/1.0 that says so",
            &[("connection", "Keep-Alive")],
            OLD,
            true,
        ),
        (
            "§9.3: HTTP/1.0 among others",
            &[("connection", "te ,, keep-alive")],
            OLD,
            true,
        ),
        (
            "§9.3: close is not taken back",
            &[("connection", "close"), ("connection", "keep-alive")],
            NEW,
            false,
        ),
        (
            "§9.3: close comes first",
            &[("connection", "keep-alive, close")],
            OLD,
            false,
        ),
        (
            "9110 §7.6.1: not an option",
            &[("connection", "closed")],
            NEW,
            true,
        ),
        (
            "9110 §7.6.1: not this one",
            &[("connection", "\"close\"")],
            NEW,
            true,
        ),
        ("9110 §7.6.1: none", &[("connection", "")], NEW, true),
        (
            "§9.6: another field",
            &[("keep-alive", "timeout=5")],
            OLD,
            false,
        ),
        (
            "§9.3: nor that of a proxy",
            &[("proxy-connection", "close")],
            NEW,
            true,
        ),
    ];
    for (name, lines, version, expected) in cases {
        assert_eq!(fields(lines).persists(version), expected, "{name}");
    }
}

#[test]
fn who_waits_to_be_told_to_go_on() {
    let cases: [(&str, Lines, Version, bool); 7] = [
        (
            "9110 §10.1.1: it says so",
            &[("expect", "100-continue")],
            NEW,
            true,
        ),
        (
            "9110 §10.1.1: in whatever letters",
            &[("expect", "100-Continue")],
            NEW,
            true,
        ),
        (
            "9110 §10.1.1: in one of two lines",
            &[("expect", "x"), ("expect", "100-continue")],
            NEW,
            true,
        ),
        (
            "9110 §10.1.1: HTTP/1.0",
            &[("expect", "100-continue")],
            OLD,
            false,
        ),
        (
            "9110 §10.1.1: something else",
            &[("expect", "100-continued")],
            NEW,
            false,
        ),
        ("9110 §10.1.1: nothing", &[("expect", "")], NEW, false),
        (
            "9110 §10.1.1: another field",
            &[("x-expect", "100-continue")],
            NEW,
            false,
        ),
    ];
    for (name, lines, version, expected) in cases {
        assert_eq!(fields(lines).expects_continue(version), expected, "{name}");
    }
}

#[test]
fn who_takes_trailer_fields() {
    let cases: [(&str, Lines, bool); 6] = [
        ("9110 §10.1.4: it says so", &[("te", "trailers")], true),
        (
            "9110 §10.1.4: among codings",
            &[("te", "gzip;q=0.5, Trailers")],
            true,
        ),
        (
            "9110 §10.1.4: in one of two lines",
            &[("te", "gzip"), ("te", "trailers")],
            true,
        ),
        (
            "9110 §10.1.4: codings alone",
            &[("te", "gzip, deflate;q=0.5")],
            false,
        ),
        ("9110 §10.1.4: nothing", &[("te", "")], false),
        (
            "9110 §6.6.2: it has some itself",
            &[("trailer", "trailers")],
            false,
        ),
    ];
    for (name, lines, expected) in cases {
        assert_eq!(fields(lines).takes_trailers(), expected, "{name}");
    }
}

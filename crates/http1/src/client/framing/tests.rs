use super::*;

type Lines = &'static [(&'static str, &'static str)];
type Expected = Result<Option<Framing>, Malformed>;

fn fields(lines: Lines) -> (Fields, HeaderMap) {
    let mut headers = HeaderMap::new();
    let mut fields = Fields::default();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_static(value);
        fields.note(&name, &value);
        headers.append(name, value);
    }
    (fields, headers)
}

const LENGTH: Lines = &[("content-length", "5")];
const CHUNKED: Lines = &[("transfer-encoding", "Chunked")];

#[test]
fn where_a_body_ends_is_said_by_rfc_9112_section_6_3() {
    use Malformed::ContentLength;
    let cases: [(&str, Lines, Expected); 18] = [
        ("rule 6: a length", LENGTH, Ok(Some(Framing::Length(5)))),
        (
            "rule 6: nothing",
            &[("content-length", "0")],
            Ok(Some(Framing::Length(0))),
        ),
        ("rule 4: chunks", CHUNKED, Ok(Some(Framing::Chunked))),
        ("rule 8: neither", &[], Ok(Some(Framing::Close))),
        (
            "rule 8: other fields",
            &[("connection", "close"), ("te", "chunked")],
            Ok(Some(Framing::Close)),
        ),
        (
            "rule 3: both",
            &[("content-length", "5"), ("transfer-encoding", "chunked")],
            Ok(Some(Framing::Chunked)),
        ),
        (
            "rule 3: both, and the length is not one",
            &[("transfer-encoding", "chunked"), ("content-length", "x")],
            Ok(Some(Framing::Chunked)),
        ),
        (
            "rule 5: the same length in a list",
            &[("content-length", "5, 5")],
            Ok(Some(Framing::Length(5))),
        ),
        (
            "rule 5: the same length in two lines",
            &[("content-length", "5"), ("content-length", "05")],
            Ok(Some(Framing::Length(5))),
        ),
        (
            "rule 5: two lengths",
            &[("content-length", "5"), ("content-length", "6")],
            Err(ContentLength),
        ),
        (
            "rule 5: two lengths in a list, and the first again",
            &[("content-length", "5, 6"), ("content-length", "5")],
            Err(ContentLength),
        ),
        ("signed", &[("content-length", "+5")], Err(ContentLength)),
        ("negative", &[("content-length", "-1")], Err(ContentLength)),
        ("empty", &[("content-length", "")], Err(ContentLength)),
        ("a hole", &[("content-length", "5,")], Err(ContentLength)),
        (
            "hexadecimal",
            &[("content-length", "0x5")],
            Err(ContentLength),
        ),
        (
            "the largest number",
            &[("content-length", "18446744073709551615")],
            Ok(Some(Framing::Length(u64::MAX))),
        ),
        (
            "one more than the largest number",
            &[("content-length", "18446744073709551616")],
            Err(ContentLength),
        ),
    ];
    for (name, lines, expected) in cases {
        let framing = fields(lines)
            .0
            .framing(&Method::GET, StatusCode::OK, Version::HTTP_11);
        assert_eq!(framing, expected, "{name}");
    }
}

#[test]
fn an_answer_in_a_transfer_coding_that_nobody_asked_for_is_refused() {
    use Malformed::TransferEncoding;
    let cases: [(&str, Lines, Expected); 8] = [
        (
            "§7.4: a coding that nobody asked for",
            &[("transfer-encoding", "gzip, chunked")],
            Err(TransferEncoding),
        ),
        (
            "rule 4: words that stand for no coding",
            &[("transfer-encoding", "None, Whatever")],
            Ok(Some(Framing::Close)),
        ),
        (
            "rule 4: chunked within such a word",
            &[("transfer-encoding", "whatever, chunked")],
            Err(TransferEncoding),
        ),
        (
            "§7.2: a coding that some would undo",
            &[("transfer-encoding", "whatever, GZip")],
            Err(TransferEncoding),
        ),
        (
            "rule 4: chunked is not the last",
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "gzip"),
            ],
            Err(TransferEncoding),
        ),
        (
            "§6.1: chunked twice",
            &[("transfer-encoding", "chunked, chunked")],
            Err(TransferEncoding),
        ),
        (
            "rule 4: something that some take for chunked",
            &[("transfer-encoding", "\"chunked\"")],
            Err(TransferEncoding),
        ),
        (
            "RFC 9110 §5.6.1: an empty element",
            &[("transfer-encoding", "chunked,")],
            Err(TransferEncoding),
        ),
    ];
    for (name, lines, expected) in cases {
        let framing = fields(lines)
            .0
            .framing(&Method::GET, StatusCode::OK, Version::HTTP_11);
        assert_eq!(framing, expected, "{name}");
    }
}

#[test]
fn some_answers_have_no_body_whatever_their_fields_say() {
    let cases = [
        ("rule 1: to HEAD", Method::HEAD, 200),
        ("rule 1: 204", Method::GET, 204),
        ("rule 1: 304", Method::GET, 304),
        ("rule 1: 101", Method::GET, 101),
    ];
    for (name, method, status) in cases {
        for lines in [LENGTH, CHUNKED, &[], &[("transfer-encoding", "gzip")]] {
            let status = StatusCode::from_u16(status).unwrap();
            let framing = fields(lines).0.framing(&method, status, Version::HTTP_11);
            assert_eq!(framing, Ok(None), "{name}");
        }
    }
}

#[test]
fn http_1_0_has_no_transfer_codings() {
    for lines in [CHUNKED, &[("transfer-encoding", "gzip")]] {
        let (fields, _) = fields(lines);
        let framing = fields.framing(&Method::GET, StatusCode::OK, Version::HTTP_10);
        assert_eq!(framing, Err(Malformed::TransferEncoding), "§6.1");
    }
}

#[test]
fn who_may_be_asked_again() {
    let (old, new) = (Version::HTTP_10, Version::HTTP_11);
    let cases: [(&str, Lines, Version, bool); 9] = [
        ("§9.3: HTTP/1.1", &[], new, true),
        ("§9.3: close", &[("connection", "x, Close")], new, false),
        ("§9.3: HTTP/1.0", &[], old, false),
        (
            "§9.3: HTTP/1.0 that says so",
            &[("connection", "Keep-Alive")],
            old,
            true,
        ),
        (
            "close is not taken back",
            &[("connection", "close"), ("connection", "keep-alive")],
            new,
            false,
        ),
        (
            "§9.3: close comes first",
            &[("connection", "keep-alive, close")],
            old,
            false,
        ),
        ("not an option", &[("connection", "closed")], new, true),
        (
            "§6.1: both ways to say where it ends",
            &[("transfer-encoding", "chunked"), ("content-length", "5")],
            new,
            false,
        ),
        (
            "the same length twice",
            &[("content-length", "5"), ("content-length", "5")],
            new,
            true,
        ),
    ];
    for (name, lines, version, expected) in cases {
        assert_eq!(fields(lines).0.persists(version), expected, "{name}");
    }
}

#[test]
fn the_fields_that_go_on_say_only_what_was_understood() {
    let cases: [(&str, Lines, &[&str]); 4] = [
        ("one length", LENGTH, &["5"]),
        (
            "rule 5: twice the same",
            &[("content-length", "5"), ("content-length", "5, 5")],
            &["5"],
        ),
        (
            "rule 3: both",
            &[("content-length", "5"), ("transfer-encoding", "chunked")],
            &[],
        ),
        ("neither", &[], &[]),
    ];
    for (name, lines, expected) in cases {
        let (fields, mut headers) = fields(lines);
        fields.settle(&mut headers);
        let left: Vec<_> = headers.get_all(CONTENT_LENGTH).iter().collect();
        assert_eq!(left, expected, "{name}");
    }
}

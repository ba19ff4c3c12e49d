use std::fmt::Write;

use httparse::Error;

use super::*;

/// What is understood of a head: its method, target, version and fields, and how many
/// bytes are behind it.
type Understood =
    Result<Option<(String, String, Version, Vec<(String, String)>, usize)>, Malformed>;

/// As it comes by so many bytes.
fn understood_by(bytes: &[u8], size: usize) -> Understood {
    let mut head = Head::default();
    let mut read = BytesMut::new();
    let mut pieces = bytes.chunks(size.max(1));
    for piece in pieces.by_ref() {
        read.extend_from_slice(piece);
        if let Some((request, _)) = parse(&mut head, &mut read)? {
            let behind = read.len() + pieces.map(<[u8]>::len).sum::<usize>();
            return Ok(Some(told(&request, behind)));
        }
    }
    head.end(&read).map(|()| None)
}

fn told(
    request: &Request<()>,
    behind: usize,
) -> (String, String, Version, Vec<(String, String)>, usize) {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.to_string(), value.into_owned())
    });
    (
        request.method().to_string(),
        request.uri().to_string(),
        request.version(),
        fields.collect(),
        behind,
    )
}

fn parse(head: &mut Head, read: &mut BytesMut) -> Result<Option<(Request<()>, Fields)>, Malformed> {
    let mut request = Request::new(());
    let fields = head.parse(read, &mut request, remembered)?;
    Ok(fields.map(|fields| (request, fields)))
}

/// The memory of another request's fields.
fn remembered() -> HeaderMap {
    HeaderMap::from_iter([("x-old".parse().unwrap(), "1".parse().unwrap())])
}

/// Whatever it is, it is that however it is cut up.
fn understood(bytes: &[u8]) -> Understood {
    let whole = understood_by(bytes, bytes.len());
    for size in [1, 2, 3, 7] {
        assert_eq!(
            understood_by(bytes, size),
            whole,
            "{} by {size}",
            bytes.escape_ascii()
        );
    }
    for at in 0..bytes.len().min(200) {
        let mut head = Head::default();
        let mut read = BytesMut::from(&bytes[..at]);
        let first = parse(&mut head, &mut read);
        let both = first.and_then(|first| {
            if let Some((request, _)) = first {
                return Ok(Some(told(&request, read.len() + bytes.len() - at)));
            }
            read.extend_from_slice(&bytes[at..]);
            match parse(&mut head, &mut read)? {
                Some((request, _)) => Ok(Some(told(&request, read.len()))),
                None => head.end(&read).map(|()| None),
            }
        });
        assert_eq!(both, whole, "{} at {at}", bytes.escape_ascii());
    }
    whole
}

const NEW: Version = Version::HTTP_11;

/// A name, the bytes, the method, target and version, the fields, and how many bytes are
/// behind it.
type Good = (
    &'static str,
    &'static str,
    (&'static str, &'static str, Version),
    &'static [(&'static str, &'static str)],
    usize,
);

const GOOD: [Good; 17] = [
    (
        "fields",
        "GET / HTTP/1.1\r\nX-A: 1\r\nx-b:2\r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "1"), ("x-b", "2")],
        0,
    ),
    ("none", "GET / HTTP/1.1\r\n\r\n", ("GET", "/", NEW), &[], 0),
    (
        "HTTP/1.0",
        "GET / HTTP/1.0\r\n\r\n",
        ("GET", "/", Version::HTTP_10),
        &[],
        0,
    ),
    (
        "with something behind it",
        "PUT /a HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ("PUT", "/a", NEW),
        &[],
        18,
    ),
    (
        "§2.2: an empty line in front",
        "\r\nGET / HTTP/1.1\r\n\r\n",
        ("GET", "/", NEW),
        &[],
        0,
    ),
    (
        "§2.2: empty lines in front",
        "\n\r\n\n\nGET / HTTP/1.1\r\nx-a: 1\r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "1")],
        0,
    ),
    (
        "§2.2: line feeds alone",
        "GET / HTTP/1.1\nx-a: 1\n\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "1")],
        2,
    ),
    (
        "§2.2: one of them alone",
        "GET / HTTP/1.1\r\nx-a: 1\r\n\nG",
        ("GET", "/", NEW),
        &[("x-a", "1")],
        1,
    ),
    (
        "§5.1: white space around a value",
        "GET / HTTP/1.1\r\nx-a: \t a b \t\r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "a b")],
        0,
    ),
    (
        "§5.1: no value",
        "GET / HTTP/1.1\r\nx-a:\r\nx-b: \r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", ""), ("x-b", "")],
        0,
    ),
    (
        "9110 §5.3: several lines",
        "GET / HTTP/1.1\r\nx-a: 1\r\nx-b: 2\r\nX-A: 3\r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "1"), ("x-a", "3"), ("x-b", "2")],
        0,
    ),
    (
        "9110 §5.5: bytes of any kind",
        "GET / HTTP/1.1\r\nx-a: \u{fc}\r\n\r\n",
        ("GET", "/", NEW),
        &[("x-a", "\u{fc}")],
        0,
    ),
    (
        "9110 §9.1: another method",
        "get /a?b=c HTTP/1.1\r\n\r\n",
        ("get", "/a?b=c", NEW),
        &[],
        0,
    ),
    (
        "§3.2.1: origin form",
        "GET /a%20b//c?d=/?e HTTP/1.1\r\n\r\n",
        ("GET", "/a%20b//c?d=/?e", NEW),
        &[],
        0,
    ),
    (
        "§3.2.2: absolute form",
        "GET http://a.example:80/b?c HTTP/1.1\r\n\r\n",
        ("GET", "http://a.example:80/b?c", NEW),
        &[],
        0,
    ),
    (
        "§3.2.3: authority form",
        "CONNECT a.example:443 HTTP/1.1\r\n\r\n",
        ("CONNECT", "a.example:443", NEW),
        &[],
        0,
    ),
    (
        "§3.2.4: asterisk form",
        "OPTIONS * HTTP/1.1\r\n\r\n",
        ("OPTIONS", "*", NEW),
        &[],
        0,
    ),
];

#[test]
fn a_head_is_read_up_to_its_end() {
    for (name, bytes, (method, target, version), fields, behind) in GOOD {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).into(), (*value).into()));
        let expected = (
            method.into(),
            target.into(),
            version,
            fields.collect(),
            behind,
        );
        assert_eq!(understood(bytes.as_bytes()), Ok(Some(expected)), "{name}");
    }
}

const NAME: Malformed = Malformed::Head(Error::HeaderName);
const VALUE: Malformed = Malformed::Head(Error::HeaderValue);
const LINE: Malformed = Malformed::Head(Error::NewLine);
const TOKEN: Malformed = Malformed::Head(Error::Token);
const VERSION: Malformed = Malformed::Head(Error::Version);
const TARGET: Malformed = Malformed::Target;

const OTHER: Malformed = Malformed::Version;
const BAD: [(&str, &str, Malformed); 40] = [
    ("TLS", "\x16\x03\x01\x02", TOKEN),
    ("§3: no target", "GET HTTP/1.1\r\n\r\n", TOKEN),
    ("§3: no version", "GET /\r\n\r\n", TOKEN),
    ("§3: two spaces", "GET  / HTTP/1.1\r\n\r\n", TOKEN),
    (
        "§3: a space in the target",
        "GET /a b HTTP/1.1\r\n\r\n",
        VERSION,
    ),
    (
        "§3: a space behind the version",
        "GET / HTTP/1.1 \r\n\r\n",
        LINE,
    ),
    ("§3: a tab", "GET\t/ HTTP/1.1\r\n\r\n", TOKEN),
    ("§3: a space in front", " GET / HTTP/1.1\r\n\r\n", TOKEN),
    ("§3.1: not a method", "G(T / HTTP/1.1\r\n\r\n", TOKEN),
    ("§2.3: HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", OTHER),
    ("§2.3: HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", OTHER),
    ("§2.3: HTTP/0.9", "GET / HTTP/0.9\r\n\r\n", VERSION),
    ("§2.3: in other letters", "GET / http/1.1\r\n\r\n", VERSION),
    ("§2.3: HTTP/3", "GET / HTTP/3\r\n\r\n", OTHER),
    ("§2.3: no minor version", "GET / HTTP/1\r\n\r\n", VERSION),
    ("§2.3: no dot", "GET / HTTP/11\r\n\r\n", VERSION),
    ("§2.3: another digit", "GET / HTTP/01.1\r\n\r\n", VERSION),
    ("§2.3: another name", "GET / HTTPS/2.0\r\n\r\n", VERSION),
    ("§2.3: behind it", "GET / x HTTP/2.0\r\n\r\n", VERSION),
    ("§2.3: HTTP/1.10", "GET / HTTP/1.10\r\n\r\n", LINE),
    (
        "§5.1: white space in front of a colon",
        "GET / HTTP/1.1\r\nx-a : 1\r\n\r\n",
        NAME,
    ),
    (
        "§5.2: a line that goes on",
        "GET / HTTP/1.1\r\nx-a: 1\r\n 2\r\n\r\n",
        NAME,
    ),
    (
        "§2.2: white space in front of the first field",
        "GET / HTTP/1.1\r\n x-a: 1\r\n\r\n",
        NAME,
    ),
    ("§5: no colon", "GET / HTTP/1.1\r\nx-a\r\n\r\n", NAME),
    ("§5: no name", "GET / HTTP/1.1\r\n: 1\r\n\r\n", NAME),
    (
        "§5: a name that is none",
        "GET / HTTP/1.1\r\nx a: 1\r\n\r\n",
        NAME,
    ),
    (
        "9110 §5.5: a zero byte",
        "GET / HTTP/1.1\r\nx-a: 1\0\r\n\r\n",
        VALUE,
    ),
    (
        "§2.2: a carriage return alone",
        "GET / HTTP/1.1\r\nx-a: 1\rx-b: 2\r\n\r\n",
        VALUE,
    ),
    (
        "§2.2: one in front of another",
        "GET / HTTP/1.1\r\nx-a: 1\r\r\n\r\n",
        VALUE,
    ),
    (
        "§2.2: one in the first line",
        "GET / HTTP/1.1\rx-a: 1\r\n\r\n",
        LINE,
    ),
    ("§2.2: one in front of it", "\rGET / HTTP/1.1\r\n\r\n", LINE),
    ("§3.2: not a target", "GET a/b HTTP/1.1\r\n\r\n", TARGET),
    ("§3.2: not a path", "GET /<a> HTTP/1.1\r\n\r\n", TARGET),
    (
        "§3.2: a scheme and nothing",
        "GET http:// HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    // Of two hosts that one request may name, there is one too many.
    (
        "§3.2.3: a host alone",
        "GET a.example HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    (
        "§3.2.3: a host and a port alone",
        "POST a.example:80 HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    (
        "§3.2.3: a tunnel to a path",
        "CONNECT /a HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    (
        "§3.2.3: a tunnel to a page",
        "CONNECT http://a.example/ HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    (
        "§3.2.3: a tunnel to nothing",
        "CONNECT * HTTP/1.1\r\n\r\n",
        TARGET,
    ),
    (
        "§3.2.4: an asterisk to read",
        "GET * HTTP/1.1\r\n\r\n",
        TARGET,
    ),
];

#[test]
fn what_is_not_a_head_is_refused() {
    for (name, bytes, expected) in BAD {
        assert_eq!(understood(bytes.as_bytes()), Err(expected), "{name}");
    }
}

#[test]
fn the_fields_are_noted_as_they_are_read() {
    let cases = [
        (
            "content-length: 5\r\ncontent-length: 6",
            Err(Malformed::ContentLength),
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            Err(Malformed::TransferEncoding),
        ),
        (
            "content-length:\t5 ",
            Ok(Some(crate::decode::Framing::Length(5))),
        ),
        // Other names to us, whoever takes them for these.
        (
            "content_length: 5\r\ntransfer\u{fc}: x",
            Err(Malformed::Head(Error::HeaderName)),
        ),
        ("content_length: 5", Ok(None)),
    ];
    for (fields, expected) in cases {
        let mut bytes = BytesMut::from(format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes());
        let parsed = parse(&mut Head::default(), &mut bytes);
        let framing = parsed.and_then(|parsed| parsed.unwrap().1.framing(Version::HTTP_11));
        assert_eq!(framing, expected, "{fields}");
    }
}

#[test]
fn what_ends_too_early_is_only_malformed_if_it_was_so_already() {
    let cases = [
        ("", Ok(None)),
        ("\r\n\r\n", Ok(None)),
        ("\r", Ok(None)),
        ("G", Ok(None)),
        ("GET / HTTP/1.1\r\nx-", Ok(None)),
        ("GET / HTTP/1.1\r\nx-a: 1\r\n", Ok(None)),
        ("GET / HTTP/1.1\r\nx-a: 1\r\n\r", Ok(None)),
        (
            "GET / HTTP/1.1\r\nx y",
            Err(Malformed::Head(Error::HeaderName)),
        ),
        ("GET / HTTP/3", Err(Malformed::Version)),
    ];
    for (bytes, expected) in cases {
        assert_eq!(understood(bytes.as_bytes()), expected, "{bytes:?}");
    }
}

#[test]
fn a_request_has_begun_with_its_first_line() {
    for (bytes, expected) in [
        ("", false),
        ("\r\n", false),
        ("\r\n\r\n\n", false),
        ("\r", false),
        ("\n\r", false),
        ("G", true),
        ("\r\nG", true),
        ("\rG", true),
    ] {
        let mut head = Head::default();
        let mut read = BytesMut::from(bytes);
        let _ = parse(&mut head, &mut read);
        assert_eq!(head.has_begun(&read), expected, "{bytes:?}");
    }
}

/// A head of so many bytes.
fn long(len: usize) -> Vec<u8> {
    let head = "GET / HTTP/1.1\r\nx-a: \r\n\r\n";
    let value = "x".repeat(len - head.len());
    head.replace("a: ", &format!("a: {value}")).into_bytes()
}

/// The same, of which the target alone is that long.
fn far(len: usize) -> Vec<u8> {
    let head = "GET / HTTP/1.1\r\n\r\n";
    let target = "x".repeat(len - head.len());
    head.replace(" / ", &format!(" /{target} ")).into_bytes()
}

#[test]
fn a_head_has_bounds() {
    use Malformed::{HeadTooLarge, TargetTooLong, TooManyFields};
    let fields = |count| {
        let mut head = String::from("GET / HTTP/1.1\r\n");
        for number in 0..count {
            write!(head, "x-{number}: 1\r\n").unwrap();
        }
        (head + "\r\n").into_bytes()
    };
    let empty = |count| ["\r\n".repeat(count).as_bytes(), b"GET / HTTP/1.1\r\n\r\n"].concat();
    let broken = [&long(MAX_HEAD + 100)[..MAX_HEAD + 50], b"\0\r\n\r\n"].concat();
    let cases = [
        ("many fields", fields(MAX_FIELDS), None),
        ("one more", fields(MAX_FIELDS + 1), Some(TooManyFields)),
        ("a long one", long(MAX_HEAD), None),
        ("a longer one", long(MAX_HEAD + 1), Some(HeadTooLarge)),
        ("a much longer one", long(3 * MAX_HEAD), Some(HeadTooLarge)),
        (
            "without an end",
            long(MAX_HEAD + 9)[..MAX_HEAD].to_vec(),
            Some(HeadTooLarge),
        ),
        (
            "what is too long is not looked at",
            broken,
            Some(HeadTooLarge),
        ),
        ("a far target", far(MAX_HEAD - 9), None),
        ("a further one", far(MAX_HEAD + 1), Some(HeadTooLarge)),
        (
            "one without an end",
            far(MAX_HEAD + 100),
            Some(TargetTooLong),
        ),
        (
            "the target alone",
            far(MAX_HEAD + 100)[..MAX_HEAD].to_vec(),
            Some(TargetTooLong),
        ),
        (
            "nothing but empty lines",
            b"\r\n".repeat(MAX_HEAD),
            Some(HeadTooLarge),
        ),
        ("some empty lines", empty(1000), None),
        (
            "a far target behind them",
            [&b"\r\n"[..], &far(MAX_HEAD + 100)].concat(),
            Some(TargetTooLong),
        ),
    ];
    for (name, head, expected) in cases {
        let whole = understood_by(&head, head.len());
        assert_eq!(whole.err(), expected, "{name}");
        // As it comes from a socket, and byte by byte.
        for size in [1, 1448, 8192, MAX_HEAD] {
            let parts = understood_by(&head, size);
            assert_eq!(parts.err(), expected, "{name}, by {size}");
        }
    }
}

#[test]
fn one_head_follows_the_other() {
    let mut head = Head::default();
    let mut read = BytesMut::from("\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nG");
    for target in ["/1", "/2"] {
        let (request, _) = parse(&mut head, &mut read).unwrap().unwrap();
        assert_eq!(request.uri(), target);
    }
    assert!(head.has_begun(&read));
    assert!(parse(&mut head, &mut read).unwrap().is_none());
}

/// Whatever was in the memory that a request's fields come into.
#[test]
fn the_fields_of_a_request_are_its_own() {
    let understood = understood(b"GET / HTTP/1.1\r\n\r\n").unwrap().unwrap();
    assert_eq!(understood.3, []);
}

use proptest::{collection::vec, prelude::*};

use super::*;

/// What comes out if the bytes come in these pieces: the data, the trailer fields, and
/// whether that was all.
type Decoded = Result<(Vec<u8>, Option<HeaderMap>, bool), Malformed>;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut chunked = Chunked::new();
    let mut bytes = BytesMut::new();
    let (mut data, mut trailers) = (Vec::new(), None);
    for piece in pieces {
        bytes.extend_from_slice(piece);
        while let Some(frame) = chunked.decode(&mut bytes)? {
            match frame.into_data() {
                Ok(piece) => data.extend_from_slice(&piece),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
    }
    Ok((data, trailers, chunked.is_over()))
}

#[test]
fn a_body_is_read_as_rfc_9112_section_7_1_says() {
    use Malformed::{ChunkEnd, ChunkSize, Trailers};
    let cases: [(&str, &str, Result<(&str, bool), Malformed>); 30] = [
        ("nothing yet", "", Ok(("", false))),
        ("empty", "0\r\n\r\n", Ok(("", true))),
        ("one chunk", "2\r\nok\r\n0\r\n\r\n", Ok(("ok", true))),
        (
            "two chunks",
            "2\r\nok\r\n00b\r\n and so on.\r\n000\r\n\r\n",
            Ok(("ok and so on.", true)),
        ),
        (
            "either case",
            "a\r\n0123456789\r\nA\r\n0123456789\r\n",
            Ok(("01234567890123456789", false)),
        ),
        ("cut off in the size", "2", Ok(("", false))),
        ("cut off in the data", "3\r\nok", Ok(("ok", false))),
        ("cut off behind the data", "2\r\nok\r", Ok(("ok", false))),
        (
            "cut off before the end",
            "2\r\nok\r\n0\r\n",
            Ok(("ok", false)),
        ),
        (
            "cut off in the trailer section",
            "0\r\nx: 1\r\n",
            Ok(("", false)),
        ),
        (
            "§7.1.1: an extension",
            "2;a=\"b;c\"\r\nok\r\n0;d\r\n\r\n",
            Ok(("ok", true)),
        ),
        (
            "§7.1.1: bad white space",
            "2 \t;a\r\nok\r\n0 \r\n\r\n",
            Ok(("ok", true)),
        ),
        ("no size", "\r\nok", Err(ChunkSize)),
        ("an extension of nothing", ";a\r\nok", Err(ChunkSize)),
        ("not a digit", "g\r\n", Err(ChunkSize)),
        ("signed", "+2\r\nok\r\n", Err(ChunkSize)),
        ("as in source code", "0x2\r\nok\r\n", Err(ChunkSize)),
        ("white space in front", " 2\r\nok\r\n", Err(ChunkSize)),
        ("two sizes", "2 2\r\nok\r\n", Err(ChunkSize)),
        ("a line feed alone", "2\nok\n0\n\n", Err(ChunkSize)),
        (
            "a line feed alone behind an extension",
            "2;a\nok\r\n",
            Err(ChunkSize),
        ),
        (
            "a carriage return alone",
            "2;a\rb\r\nok\r\n",
            Err(ChunkSize),
        ),
        (
            "a carriage return too many",
            "2\r\r\nok\r\n",
            Err(ChunkSize),
        ),
        (
            "the largest size",
            "ffffffffffffffff\r\nok",
            Ok(("ok", false)),
        ),
        (
            "one more than the largest size",
            "10000000000000000\r\n",
            Err(ChunkSize),
        ),
        ("more data than was said", "2\r\nok!\r\n", Err(ChunkEnd)),
        (
            "a line feed alone behind the data",
            "2\r\nok\n0\r\n",
            Err(ChunkEnd),
        ),
        ("§7.1.2: not a field", "0\r\nx\r\n\r\n", Err(Trailers)),
        (
            "§5.2: a folded line",
            "0\r\nx: 1\r\n 2\r\n\r\n",
            Err(Trailers),
        ),
        (
            "a line feed alone in the trailer section",
            "0\r\nx: 1\ny: 2\r\n\r\n",
            Err(Trailers),
        ),
    ];
    for (name, bytes, expected) in cases {
        let decoded = decode([bytes.as_bytes()]);
        let expected = expected.map(|(data, is_over)| (data.into(), None, is_over));
        assert_eq!(decoded, expected, "{name}");
    }
}

#[test]
fn trailer_fields_come_last() {
    let body = b"2\r\nok\r\n0\r\nX-A: 1\r\nx-b:2 \r\nx-a: 3\r\n\r\n";
    let (data, trailers, is_over) = decode([&body[..]]).unwrap();
    assert_eq!((&data[..], is_over), (&b"ok"[..], true));
    let trailers = trailers.unwrap();
    let lines: Vec<_> = trailers.get_all("x-a").iter().collect();
    assert_eq!(lines, ["1", "3"]);
    assert_eq!(trailers["x-b"], "2");
}

#[test]
fn who_has_all_data_knows_that_it_is_all() {
    let mut bytes = BytesMut::from("2\r\nok\r\n0\r\n\r\nHTTP/1.1");
    let mut chunked = Chunked::new();
    let frame = chunked.decode(&mut bytes).unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "ok");
    assert!(chunked.is_over());
    assert_eq!(&bytes[..], b"HTTP/1.1", "not a part of it");
}

#[test]
fn what_is_wrong_behind_a_chunk_costs_only_what_is_behind_it() {
    let mut bytes = BytesMut::from("2\r\nok\r\nno size\r\n");
    let mut chunked = Chunked::new();
    let frame = chunked.decode(&mut bytes).unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "ok");
    for _ in 0..2 {
        assert_eq!(
            chunked.decode(&mut bytes).unwrap_err(),
            Malformed::ChunkSize
        );
    }
}

#[test]
fn nothing_that_is_not_data_is_without_bounds() {
    let extension = |len: usize| format!("1;{}\r\nx\r\n", "a".repeat(len - 1));
    let field = |len: usize| format!("0\r\nx: {}\r\n\r\n", "a".repeat(len - "x: \r\n\r\n".len()));
    let fields = |count| format!("0\r\n{}\r\n", "x: 1\r\n".repeat(count));
    let cases = [
        ("an extension", extension(MAX_EXTENSIONS), None),
        (
            "a longer one",
            extension(MAX_EXTENSIONS + 1),
            Some(Malformed::ChunkExtensions),
        ),
        (
            "many",
            extension(1024).repeat(17),
            Some(Malformed::ChunkExtensions),
        ),
        (
            "one without an end",
            extension(MAX_EXTENSIONS + 8)[..MAX_EXTENSIONS + 4].to_owned(),
            Some(Malformed::ChunkExtensions),
        ),
        (
            "a size without an end",
            "0".repeat(100),
            Some(Malformed::ChunkSize),
        ),
        ("a trailer section", field(MAX_HEAD), None),
        (
            "a longer one",
            field(MAX_HEAD + 1),
            Some(Malformed::Trailers),
        ),
        (
            "one without an end",
            field(2 * MAX_HEAD)[..MAX_HEAD + 4].to_owned(),
            Some(Malformed::Trailers),
        ),
        ("many fields", fields(MAX_FIELDS), None),
        (
            "one more",
            fields(MAX_FIELDS + 1),
            Some(Malformed::Trailers),
        ),
    ];
    for (name, body, expected) in cases {
        for size in [body.len(), 1000] {
            let decoded = decode(body.as_bytes().chunks(size));
            assert_eq!(decoded.err(), expected, "{name}, {size} bytes at a time");
        }
    }
}

/// The coding, as a server that is in its right mind writes it.
fn encode(chunks: &[Vec<u8>], trailers: &[(String, String)]) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded_however_it_is_cut_up(
        chunks in vec(vec(any::<u8>(), 1..40), 0..6),
        trailers in vec(("[a-z-]{1,8}", "[a-z0-9,;=\"]{0,8}"), 0..3),
        cuts in vec(1_usize..20, 1..60),
    ) {
        let body = encode(&chunks, &trailers);
        let mut rest = &body[..];
        let pieces = cuts.iter().cycle().map_while(|len| {
            let (piece, left) = rest.split_at((*len).min(rest.len()));
            rest = left;
            (!piece.is_empty()).then_some(piece)
        });
        let (data, decoded, is_over) = decode(pieces).unwrap();
        prop_assert!(is_over);
        prop_assert_eq!(data, chunks.concat());
        let decoded: Vec<_> = decoded.iter().flatten().collect();
        prop_assert_eq!(decoded.len(), trailers.len());
        for (name, value) in &trailers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            prop_assert!(decoded.iter().any(|(n, v)| **n == name && **v == value[..]));
        }
    }
}

use super::*;

fn frames(decoder: &mut Decoder, bytes: &mut BytesMut) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while let Some(frame) = decoder.decode(bytes).unwrap() {
        frames.push(frame.into_data().unwrap());
    }
    frames
}

#[test]
fn no_more_is_taken_than_belongs_to_the_body() {
    let cases = [
        ("none", None, "", "page", true),
        ("of no length", Some(Framing::Length(0)), "", "page", true),
        ("of a length", Some(Framing::Length(2)), "pa", "ge", true),
        (
            "longer than this",
            Some(Framing::Length(5)),
            "page",
            "",
            false,
        ),
        ("up to the end", Some(Framing::Close), "page", "", false),
    ];
    for (name, framing, body, rest, is_over) in cases {
        let mut decoder = Decoder::new(framing);
        let mut bytes = BytesMut::from("page");
        assert_eq!(
            frames(&mut decoder, &mut bytes).concat(),
            body.as_bytes(),
            "{name}"
        );
        assert_eq!(bytes, rest, "{name}");
        assert_eq!(decoder.is_over(), is_over, "{name}");
    }
}

#[test]
fn a_body_that_is_cut_off_is_not_taken_for_a_whole_one() {
    let cases = [
        ("§8: all of a length", Some(Framing::Length(4)), true),
        ("§8: less than a length", Some(Framing::Length(5)), false),
        ("§8: without a last chunk", Some(Framing::Chunked), false),
        ("§8: ended by the connection", Some(Framing::Close), true),
        ("none", None, true),
    ];
    for (name, framing, expected) in cases {
        let mut decoder = Decoder::new(framing);
        let mut bytes = BytesMut::from("4\r\na");
        frames(&mut decoder, &mut bytes);
        assert_eq!(decoder.end().is_ok(), expected, "{name}");
        assert_eq!(decoder.is_over(), expected, "{name}");
    }
}

#[test]
fn how_much_is_still_to_come_is_known_if_it_was_said() {
    let cases = [
        (None, Some(0)),
        (Some(Framing::Length(7)), Some(3)),
        (Some(Framing::Chunked), None),
        (Some(Framing::Close), None),
    ];
    for (framing, expected) in cases {
        let mut decoder = Decoder::new(framing);
        let _ = decoder.decode(&mut BytesMut::from("page"));
        assert_eq!(decoder.size_hint().exact(), expected, "{framing:?}");
    }
}

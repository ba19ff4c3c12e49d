use super::*;

/// What the lines of a head say, and which of them were known.
fn read(lines: &mut Lines, head: &str) -> Vec<(String, String, bool)> {
    let head = format!("{head}\r\n");
    let len = lines.read_all(head.as_bytes(), 0);
    assert_eq!(len, Some(head.len()), "{head:?}");
    let known = lines.found.iter();
    let known: Vec<_> = known
        .map(|field| matches!(field, Field::Known(_)))
        .collect();
    let fields = lines.fields(head.as_bytes()).expect("fields").into_iter();
    let said = fields.zip(known).map(|((name, value), is_known)| {
        let value = value.to_str().expect("ASCII").to_owned();
        (name.to_string(), value, is_known)
    });
    said.collect()
}

#[test]
fn a_line_is_known_from_its_second_time_on_and_read_again_when_it_is_another_one() {
    let mut lines = Lines::default();
    // The head, and which of its lines are known.
    let heads: [(&str, &[bool]); 8] = [
        ("Etag: 1\r\ndate: a\r\n", &[false, false]),
        ("Etag: 1\r\ndate: b\r\n", &[true, false]),
        ("Etag: 1\r\ndate: b\r\n", &[true, true]),
        // As it was written: one that is written differently is another one.
        ("etag: 1\r\ndate: b\r\n", &[false, true]),
        ("age: 1\r\nEtag: 1\r\nEtag: 2\r\n", &[false, true, false]),
        ("age: 1\r\nEtag: 1\r\nEtag: 2\r\n", &[true, true, true]),
        // Neither less nor more than the line.
        ("age: 11\r\nEtag: \r\n", &[false, false]),
        ("age: 1\r\nEtag:1\r\n", &[false, false]),
    ];
    for (head, expected) in heads {
        let said = read(&mut lines, head);
        let known: Vec<_> = said.iter().map(|(.., is_known)| *is_known).collect();
        assert_eq!(known, expected, "{head:?}");
        let fresh = read(&mut Lines::default(), head);
        let what = |said: &[(String, String, bool)]| -> Vec<_> {
            said.iter()
                .map(|(name, value, _)| (name.clone(), value.clone()))
                .collect()
        };
        assert_eq!(what(&said), what(&fresh), "{head:?}");
    }
}

#[test]
fn what_is_remembered_has_bounds() {
    let mut lines = Lines::default();
    let long = format!("x-long: {}\r\n", "x".repeat(LONGEST));
    for _ in 0..3 {
        let said = read(&mut lines, &long);
        assert!(!said[0].2);
    }
    assert!(lines.known.is_empty());
    for number in 0..2 * MOST {
        read(&mut lines, &format!("x-{number}: 1\r\n"));
    }
    assert_eq!(lines.known.len(), MOST);
}

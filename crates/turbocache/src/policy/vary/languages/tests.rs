use http::HeaderValue;

use super::*;

fn fields(name: HeaderName, value: &str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(name, HeaderValue::from_str(value).unwrap());
    fields
}

fn is_shared(offered: &str, chosen: &str, asked: &str) -> bool {
    let offered = fields(ACCEPT_LANGUAGE, offered);
    let response = fields(CONTENT_LANGUAGE, chosen);
    Languages::of(&ACCEPT_LANGUAGE, &offered, &response)
        .is_some_and(|languages| languages.are_for(&fields(ACCEPT_LANGUAGE, asked)))
}

#[test]
fn a_client_shares_what_it_would_have_rather_than_anything_else() {
    let cases = [
        ("the only wish", "en, de", "de", "de", true),
        (
            "the first by weight",
            "en, de",
            "de",
            "fr;q=0.5, de;q=1.0",
            true,
        ),
        (
            "in any case",
            "de-AT",
            "de-at",
            "DE-at;Q=0.9, de;q=0.8",
            true,
        ),
        ("another wish as strong", "en, de", "de", "de, fr", false),
        ("a stronger wish", "en, de", "de", "fr, de;q=0.9", false),
        ("anything as well", "en, de", "de", "de, *", false),
        (
            "anything else, but rather not",
            "de",
            "de",
            "de, *;q=0.1",
            true,
        ),
        ("the country counts", "de", "de", "de-CH", false),
        (
            "chosen for want of a better",
            "de-CH, de;q=0.9",
            "de",
            "de",
            false,
        ),
        (
            "chosen for one who had no such wish",
            "fr",
            "de",
            "de",
            false,
        ),
        ("in two languages", "de, en", "de, en", "de", false),
        ("not wanted at all", "de", "de", "de;q=0", false),
        ("a weight that is none", "de", "de", "de;q=2", false),
        ("a parameter beside it", "de", "de", "de;q=1;level=1", false),
        ("too many digits", "de", "de", "de;q=0.1234", false),
        ("nothing asked for", "de", "de", "", false),
    ];
    for (name, offered, chosen, asked, expected) in cases {
        assert_eq!(is_shared(offered, chosen, asked), expected, "{name}");
    }
}

#[test]
fn wishes_of_one_weight_have_no_order() {
    let cases = [
        ("the same", "en, de", "en, de", true),
        ("in another order", "en, de", "de, en", true),
        (
            "in another order, with weights",
            "en;q=0.8, de;q=0.8",
            "de;q=0.80, en;q=0.8",
            true,
        ),
        ("other weights", "en, de;q=0.8", "de, en;q=0.8", false),
        ("more", "en, de", "en, de, fr", false),
        ("less", "en, de", "en", false),
        ("one of them twice", "en, de", "en, en", false),
    ];
    for (name, offered, asked, expected) in cases {
        assert_eq!(is_shared(offered, "", asked), expected, "{name}");
    }
}

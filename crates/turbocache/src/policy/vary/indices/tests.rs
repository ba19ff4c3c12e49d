use super::*;

fn indices(lines: &[&str]) -> Option<CookieIndices> {
    let mut response = HeaderMap::new();
    for line in lines {
        response.append(COOKIE_INDICES, line.parse().unwrap());
    }
    CookieIndices::of(&response)
}

#[test]
fn which_cookies_a_response_lists() {
    let many = r#""a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q""#;
    let cases: &[(&str, &[&str], Option<&[&str]>)] = &[
        ("no field", &[], None),
        ("one", &["\"session\""], Some(&["session"])),
        ("several", &["\"a\", \"b\""], Some(&["a", "b"])),
        ("on several lines", &["\"a\"", "\"b\""], Some(&["a", "b"])),
        ("with parameters", &["\"a\";b=1"], Some(&["a"])),
        ("none", &[""], None),
        ("an empty name", &["\"\""], None),
        ("what no cookie is called", &["\"a b\""], None),
        ("a token", &["session"], None),
        ("a token among strings", &["\"a\", session"], None),
        ("a list inside", &["(\"a\")"], None),
        ("half a string", &["\"a"], None),
        ("too many", &[many], None),
    ];
    for (name, lines, expected) in cases {
        let expected = expected.map(|names| names.iter().copied().map(Box::from).collect());
        assert_eq!(indices(lines), expected.map(CookieIndices), "{name}");
    }
}

#[test]
fn who_has_none_of_the_cookies() {
    let long = format!("_ga={}", "1".repeat(MAX_COOKIES));
    let cases: &[(&str, &[&str], bool)] = &[
        ("no cookies at all", &[], true),
        ("an empty line", &[""], true),
        ("others", &["_ga=GA1.2.3; theme=dark"], true),
        ("others on several lines", &["_ga=1", "theme=dark"], true),
        ("a name that ends like it", &["my_user_id=1"], true),
        ("a name that begins like it", &["user_ids=1"], true),
        ("its name as a value", &["next=user_id"], true),
        ("an encoded value", &["next=%2Fuser"], true),
        ("a value with commas and quotes", &["a=\"b, c\""], true),
        ("it", &["user_id=1"], false),
        ("it among others", &["_ga=1; user_id=1; a=b"], false),
        ("another one", &["lang=de"], false),
        ("on another line", &["_ga=1", "user_id=1"], false),
        ("empty", &["user_id="], false),
        ("without a value", &["user_id"], false),
        ("in another case", &["User_ID=1"], false),
        ("as PHP reads it", &["user.id=1"], false),
        ("as PHP reads it, too", &["user[id]=1"], false),
        ("as older PHPs read it", &["+user_id=1"], false),
        ("as older PHPs read it, too", &["%2Buser_id=1"], false),
        ("encoded", &["%75ser_id=1"], false),
        ("behind spaces", &["a=b;   user_id=1"], false),
        ("before a space", &["user_id =1"], false),
        ("behind a comma", &["a=b,user_id=1"], false),
        ("behind a comma, encoded", &["a=b,%75ser_id=1"], false),
        ("behind an ampersand", &["a=b&user_id=1"], false),
        ("behind a quote", &["a=\"b\"user_id=1"], false),
        ("behind a name of nothing", &["=user_id=1"], false),
        ("quoted", &["\"user_id\"=1"], false),
        ("behind half a quote", &["'user_id=1"], false),
        ("more than is read", &[&long], false),
    ];
    let indices = indices(&["\"user_id\", \"lang\""]).unwrap();
    for (name, lines, expected) in cases {
        let mut request = HeaderMap::new();
        for line in *lines {
            request.append(COOKIE, line.parse().unwrap());
        }
        assert_eq!(indices.are_absent(&request), *expected, "{name}");
    }
}

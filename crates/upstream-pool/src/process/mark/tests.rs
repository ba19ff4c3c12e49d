use super::*;

#[test]
fn an_environment_is_marked_by_whole_variables() {
    let marks = ["A=1".to_owned(), "PORT=80".to_owned()];
    let cases: [(&str, &[u8], bool); 5] = [
        ("both", b"X=y\0PORT=80\0A=1\0", true),
        ("one of them", b"A=1\0", false),
        ("another port", b"A=1\0PORT=8080\0", false),
        ("within another one", b"A=1\0XPORT=80\0", false),
        ("none", b"", false),
    ];
    for (name, environment, expected) in cases {
        assert_eq!(has_all(environment, &marks), expected, "{name}");
    }
}

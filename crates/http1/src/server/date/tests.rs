use std::time::Duration;

use super::*;

#[test]
fn it_is_the_time_of_day() {
    // Whole seconds are left of it.
    let before = SystemTime::now() - Duration::from_secs(1);
    for _ in 0..3 {
        let mut written = Vec::new();
        now(|now| written.extend_from_slice(now));
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written.len(), "Sun, 06 Nov 1994 08:49:37 GMT".len());
        let date = httpdate::parse_http_date(&written).unwrap();
        assert!(before <= date && date <= SystemTime::now(), "{written}");
    }
}

#[test]
fn another_second_is_written_anew() {
    LAST.set((0, "Thu, 01 Jan 1970 00:00:00 GMT".to_owned()));
    now(|now| assert!(!now.starts_with(b"Thu, 01 Jan 1970")));
    let (second, text) = LAST.take();
    assert!(second > 0);
    LAST.set((second, text.clone()));
    assert!(httpdate::parse_http_date(&text).is_ok());
}

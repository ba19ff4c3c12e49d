use std::collections::HashMap;

use super::{
    answer::Answer,
    scene::{Level, Page},
};
use crate::{BoxError, Result};

/// Looks whether readers get what they have asked for: the page itself, whole, and
/// the one of their level.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// By page and level, the body that was the right one the last time. What comes
    /// from memory is the same again, and need not be uncompressed each time.
    right: HashMap<(usize, Level), Vec<u8>>,
}

impl Judge {
    /// An error if `answer` is not the `page`, which has this `number`, for somebody of
    /// `level`.
    pub(super) fn judge(
        &mut self,
        number: usize,
        page: &Page,
        level: Level,
        answer: Answer<'_>,
    ) -> Result<()> {
        let wrong = |why: &str| Err(BoxError::from(format!("{}: {why}", page.path)));
        if answer.status() != b"200" {
            return wrong(&String::from_utf8_lossy(answer.status()));
        }
        let right = self.right.entry((number, level)).or_default();
        if right == answer.body() && !right.is_empty() {
            return Ok(());
        }
        let text = answer.text()?;
        if !text.contains(&format!("<h1>{}</h1>", page.heading)) {
            return wrong("another page");
        }
        if !text.contains(&format!("data-level=\"{}\"", level.as_str())) {
            return wrong("the page of another level");
        }
        if !text.ends_with("</html>") {
            return wrong("not all of the page");
        }
        right.clear();
        right.extend_from_slice(answer.body());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn compressed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn only_the_page_itself_will_do() {
        const OK: &str = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
        const PLAIN: &str = "HTTP/1.1 200 OK\r\n\r\n";
        const GONE: &str = "HTTP/1.1 404 Not Found\r\ncontent-encoding: gzip\r\n\r\n";
        let page = Page {
            path: "/topics/3".to_owned(),
            heading: "Eggs".to_owned(),
        };
        let right = "<html data-level=\"member\"><h1>Eggs</h1></html>";
        let cases = [
            ("it", OK, right, true),
            (
                "it, later",
                OK,
                "<html data-level=\"member\"><h1>Eggs</h1>!</html>",
                true,
            ),
            ("no page", GONE, right, false),
            ("not compressed", PLAIN, "", false),
            (
                "cut off",
                OK,
                "<html data-level=\"member\"><h1>Eggs</h1>",
                false,
            ),
            (
                "another page",
                OK,
                "<html data-level=\"member\"><h1>Hen</h1></html>",
                false,
            ),
            (
                "of visitors",
                OK,
                "<html data-level=\"visitor\"><h1>Eggs</h1></html>",
                false,
            ),
        ];
        let mut judge = Judge::default();
        for (name, head, text, expected) in cases {
            let body = compressed(text);
            // The second time, it may be known already.
            for _ in 0..2 {
                let answer = Answer::new(head.as_bytes(), &body, 0);
                let judged = judge.judge(1, &page, Level::Member, answer);
                assert_eq!(judged.is_ok(), expected, "{name}: {judged:?}");
            }
        }
        let body = compressed(right);
        let answer = Answer::new(OK.as_bytes(), &body, 0);
        assert!(judge.judge(1, &page, Level::Visitor, answer).is_err());
        let half = Answer::new(OK.as_bytes(), &body[..body.len() / 2], 0);
        assert!(judge.judge(1, &page, Level::Member, half).is_err());
    }
}

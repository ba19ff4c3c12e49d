use std::fmt::{self, Write};

/// Text inside HTML, in an element or a quoted attribute, where it cannot
/// become anything but text.
#[derive(Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_html_reads_is_left() {
        let escaped = Escaped(r#"<b class="x" id='y'>&amp; é</b>"#).to_string();
        assert_eq!(
            escaped,
            "&lt;b class=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp; é&lt;/b&gt;"
        );
    }
}

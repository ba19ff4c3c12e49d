//! The text exposition format of Prometheus.

use std::fmt::Write;

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Metrics, family after family. Samples belong to the family before them.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    family: String,
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    pub(super) fn new() -> Self {
        Self {
            text: String::with_capacity(16 << 10),
            family: String::new(),
        }
    }

    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        name.clone_into(&mut self.family);
        // Writing to a `String` does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, None, value);
    }

    /// `buckets` are upper bounds, in order, and how much lies below or at them.
    pub(super) fn histogram(
        &mut self,
        labels: Labels<'_>,
        buckets: impl Iterator<Item = (f64, u64)>,
        count: u64,
        sum: f64,
    ) {
        for (bound, below) in buckets {
            self.line(
                "_bucket",
                labels,
                Some(&bound.to_string()),
                super::number(below),
            );
        }
        let count = super::number(count);
        self.line("_bucket", labels, Some("+Inf"), count);
        self.line("_sum", labels, None, sum);
        self.line("_count", labels, None, count);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: f64) {
        let Self { text, family } = self;
        text.push_str(family);
        text.push_str(suffix);
        let labels = labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)));
        let mut open = '{';
        for (name, value) in labels {
            text.push(open);
            open = ',';
            text.push_str(name);
            text.push_str("=\"");
            escape(text, value);
            text.push('"');
        }
        if open == ',' {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }
}

fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_written_as_the_format_wants_them() {
        let mut text = Text::new();
        text.family("a_total", Kind::Counter, "What a counts.");
        text.sample(&[], 3.0);
        text.sample(&[("name", "a \"b\" \\ c\nd"), ("other", "")], 0.25);
        text.family("b_seconds", Kind::Histogram, "How long b takes.");
        text.histogram(&[("name", "x")], [(0.5, 1), (1.0, 2)].into_iter(), 4, 9.5);
        let expected = r#"# HELP a_total What a counts.
# TYPE a_total counter
a_total 3
a_total{name="a \"b\" \\ c\nd",other=""} 0.25
# HELP b_seconds How long b takes.
# TYPE b_seconds histogram
b_seconds_bucket{name="x",le="0.5"} 1
b_seconds_bucket{name="x",le="1"} 2
b_seconds_bucket{name="x",le="+Inf"} 4
b_seconds_sum{name="x"} 9.5
b_seconds_count{name="x"} 4
"#;
        assert_eq!(text.into_string(), expected);
    }
}

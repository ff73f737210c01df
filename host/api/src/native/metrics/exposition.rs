//! The text format: a head for each figure, then a line for each of its values.

use std::fmt::Write as _;

/// A text in the making.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Begins a figure that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str) {
        self.head(name, help, "counter");
    }

    /// Begins a figure that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        self.head(name, help, "gauge");
    }

    /// One value.
    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.line(name, labels, format_args!("{value}"));
    }

    /// One value in seconds.
    pub(super) fn seconds(&mut self, name: &str, labels: &[(&str, &str)], micros: u64) {
        let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
        self.line(name, labels, format_args!("{whole}.{rest:06}"));
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    // Writing to a text cannot fail.
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").ok();
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: std::fmt::Arguments<'_>) {
        self.0.push_str(name);
        for (index, (label, of)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            write!(self.0, "{label}=\"{}\"", escaped(of)).ok();
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        writeln!(self.0, " {value}").ok();
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_a_head_and_labels_that_cannot_end_it() {
        let mut text = Exposition::default();
        text.counter("a_total", "What it counts.");
        text.value("a_total", &[("of", "x\"y\\z\n"), ("by", "b")], 3);
        text.seconds("a_seconds", &[], 1_000_250);
        assert_eq!(
            text.into_text(),
            "# HELP a_total What it counts.\n# TYPE a_total counter\n\
             a_total{of=\"x\\\"y\\\\z\\n\",by=\"b\"} 3\na_seconds 1.000250\n"
        );
    }
}

//! What a file is called: a name, never a path.

use std::fmt;

use crate::media::percent;

/// A name for a file: visible, without separators, at most [`FileName::MAX_LEN`] bytes. It is
/// shown to people and never used as a path on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 200;

    /// The name in `text`: what follows the last separator, without what cannot be seen. Nothing
    /// when nothing is left.
    pub fn of(text: &str) -> Option<Self> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let visible: String = last.chars().filter(|c| is_visible(*c)).collect();
        let name = visible.trim().trim_start_matches('.');
        let name = shorten(name);
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name in the last part of a URL's path.
    pub(crate) fn of_url(segment: &str) -> Option<Self> {
        Self::of(&String::from_utf8_lossy(&percent::decode(
            segment.as_bytes(),
        )))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Marks that turn the direction of writing would make `gpj.exe` look like `exe.jpg`.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Cut in the middle, so that the ending stays.
fn shorten(name: &str) -> String {
    if name.len() <= FileName::MAX_LEN {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| name.split_at(dot).1);
    let ending = if ending.len() <= 16 { ending } else { "" };
    let mut end = FileName::MAX_LEN - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name.split_at(end).0)
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        FileName::of(text).map(|name| name.to_string())
    }

    #[test]
    fn a_path_is_reduced_to_its_name() {
        for (text, expected) in [
            ("report.pdf", Some("report.pdf")),
            ("/etc/passwd", Some("passwd")),
            ("..\\..\\boot.ini", Some("boot.ini")),
            ("../..", None),
            ("..", None),
            ("", None),
            (" \u{202e}gpj.exe\r\n", Some("gpj.exe")),
            ("grüße.txt", Some("grüße.txt")),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = name(&format!("{}.pdf", "ä".repeat(300))).unwrap_or_default();
        assert!(
            long.len() <= FileName::MAX_LEN && long.ends_with("ä.pdf"),
            "{long}"
        );
    }

    #[test]
    fn the_name_in_a_url_is_decoded() {
        let of_url = |text| FileName::of_url(text).map(|name| name.to_string());
        assert_eq!(of_url("a%20b.pdf").as_deref(), Some("a b.pdf"));
        assert_eq!(of_url("..%2f..%2fetc%2fpasswd").as_deref(), Some("passwd"));
        assert_eq!(of_url("100%").as_deref(), Some("100%"));
    }
}

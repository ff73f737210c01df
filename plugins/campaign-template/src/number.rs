//! Decimal numbers, kept as they are written: no rounding that nobody asked for.

/// Most digits before the point.
const MAX_WHOLE: usize = 18;
/// Most digits behind it that count.
const MAX_PARTS: usize = 9;

/// A number such as `-1234.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'t> {
    pub(crate) negative: bool,
    whole: &'t str,
    parts: &'t str,
}

impl<'t> Number<'t> {
    /// Reads digits with at most one point and a sign; nothing for any other text.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, parts) = digits.split_once('.').unwrap_or((digits, ""));
        let all = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let good = !whole.is_empty() && all(whole) && all(parts) && !digits.ends_with('.');
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        (good && whole.len() <= MAX_WHOLE).then_some(Self {
            negative,
            whole,
            parts: parts.get(..MAX_PARTS).unwrap_or(parts),
        })
    }

    /// Digits behind the point, as written.
    pub(crate) fn decimals(&self) -> usize {
        self.parts.len()
    }

    /// The whole number, when nothing but zeros stands behind its point.
    pub(crate) fn whole(&self) -> Option<u64> {
        let whole = self.parts.bytes().all(|b| b == b'0');
        whole.then(|| self.whole.parse().ok()).flatten()
    }

    /// In billionths, to compare.
    pub(crate) fn billionths(&self) -> i128 {
        let (whole, parts) = self.rounded(MAX_PARTS);
        let size = i128::from(whole) * 1_000_000_000 + i128::from(parts);
        if self.negative { -size } else { size }
    }

    /// What stands before and behind the point, rounded to so many decimals, half away from zero.
    pub(crate) fn rounded(&self, decimals: usize) -> (u64, u64) {
        let decimals = decimals.min(MAX_PARTS);
        let digit = |at: usize| u64::from(self.parts.as_bytes().get(at).map_or(0, |b| b - b'0'));
        let mut whole: u64 = self.whole.parse().unwrap_or_default();
        let mut parts = (0..decimals).fold(0, |sum, at| sum * 10 + digit(at));
        let unit = (0..decimals).fold(1, |unit, _| unit * 10);
        if digit(decimals) >= 5 {
            parts += 1;
        }
        if parts >= unit {
            parts -= unit;
            whole += 1;
        }
        (whole, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_everything_else_is_not() {
        for good in ["0", "007", "-12.50", "123456789012345678", "1.999"] {
            assert!(Number::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "-",
            "1,5",
            "1.",
            ".5",
            "1e3",
            "1234567890123456789",
            "12a",
        ] {
            assert!(Number::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let rounded = |text, decimals| Number::parse(text).map(|it| it.rounded(decimals));
        assert_eq!(rounded("1.005", 2), Some((1, 1)));
        assert_eq!(rounded("9.995", 2), Some((10, 0)));
        assert_eq!(rounded("2.5", 0), Some((3, 0)));
        assert_eq!(rounded("2.4999", 0), Some((2, 0)));
        assert_eq!(rounded("3", 2), Some((3, 0)));
    }

    #[test]
    fn only_whole_numbers_are_whole() {
        assert_eq!(Number::parse("3.00").and_then(|it| it.whole()), Some(3));
        assert_eq!(Number::parse("3.01").and_then(|it| it.whole()), None);
    }
}

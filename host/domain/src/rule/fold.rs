//! Texts as rules compare them: without case, accents and doubled spaces.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// `text` in lower case, without the accents of Latin, Greek and Cyrillic letters, and with single
/// spaces between its words.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        let mut folded = squeeze(text).into_owned();
        folded.make_ascii_lowercase();
        return folded;
    }
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars());
    let plain = apart.filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let whole = ComposingNormalizerBorrowed::new_nfc().normalize_iter(plain);
    let plain: String = whole.flat_map(char::to_lowercase).collect();
    let mut folded = String::with_capacity(plain.len());
    for c in plain.chars() {
        match letters(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    squeeze(&folded).into_owned()
}

/// `text` with single spaces between its words, and none around them.
pub fn squeeze(text: &str) -> Cow<'_, str> {
    let mut before = true;
    let doubled = text.chars().any(|c| {
        let space = c.is_whitespace();
        let bad = space && (before || c != ' ');
        before = space;
        bad
    });
    if !doubled && !before {
        return Cow::Borrowed(text);
    }
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    Cow::Owned(squeezed)
}

/// Letters that are not a base letter and an accent.
fn letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ı' => "i",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_spaces_do_not_count() {
        for (text, folded) in [
            ("  PRICE \n list ", "price list"),
            ("Größe", "grosse"),
            ("CAFÉ", "cafe"),
            ("İstanbul", "istanbul"),
            ("São  Paulo", "sao paulo"),
            ("ΟΔΟΣ", "οδοσ"),
            ("ﬁn", "fin"),
            ("が", "が"),
            ("각", "각"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn what_is_folded_stays_so() {
        let random = crate::Random::seeded(5);
        let pieces = [
            "É", "e\u{301}", " ", "\n", "ß", "İ", "Σ", "x", "\u{200b}", "가", "ㄱ", "ﷺ",
        ];
        for _ in 0..5_000 {
            let text: String = (0..1 + random.below(6))
                .filter_map(|_| pieces.get(random.below(pieces.len())))
                .copied()
                .collect();
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "{text:?}");
        }
    }
}

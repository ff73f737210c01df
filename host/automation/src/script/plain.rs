//! Texts without accents, and with a capital.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Letters that are not made of a letter and an accent, as they are written without.
const LETTERS: [(char, &str); 14] = [
    ('ß', "ss"),
    ('æ', "ae"),
    ('Æ', "AE"),
    ('œ', "oe"),
    ('Œ', "OE"),
    ('ø', "o"),
    ('Ø', "O"),
    ('đ', "d"),
    ('Đ', "D"),
    ('ð', "d"),
    ('ł', "l"),
    ('Ł', "L"),
    ('þ', "th"),
    ('ı', "i"),
];

/// `text` without accents.
pub(super) fn without_accents(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for character in DecomposingNormalizerBorrowed::new_nfd()
        .normalize(text)
        .chars()
    {
        match LETTERS.iter().find(|(letter, _)| *letter == character) {
            Some((_, instead)) => plain.push_str(instead),
            // Combining accents, of which a letter with one was made.
            None if ('\u{300}'..='\u{36f}').contains(&character) => {}
            None => plain.push(character),
        }
    }
    plain
}

/// With its first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

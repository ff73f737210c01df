//! Words of a message, whatever their case and accents.
//!
//! Both sides are folded alike: lower case, no accents, so that `precio`, `Précio` and `PRECIO` are
//! one word. A keyword matches as whole words: `price` matches "Price?" and not "priceless".

use std::borrow::Cow;

/// Letters that are written as others when accents are left out. ß and æ are two letters.
const PLAIN: [(&str, &str); 34] = [
    ("àáâãäåāăąǎạảấầẩẫậắằẳẵặ", "a"),
    ("æ", "ae"),
    ("çćĉċč", "c"),
    ("ďđ", "d"),
    ("èéêëēĕėęěẹẻẽếềểễệ", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįıǐỉị", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņňŉ", "n"),
    ("òóôõöøōŏőǒọỏốồổỗộơớờởỡợ", "o"),
    ("œ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťŧț", "t"),
    ("ùúûüũūŭůűųǔụủưứừửữự", "u"),
    ("ŵ", "w"),
    ("ýÿŷỳỵỷỹ", "y"),
    ("źżž", "z"),
    ("ά", "α"),
    ("έ", "ε"),
    ("ή", "η"),
    ("ίϊΐ", "ι"),
    ("ό", "ο"),
    ("ύϋΰ", "υ"),
    ("ώ", "ω"),
    ("ς", "σ"),
    ("ё", "е"),
    ("أإآ", "ا"),
    ("ى", "ي"),
    ("ة", "ه"),
];

/// `text` in lower case and without accents.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            out.push(letter.to_ascii_lowercase());
        } else {
            letter
                .to_lowercase()
                .for_each(|small| fold(small, &mut out));
        }
    }
    Cow::Owned(out)
}

fn fold(letter: char, out: &mut String) {
    // Accents that stand behind their letter, and Arabic vowel signs.
    if matches!(letter, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{652}') {
        return;
    }
    match PLAIN.iter().find(|(accented, _)| accented.contains(letter)) {
        Some((_, plain)) => out.push_str(plain),
        None => out.push(letter),
    }
}

/// Whether `words`, which is folded, stands in the folded `text` with no letter or digit right
/// before or after it.
pub(crate) fn has_words(text: &str, words: &str) -> bool {
    !words.is_empty()
        && text.match_indices(words).any(|(start, found)| {
            let before = text[..start].chars().next_back();
            let after = text[start + found.len()..].chars().next();
            let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !joins(before) && !joins(after)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_make_no_difference() {
        assert_eq!(folded("¿Qué PRECIO tiene?"), "¿que precio tiene?");
        assert_eq!(folded("Größe"), folded("GROSSE"));
        assert_eq!(folded("cafe\u{301}"), "cafe");
        assert_eq!(folded("Ünïcödé Łódź"), "unicode lodz");
        assert_eq!(folded("ΏΡΑ ЁЛКА"), "ωρα елка");
    }

    #[test]
    fn a_keyword_is_a_whole_word() {
        assert!(has_words("the price?", "price"));
        assert!(has_words("so: opening hours!", "opening hours"));
        assert!(!has_words("priceless", "price"));
        assert!(!has_words("half-price2", "price"));
        assert!(!has_words("anything", ""));
    }
}

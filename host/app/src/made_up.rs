//! Names for what its owner calls by any words.

use warbler_domain::Random;

/// Characters of a name that come from the words.
const FROM_WORDS: usize = 32;

/// A name that nobody has, and that says what it was made from: letters and digits of that, and
/// something random.
pub(crate) fn name_from(words: &str, random: &Random) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric();
    let words: String = words.chars().filter(fits).take(FROM_WORDS).collect();
    let mut bytes = [0u8; 5];
    random.fill(&mut bytes);
    let unique = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
    match words.as_str() {
        "" => unique,
        words => format!("{words}-{unique}"),
    }
}

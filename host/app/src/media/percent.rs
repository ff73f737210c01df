//! Percent signs in URLs.

/// `%41` becomes `A`; a percent sign that begins nothing stays.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.split_first_chunk::<2>().filter(|_| byte == b'%');
        let value =
            pair.and_then(|(&[high, low], after)| Some((digit(high)? << 4 | digit(low)?, after)));
        let (byte, after) = value.unwrap_or((byte, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

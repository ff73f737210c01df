//! What kind of file it is, by its first bytes.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::CsvError;

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The form of a file.
pub(super) struct Sniffed {
    /// UTF-16, if it is; otherwise ASCII is ASCII in it.
    pub(super) utf16: Option<&'static Encoding>,
    /// What stands between cells.
    pub(super) separator: u8,
    /// Bytes before the header.
    pub(super) skip: usize,
    /// Rows before the header.
    pub(super) first_row: u32,
}

impl Sniffed {
    /// The form of a file that begins with `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, CsvError> {
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(CsvError::Workbook);
        }
        let (utf16, mark) = encoding(bytes);
        let body = bytes.get(mark..).unwrap_or_default();
        let text: Vec<u8> = match utf16 {
            None => body.to_vec(),
            // Of the header only what is ASCII matters here.
            Some(encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(body);
                text.into_owned().into_bytes()
            }
        };
        if text.contains(&0) {
            return Err(CsvError::NotText);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(CsvError::Empty);
        }
        let (separator, said) = match said(&text) {
            Some((separator, length)) => (separator, length),
            None => (guessed(&text), 0),
        };
        let width = if utf16.is_some() { 2 } else { 1 };
        Ok(Self {
            utf16,
            separator,
            skip: mark + said * width,
            first_row: u32::from(said > 0),
        })
    }
}

/// UTF-16 if it is that, and how many bytes say so.
fn encoding(bytes: &[u8]) -> (Option<&'static Encoding>, usize) {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return (None, 3);
    }
    if bytes.starts_with(b"\xff\xfe") {
        return (Some(UTF_16LE), 2);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return (Some(UTF_16BE), 2);
    }
    let head = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let zeros = |odd: usize| {
        let places = head.iter().enumerate().filter(|(at, _)| at % 2 == odd);
        places.filter(|(_, byte)| **byte == 0).count()
    };
    // A header is mostly ASCII, so every other byte of it is zero.
    let many = head.len() / 4;
    match (zeros(0), zeros(1)) {
        (0, little) if little > many => (Some(UTF_16LE), 0),
        (big, 0) if big > many => (Some(UTF_16BE), 0),
        _ => (None, 0),
    }
}

/// The separator that a first line `sep=;` names, and how long that line is.
fn said(text: &[u8]) -> Option<(u8, usize)> {
    let start = text.get(..4)?;
    if !start.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let separator = *text.get(4)?;
    let end = match (text.get(5), text.get(6)) {
        (Some(b'\r'), Some(b'\n')) => 7,
        (Some(b'\n'), _) => 6,
        _ => return None,
    };
    SEPARATORS.contains(&separator).then_some((separator, end))
}

/// The separator that the first line has most of, outside of quotes.
fn guessed(text: &[u8]) -> u8 {
    let mut counts = [0u32; SEPARATORS.len()];
    let mut quoted = false;
    let mut begun = false;
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && begun => break,
            _ if quoted => {}
            _ => {
                for (count, separator) in counts.iter_mut().zip(SEPARATORS) {
                    *count += u32::from(*byte == separator);
                }
            }
        }
        begun |= !byte.is_ascii_whitespace();
    }
    let best = counts
        .iter()
        .zip(SEPARATORS)
        .rev()
        .max_by_key(|(count, _)| **count);
    best.map_or(b',', |(_, separator)| separator)
}

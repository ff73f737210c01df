//! Bytes inside a text: base64, and `data:` URLs (RFC 2397).
//!
//! The content type a `data:` URL names is its writer's word and is not looked at.

use std::borrow::Cow;

use data_encoding::Specification;

use crate::media::percent;

/// Longest part of a `data:` URL before its comma, in bytes.
const MAX_HEAD: usize = 1024;

/// A text that holds no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadData {
    /// Not base64.
    #[error("not base64: {reason} at character {position}")]
    NotBase64 {
        /// What is wrong.
        reason: &'static str,
        /// Where, from 1.
        position: usize,
    },
    /// A `data:` URL without its comma, or with too much before it.
    #[error("a data URL looks like `data:image/png;base64,…`")]
    NotDataUrl,
}

/// Whether a text is a `data:` URL.
pub(crate) fn is_data_url(text: &str) -> bool {
    text.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The bytes of a `data:` URL.
pub fn parse(text: &str) -> Result<Vec<u8>, BadData> {
    let rest = is_data_url(text).then(|| text.split_at(5).1);
    let (head, data) = rest
        .and_then(|rest| rest.split_once(','))
        .filter(|(head, _)| head.len() <= MAX_HEAD)
        .ok_or(BadData::NotDataUrl)?;
    let words = head.rsplit(';').next().unwrap_or_default();
    if !words.trim().eq_ignore_ascii_case("base64") {
        return Ok(percent::decode(data.as_bytes()));
    }
    // Padding and `+` may have been escaped by whoever put it into a URL.
    let data: Cow<'_, [u8]> = if data.contains('%') {
        percent::decode(data.as_bytes()).into()
    } else {
        data.as_bytes().into()
    };
    base64(&data)
}

/// The bytes of a base64 text: either alphabet, padded or not, in lines or not.
pub(crate) fn base64(text: &[u8]) -> Result<Vec<u8>, BadData> {
    let wrong = |reason| BadData::NotBase64 {
        reason,
        position: 1,
    };
    let mut base64 = Specification::new();
    base64
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    base64.translate.from.push_str("-_");
    base64.translate.to.push_str("+/");
    base64.ignore.push_str(" \t\r\n");
    // Some writers leave rubbish in the unused bits of the last character.
    base64.check_trailing_bits = false;
    let encoding = base64.encoding().map_err(|_| wrong("no alphabet"))?;
    encoding
        .decode(unpadded(text))
        .map_err(|err| BadData::NotBase64 {
            reason: match err.kind {
                data_encoding::DecodeKind::Length => "it is cut off",
                data_encoding::DecodeKind::Symbol => "a character that does not belong",
                data_encoding::DecodeKind::Trailing => "rubbish at its end",
                data_encoding::DecodeKind::Padding => "wrong padding",
            },
            position: err.position + 1,
        })
}

/// Without what pads it: at most two `=` at the end, and what cannot be seen around them.
fn unpadded(text: &[u8]) -> &[u8] {
    let mut text = text.trim_ascii();
    for _ in 0..2 {
        text = text.strip_suffix(b"=").unwrap_or(text).trim_ascii_end();
    }
    text
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, BASE64_MIME, BASE64_NOPAD, BASE64URL};
    use warbler_domain::Random;

    use super::*;

    #[test]
    fn whatever_is_written_is_read_back() {
        let random = Random::seeded(21);
        for _ in 0..2000 {
            let mut bytes = vec![0; random.below(120)];
            random.fill(&mut bytes);
            for written in [
                BASE64.encode(&bytes),
                BASE64_NOPAD.encode(&bytes),
                BASE64URL.encode(&bytes),
                BASE64_MIME.encode(&bytes),
            ] {
                assert_eq!(base64(written.as_bytes()).as_ref(), Ok(&bytes), "{written}");
                let url = format!("data:image/png;base64,{written}");
                assert_eq!(parse(&url).as_ref(), Ok(&bytes), "{url}");
                let escaped = url.replace('+', "%2B").replace('=', "%3d");
                assert_eq!(parse(&escaped).as_ref(), Ok(&bytes), "{escaped}");
            }
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            assert_eq!(parse(&format!("data:,{escaped}")).as_ref(), Ok(&bytes));
        }
    }

    #[test]
    fn no_text_whatever_breaks_it() {
        let random = Random::seeded(22);
        let letters: Vec<char> = "data:;base64,=%+/-_AZaz09 \n\u{e4}\u{1f600}"
            .chars()
            .collect();
        for _ in 0..20_000 {
            let length = random.below(40);
            let text: String = (0..length)
                .filter_map(|_| letters.get(random.below(letters.len())))
                .collect();
            // Either is an answer.
            drop((parse(&text), base64(text.as_bytes())));
        }
    }

    #[test]
    fn the_forms_of_the_standard_are_read() {
        for (url, expected) in [
            ("data:,A%20brief%20note", &b"A brief note"[..]),
            ("data:text/plain;charset=utf-8;base64,aGk=", b"hi"),
            ("DATA:;BASE64,aGk", b"hi"),
            ("data:text/plain,a,b", b"a,b"),
            ("data:,", b""),
        ] {
            assert_eq!(parse(url).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_none_says_why() {
        let long = format!("data:{},x", "a".repeat(MAX_HEAD + 1));
        for url in [
            "data:image/png;base64",
            "http://x",
            "",
            "dat",
            long.as_str(),
        ] {
            assert_eq!(parse(url), Err(BadData::NotDataUrl), "{url}");
        }
        let err = base64(b"aGk*").map_err(|err| err.to_string());
        assert_eq!(
            err,
            Err("not base64: a character that does not belong at character 4".to_owned())
        );
        assert!(base64(b"a").is_err());
        assert!(base64(b"aa===").is_err());
    }
}

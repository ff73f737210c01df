//! How the bytes of a stranger's file are answered, so that no browser does more with them than
//! show a picture or play a film.
//!
//! Invariant: the content type is told from the content, and what could hold a script is only
//! ever a download.

use std::io::SeekFrom;
use std::ops::RangeInclusive;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, REFERRER_POLICY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use warbler_app::media::{Format, ServedMedium};

/// How much of a file is read at a time.
const PIECE: usize = 64 * 1024;
/// Longest name that is told, in bytes; three for each when escaped.
const MAX_NAME: usize = 200;

/// A file to answer with.
pub(in crate::native) struct FileAnswer {
    /// What its content is.
    pub(in crate::native) format: Format,
    /// What changes when its content does: letters and digits.
    pub(in crate::native) tag: String,
    /// What it is called, where it has a name.
    pub(in crate::native) name: Option<String>,
    /// The file, at its start.
    pub(in crate::native) file: tokio::fs::File,
    /// Its size in bytes.
    pub(in crate::native) size: u64,
}

impl FileAnswer {
    /// A stored content, which is `tag` to whoever asks for it again.
    pub(in crate::native) fn of(served: ServedMedium, tag: String) -> Self {
        Self {
            format: Format::of_mime(&served.medium.mime),
            tag,
            name: served.file_name,
            file: served.file,
            size: served.medium.size,
        }
    }

    /// The answer to a request with these headers: all of it, a part, or that it has not changed.
    pub(in crate::native) async fn to(self, request: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", self.tag);
        let headers = self.headers(&tag);
        if request
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|value| matches(value, &tag))
        {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let size = self.size;
        match part_of(request, &tag, size) {
            Part::Whole => {
                let length = [(CONTENT_LENGTH, size.to_string())];
                (headers, length, read(self.file, size)).into_response()
            }
            Part::Range(range) => {
                let (first, last) = (*range.start(), *range.end());
                let about = [
                    (CONTENT_LENGTH, (last - first + 1).to_string()),
                    (CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
                ];
                match part(self.file, range).await {
                    Ok(body) => (StatusCode::PARTIAL_CONTENT, headers, about, body).into_response(),
                    Err(err) => unreadable(&err),
                }
            }
            Part::Nowhere => {
                let size = [(CONTENT_RANGE, format!("bytes */{size}"))];
                (StatusCode::RANGE_NOT_SATISFIABLE, size).into_response()
            }
        }
    }

    fn headers(&self, tag: &str) -> [(HeaderName, String); 7] {
        let (mime, shown) = if self.format.is_safe_to_show() {
            (self.format.mime(), "inline")
        } else {
            ("application/octet-stream", "attachment")
        };
        [
            (CONTENT_TYPE, mime.to_owned()),
            (CONTENT_DISPOSITION, format!("{shown}; {}", self.called())),
            (
                CONTENT_SECURITY_POLICY,
                "sandbox; default-src 'none'".to_owned(),
            ),
            (REFERRER_POLICY, "no-referrer".to_owned()),
            (CACHE_CONTROL, "private, max-age=3600".to_owned()),
            (ETAG, tag.to_owned()),
            (ACCEPT_RANGES, "bytes".to_owned()),
        ]
    }

    /// The name as a header says it: plain, and as it is where that differs (RFC 6266).
    fn called(&self) -> String {
        let unnamed = || format!("{}.{}", self.tag, self.format.extension());
        let name = self
            .name
            .clone()
            .filter(|name| !name.is_empty() && name.len() <= MAX_NAME);
        let name = name.unwrap_or_else(unnamed);
        let plain: String = name
            .chars()
            .map(|c| if is_plain(c) || c == ' ' { c } else { '_' })
            .collect();
        if plain == name {
            return format!("filename=\"{plain}\"");
        }
        let escaped: String = name
            .bytes()
            .map(|byte| match char::from(byte) {
                c if is_plain(c) => c.to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect();
        format!("filename=\"{plain}\"; filename*=UTF-8''{escaped}")
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

async fn part(mut file: tokio::fs::File, range: RangeInclusive<u64>) -> std::io::Result<Body> {
    let (first, last) = range.into_inner();
    file.seek(SeekFrom::Start(first)).await?;
    Ok(read(file, last - first + 1))
}

fn read(file: tokio::fs::File, length: u64) -> Body {
    Body::from_stream(ReaderStream::with_capacity(file.take(length), PIECE))
}

fn unreadable(err: &std::io::Error) -> Response {
    tracing::error!(%err, "A stored medium could not be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Range(RangeInclusive<u64>),
    /// A part that is not there.
    Nowhere,
}

/// One range of bytes is understood; several, other units and what is malformed are not, and
/// then the answer is the whole file, as the standard has it (RFC 9110, section 14.2).
fn part_of(request: &HeaderMap, tag: &str, size: u64) -> Part {
    let changed = request.get(IF_RANGE).is_some_and(|value| value != tag);
    let asked = request.get(RANGE).and_then(|value| value.to_str().ok());
    let Some(range) = asked
        .filter(|_| !changed)
        .and_then(|asked| asked.trim().strip_prefix("bytes="))
    else {
        return Part::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Part::Whole;
    };
    let Some(end) = size.checked_sub(1) else {
        return Part::Nowhere;
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return Part::Whole;
    }
    // What is too long for a number lies beyond every file.
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Part::Whole,
        (true, false) => match number(last) {
            0 => Part::Nowhere,
            length => Part::Range(size.saturating_sub(length)..=end),
        },
        (false, _) if number(first) > end => Part::Nowhere,
        (false, true) => Part::Range(number(first)..=end),
        (false, false) if number(last) < number(first) => Part::Whole,
        (false, false) => Part::Range(number(first)..=number(last).min(end)),
    }
}

fn matches(value: &HeaderValue, tag: &str) -> bool {
    let mut tags = value.to_str().unwrap_or_default().split(',');
    tags.any(|candidate| {
        let candidate = candidate.trim();
        candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: &str, size: u64) -> anyhow::Result<Part> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse()?);
        Ok(part_of(&headers, "\"tag\"", size))
    }

    #[test]
    fn one_range_is_understood_and_everything_else_is_the_whole() -> anyhow::Result<()> {
        for (range, expected) in [
            ("bytes=0-0", Part::Range(0..=0)),
            ("bytes=2-5", Part::Range(2..=5)),
            ("bytes=2-99", Part::Range(2..=9)),
            ("bytes=7-", Part::Range(7..=9)),
            ("bytes=-3", Part::Range(7..=9)),
            ("bytes=-99", Part::Range(0..=9)),
            ("bytes=10-", Part::Nowhere),
            ("bytes=99999999999999999999999-", Part::Nowhere),
            ("bytes=-0", Part::Nowhere),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(part(range, 10)?, expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0)?, Part::Nowhere);
        Ok(())
    }

    #[test]
    fn a_name_cannot_end_its_header() -> anyhow::Result<()> {
        let answer = FileAnswer {
            format: Format::of(b"%PDF-"),
            tag: "abc".to_owned(),
            name: Some("a\"; x=\"ü.pdf".to_owned()),
            file: tokio::fs::File::from_std(tempfile::tempfile()?),
            size: 0,
        };
        let expected = "filename=\"a__ x=__.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%22%C3%BC.pdf";
        assert_eq!(answer.called().replace("x_", "x="), expected);
        Ok(())
    }
}

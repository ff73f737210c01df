//! What a link in a text shows: found by the host, or said by the caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::debug;
use warbler_domain::Caller;
use warbler_domain::content::LinkPreview;
use warbler_domain::media::{Digest, MediaKind};

use super::error::SendError;
use super::new::NewPreview;
use crate::core::Shared;
use crate::fetch::{FetchError, FetchLimits, FetchRequest, FetchUrl};
use crate::media::{Media, NewMedium, Origin};

/// How much of a page is read, in bytes.
const PAGE: u64 = 512 * 1024;
/// How long looking at a page may take, while the caller waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest title and description, in characters.
const LONGEST: usize = 300;

/// What the link in `text` shows.
pub(super) async fn preview(
    shared: &Arc<Shared>,
    caller: &Caller,
    text: &str,
    new: NewPreview,
) -> Result<Option<LinkPreview>, SendError> {
    match new {
        NewPreview::Nothing => Ok(None),
        NewPreview::Given {
            url,
            title,
            description,
            thumbnail,
        } => {
            if url.is_empty() || !text.contains(&url) {
                return Err(SendError::BadPreview(
                    "the preview's `url` must stand in the text",
                ));
            }
            if title.trim().is_empty() {
                return Err(SendError::BadPreview("the preview needs a title"));
            }
            let thumbnail = match thumbnail {
                Some(picture) => Some(given_thumbnail(shared, caller, picture).await?),
                None => None,
            };
            Ok(Some(LinkPreview {
                url,
                title: shortened(&title),
                description: description.map(|text| shortened(&text)),
                thumbnail,
            }))
        }
        NewPreview::Found => {
            let Some(url) = first_link(text) else {
                return Ok(None);
            };
            match look(shared, caller, url).await {
                Ok(found) => Ok(found),
                Err(err) => {
                    debug!(%err, "A link has no preview");
                    Ok(None)
                }
            }
        }
    }
}

/// The first link in a text.
fn first_link(text: &str) -> Option<&str> {
    let words = text.split_whitespace();
    let mut links = words.filter_map(|word| {
        let start = word.find("https://").or_else(|| word.find("http://"))?;
        let link = word.get(start..)?;
        Some(link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '>']))
    });
    links.next()
}

async fn look(
    shared: &Arc<Shared>,
    caller: &Caller,
    link: &str,
) -> Result<Option<LinkPreview>, FetchError> {
    let url: FetchUrl = link.parse()?;
    let request = FetchRequest::get(url, FetchLimits::new(PAGE, PATIENCE));
    let mut answer = shared.fetcher.open(request).await?.success()?;
    let is_page = answer
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        });
    if !is_page {
        return Ok(None);
    }
    let mut page = Vec::new();
    while let Some(bytes) = answer.next().await? {
        page.extend_from_slice(&bytes);
        if is_head_complete(&page, &bytes) {
            break;
        }
    }
    let Some(found) = read(&String::from_utf8_lossy(&page)) else {
        return Ok(None);
    };
    let thumbnail = match &found.image {
        Some(image) => thumbnail(shared, caller, image).await,
        None => None,
    };
    Ok(Some(LinkPreview {
        url: link.to_owned(),
        title: found.title,
        description: found.description,
        thumbnail,
    }))
}

/// A small picture of the one a caller gives.
async fn given_thumbnail(
    shared: &Arc<Shared>,
    caller: &Caller,
    picture: Origin,
) -> Result<Digest, SendError> {
    let medium = NewMedium {
        origin: picture,
        kind: Some(MediaKind::Image),
        file_name: None,
    };
    let media = Media::new(Arc::clone(shared));
    let admitted = media.admit(caller, medium).await?;
    admitted.thumbnail.ok_or(SendError::BadPreview(
        "the preview's picture cannot be read",
    ))
}

/// A small picture of the picture a page names; nothing when it is not to be had soon.
async fn thumbnail(shared: &Arc<Shared>, caller: &Caller, image: &str) -> Option<Digest> {
    let medium = NewMedium {
        origin: Origin::Url(image.parse().ok()?),
        kind: Some(MediaKind::Image),
        file_name: None,
    };
    let media = Media::new(Arc::clone(shared));
    let admitting = tokio::time::timeout(PATIENCE, media.admit(caller, medium)).await;
    match admitting {
        Ok(Ok(admitted)) => admitted.thumbnail,
        _ => None,
    }
}

/// Whether what comes after the newest piece cannot change the title.
fn is_head_complete(page: &[u8], newest: &Bytes) -> bool {
    const END: &[u8] = b"</head>";
    let from = page.len().saturating_sub(newest.len() + END.len());
    let tail = page.get(from..).unwrap_or_default();
    tail.windows(END.len())
        .any(|window| window.eq_ignore_ascii_case(END))
}

/// What a page says about itself.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    title: String,
    description: Option<String>,
    image: Option<String>,
}

fn read(page: &str) -> Option<Found> {
    let mut title = None;
    let mut description = None;
    let mut image = None;
    let mut rest = page;
    while let Some((_, tag_on)) = rest.split_once('<') {
        let Some((tag, behind)) = tag_on.split_once('>') else {
            break;
        };
        rest = behind;
        let lower = tag.to_ascii_lowercase();
        if lower.starts_with("meta") {
            let name = attribute(tag, "property").or_else(|| attribute(tag, "name"));
            let Some(content) = attribute(tag, "content").filter(|text| !text.is_empty()) else {
                continue;
            };
            match name.map(str::to_ascii_lowercase).as_deref() {
                Some("og:title") => title = Some(shown(content)),
                Some("og:image") => image = Some(content.replace("&amp;", "&")),
                Some("og:description") => description = Some(shown(content)),
                Some("description") if description.is_none() => {
                    description = Some(shown(content));
                }
                _ => {}
            }
        } else if (lower == "title" || lower.starts_with("title ")) && title.is_none() {
            let text = behind.split_once('<').map_or(behind, |(text, _)| text);
            title = Some(shown(text)).filter(|title| !title.is_empty());
        } else if lower.starts_with("/head") || lower.starts_with("body") {
            break;
        }
    }
    title.filter(|title| !title.is_empty()).map(|title| Found {
        title,
        description: description.filter(|text| !text.is_empty()),
        image,
    })
}

/// The value of an attribute of a tag, which stands in quotes.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once('=')?;
        let word = before.split_whitespace().next_back().unwrap_or_default();
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, behind) = after.get(1..)?.split_once(quote)?;
        if word.eq_ignore_ascii_case(name) {
            return Some(value.trim());
        }
        rest = behind;
    }
}

/// A text of a page as people read it.
fn shown(text: &str) -> String {
    let plain = text
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    let words: Vec<_> = plain.split_whitespace().collect();
    shortened(&words.join(" "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.split_at(cut).0),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_is_found_without_what_follows_it() {
        let text = "Look (https://example.com/a?b=c), or http://example.org.";
        assert_eq!(first_link(text), Some("https://example.com/a?b=c"));
        assert_eq!(first_link("no link: example.com"), None);
    }

    #[test]
    fn a_page_says_its_title_and_description() {
        let page = "<!doctype html><html><head><title>\n Old &amp; new </title>\
            <meta name='description' content='Plain'><meta content=\"Open\" property=\"og:title\">\
            </head><body><title>Not this</title>";
        let found = Found {
            title: "Open".to_owned(),
            description: Some("Plain".to_owned()),
            image: None,
        };
        assert_eq!(read(page), Some(found));
        let title = |page| read(page).map(|found| found.title);
        assert_eq!(
            title("<title>Old &amp;\n new</title>").as_deref(),
            Some("Old & new")
        );
        assert_eq!(title("<p>nothing</p>"), None);
        assert_eq!(title("<meta property=og:title content"), None);
        assert_eq!(title("<title></title>"), None);
    }
}

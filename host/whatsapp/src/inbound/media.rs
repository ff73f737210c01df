//! Media as they come in: where they are, and what is said about them.

use serde::{Deserialize, Serialize};
use waproto::whatsapp as wa;
use warbler_domain::media::{Media, MediaKind, MediaSource};

/// Longest content type that is believed, in characters.
const MAX_MIME: usize = 100;
/// Longest file name that is kept, in characters.
const MAX_NAME: usize = 255;

/// Where a medium is on the network, as it is written into [`MediaSource::Remote`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locator {
    pub(crate) kind: MediaKind,
    pub(crate) path: String,
    #[serde(with = "base64")]
    pub(crate) key: Vec<u8>,
    #[serde(with = "base64")]
    pub(crate) sha256: Vec<u8>,
    #[serde(with = "base64")]
    pub(crate) enc_sha256: Vec<u8>,
    pub(crate) size: u64,
}

mod base64 {
    use data_encoding::BASE64;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

/// The medium a message carries, if it carries one; `once` when a wrapper says so.
pub(super) fn media(message: &wa::Message, once: bool) -> Option<Media> {
    let mut media = picture(message)
        .or_else(|| film(message))
        .or_else(|| sound(message))
        .or_else(|| document(message))
        .or_else(|| sticker(message))?;
    media.view_once |= once;
    Some(media)
}

/// The five kinds differ in their types, not in the names of these fields.
macro_rules! remote {
    ($part:expr, $kind:expr) => {{
        let locator = Locator {
            kind: $kind,
            path: $part.direct_path.clone().unwrap_or_default(),
            key: $part.media_key.clone().unwrap_or_default(),
            sha256: $part.file_sha256.clone().unwrap_or_default(),
            enc_sha256: $part.file_enc_sha256.clone().unwrap_or_default(),
            size: $part.file_length.unwrap_or_default(),
        };
        remote(&locator, $part.mimetype.as_deref())
    }};
}

fn picture(message: &wa::Message) -> Option<Media> {
    let part = message.image_message.as_option()?;
    let mut media = remote!(part, MediaKind::Image);
    media.caption = said(part.caption.as_deref());
    (media.width, media.height) = (part.width, part.height);
    media.view_once = part.view_once.unwrap_or_default();
    Some(media)
}

fn film(message: &wa::Message) -> Option<Media> {
    let round = message.ptv_message.as_option();
    let part = message.video_message.as_option().or(round)?;
    let mut media = remote!(part, MediaKind::Video);
    media.caption = said(part.caption.as_deref());
    (media.width, media.height) = (part.width, part.height);
    media.seconds = part.seconds;
    media.gif = part.gif_playback.unwrap_or_default();
    media.view_once = part.view_once.unwrap_or_default();
    Some(media)
}

fn sound(message: &wa::Message) -> Option<Media> {
    let part = message.audio_message.as_option()?;
    let mut media = remote!(part, MediaKind::Audio);
    media.seconds = part.seconds;
    media.voice = part.ptt.unwrap_or_default();
    media.view_once = part.view_once.unwrap_or_default();
    Some(media)
}

fn document(message: &wa::Message) -> Option<Media> {
    let part = message.document_message.as_option()?;
    let mut media = remote!(part, MediaKind::Document);
    media.caption = said(part.caption.as_deref());
    let name = part.file_name.as_deref().or(part.title.as_deref());
    media.file_name = said(name).map(|name| name.chars().take(MAX_NAME).collect());
    Some(media)
}

fn sticker(message: &wa::Message) -> Option<Media> {
    let part = message.sticker_message.as_option()?;
    let mut media = remote!(part, MediaKind::Sticker);
    (media.width, media.height) = (part.width, part.height);
    let moves = [part.is_animated, part.is_lottie];
    media.animated = moves.contains(&Some(true));
    Some(media)
}

fn said(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn remote(locator: &Locator, mime: Option<&str>) -> Media {
    let mime = mime.unwrap_or("application/octet-stream");
    let mime: String = mime.chars().take(MAX_MIME).collect();
    let source = MediaSource::Remote {
        // Bytes, a path and a number always become JSON.
        locator: serde_json::to_string(locator).unwrap_or_default(),
    };
    Media::new(locator.kind, mime, locator.size, source)
}

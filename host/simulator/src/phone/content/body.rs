//! Media messages: five kinds of them, with the same fields under different names.

use wacore::download::Downloadable;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::parts::Look;
use super::{Content, wrapped};
use crate::phone::media::{MediaKind, Sealed};

/// A sealed body that was uploaded, and what to show of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attachment<'a> {
    pub kind: MediaKind,
    pub sealed: &'a Sealed,
    pub direct_path: &'a str,
    pub url: &'a str,
    pub mime: &'a str,
    /// What a kind does not have is left out.
    pub look: &'a Look,
}

/// Where a received body is, and how to open and check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locator {
    pub direct_path: String,
    pub key: [u8; 32],
    /// Digest of the plain bytes, if told.
    pub sha256: Option<[u8; 32]>,
    pub length: Option<u64>,
}

/// A message with an uploaded body.
pub(crate) fn media(attachment: &Attachment<'_>) -> wa::Message {
    let Attachment { sealed, look, .. } = attachment;
    let url = Some(attachment.url.to_owned());
    let direct_path = Some(attachment.direct_path.to_owned());
    let mimetype = Some(attachment.mime.to_owned());
    let caption = look.caption.clone();
    let media_key = Some(sealed.key.to_vec());
    let file_sha256 = Some(sealed.sha256.to_vec());
    let file_enc_sha256 = Some(sealed.enc_sha256.to_vec());
    let file_length = Some(sealed.length);
    let mut message = wa::Message::default();
    match attachment.kind {
        MediaKind::Image => {
            message.image_message = MessageField::some(wa::message::ImageMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                ..Default::default()
            });
        }
        MediaKind::Video => {
            message.video_message = MessageField::some(wa::message::VideoMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                seconds: look.seconds,
                gif_playback: look.gif.then_some(true),
                ..Default::default()
            });
        }
        MediaKind::Audio => {
            message.audio_message = MessageField::some(wa::message::AudioMessage {
                url,
                direct_path,
                mimetype,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                seconds: look.seconds,
                ptt: look.voice.then_some(true),
                waveform: (!look.waveform.is_empty()).then(|| look.waveform.clone()),
                ..Default::default()
            });
        }
        MediaKind::Document => {
            let captioned = caption.is_some();
            message.document_message = MessageField::some(wa::message::DocumentMessage {
                url,
                direct_path,
                mimetype,
                caption,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                title: look.file_name.clone(),
                file_name: look.file_name.clone(),
                ..Default::default()
            });
            if captioned {
                message = wa::Message {
                    document_with_caption_message: wrapped(message),
                    ..Default::default()
                };
            }
        }
        MediaKind::Sticker => {
            message.sticker_message = MessageField::some(wa::message::StickerMessage {
                url,
                direct_path,
                mimetype,
                media_key,
                file_sha256,
                file_enc_sha256,
                file_length,
                is_animated: look.animated.then_some(true),
                ..Default::default()
            });
        }
    }
    message
}

/// The body a message carries, if it carries one.
pub(super) fn read(message: &wa::Message) -> Option<Content> {
    let content = if let Some(image) = message.image_message.as_option() {
        let look = Look {
            caption: image.caption.clone(),
            ..Look::default()
        };
        received(MediaKind::Image, image, &image.mimetype, look)
    } else if let Some(video) = message.video_message.as_option() {
        received(MediaKind::Video, video, &video.mimetype, video_look(video))
    } else if let Some(video) = message.ptv_message.as_option() {
        received(MediaKind::Video, video, &video.mimetype, video_look(video))
    } else if let Some(audio) = message.audio_message.as_option() {
        let look = Look {
            seconds: audio.seconds,
            voice: audio.ptt.unwrap_or_default(),
            waveform: audio.waveform.clone().unwrap_or_default(),
            ..Look::default()
        };
        received(MediaKind::Audio, audio, &audio.mimetype, look)
    } else if let Some(document) = message.document_message.as_option() {
        let look = Look {
            caption: document.caption.clone(),
            file_name: document.file_name.clone().or(document.title.clone()),
            ..Look::default()
        };
        received(MediaKind::Document, document, &document.mimetype, look)
    } else if let Some(sticker) = message.sticker_message.as_option() {
        let look = Look {
            animated: sticker.is_animated.unwrap_or_default(),
            ..Look::default()
        };
        received(MediaKind::Sticker, sticker, &sticker.mimetype, look)
    } else {
        return None;
    };
    Some(content)
}

fn video_look(video: &wa::message::VideoMessage) -> Look {
    Look {
        caption: video.caption.clone(),
        seconds: video.seconds,
        gif: video.gif_playback.unwrap_or_default(),
        ..Look::default()
    }
}

fn received(
    kind: MediaKind,
    media: &impl Downloadable,
    mime: &Option<String>,
    look: Look,
) -> Content {
    match locate(media) {
        Some(locator) => Content::Media {
            kind,
            locator,
            mime: mime.clone().unwrap_or_default(),
            look,
        },
        None => Content::Other("media without path or key"),
    }
}

fn locate(media: &impl Downloadable) -> Option<Locator> {
    let direct_path = media.direct_path().filter(|path| !path.is_empty())?;
    let key = <[u8; 32]>::try_from(media.media_key()?);
    Some(Locator {
        direct_path: direct_path.to_owned(),
        key: key.ok()?,
        sha256: media
            .file_sha256()
            .and_then(|digest| digest.try_into().ok()),
        length: media.file_length(),
    })
}

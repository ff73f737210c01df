//! Media on their way out.

use wacore::download::MediaType;
use wacore::proto_helpers::MessageExt;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use warbler_domain::media::{Media, MediaKind};
use whatsapp_rust::upload::UploadResponse;

use super::Around;

/// The kind of medium, as the engine encrypts it.
pub(crate) fn media_type(kind: MediaKind) -> MediaType {
    match kind {
        MediaKind::Image => MediaType::Image,
        MediaKind::Video => MediaType::Video,
        MediaKind::Audio => MediaType::Audio,
        MediaKind::Document => MediaType::Document,
        MediaKind::Sticker => MediaType::Sticker,
    }
}

/// Where an uploaded medium is, and how it is opened.
pub(crate) struct Uploaded {
    pub(crate) url: String,
    pub(crate) path: String,
    pub(crate) key: [u8; 32],
    pub(crate) sha256: [u8; 32],
    pub(crate) enc_sha256: [u8; 32],
    pub(crate) size: u64,
    /// When the key was made, in seconds since 1970.
    pub(crate) key_at: i64,
    /// What lets a player begin before it has everything.
    pub(crate) sidecar: Option<Vec<u8>>,
}

impl From<UploadResponse> for Uploaded {
    fn from(response: UploadResponse) -> Self {
        Self {
            url: response.url,
            path: response.direct_path,
            key: response.media_key,
            sha256: response.file_sha256,
            enc_sha256: response.file_enc_sha256,
            size: response.file_length,
            key_at: response.media_key_timestamp,
            sidecar: response.streaming_sidecar,
        }
    }
}

/// A message of the named kind: the five kinds differ in their types, not in these fields.
macro_rules! carrying {
    ($kind:ident, $media:expr, $uploaded:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        MessageField::some(wa::message::$kind {
            url: Some($uploaded.url),
            direct_path: Some($uploaded.path),
            media_key: Some($uploaded.key.to_vec()),
            file_sha256: Some($uploaded.sha256.to_vec()),
            file_enc_sha256: Some($uploaded.enc_sha256.to_vec()),
            file_length: Some($uploaded.size),
            media_key_timestamp: Some($uploaded.key_at),
            mimetype: Some($media.mime.clone()),
            $($field: $value,)*
            ..Default::default()
        })
    };
}

/// A medium that has been uploaded, with what stands around it.
pub(crate) fn media(
    media: &Media,
    caption: Option<String>,
    thumbnail: Option<Vec<u8>>,
    uploaded: Uploaded,
    around: Around,
) -> wa::Message {
    // Nothing of what is shown once is shown before.
    let thumbnail = thumbnail.filter(|_| !media.view_once);
    let mut message = wa::Message::default();
    match media.kind {
        MediaKind::Image => {
            message.image_message = carrying!(ImageMessage, media, uploaded, {
                caption: caption,
                jpeg_thumbnail: thumbnail,
                width: media.width,
                height: media.height,
            });
        }
        MediaKind::Video => {
            message.video_message = carrying!(VideoMessage, media, uploaded, {
                caption: caption,
                jpeg_thumbnail: thumbnail,
                width: media.width,
                height: media.height,
                seconds: media.seconds,
                gif_playback: media.gif.then_some(true),
                streaming_sidecar: uploaded.sidecar,
            });
        }
        MediaKind::Audio => {
            message.audio_message = carrying!(AudioMessage, media, uploaded, {
                seconds: media.seconds,
                ptt: media.voice.then_some(true),
                streaming_sidecar: uploaded.sidecar,
            });
        }
        MediaKind::Document => {
            message.document_message = carrying!(DocumentMessage, media, uploaded, {
                caption: caption,
                jpeg_thumbnail: thumbnail,
                file_name: media.file_name.clone(),
                title: media.file_name.clone(),
            });
        }
        MediaKind::Sticker => {
            message.sticker_message = carrying!(StickerMessage, media, uploaded, {
                width: media.width,
                height: media.height,
                is_animated: media.animated.then_some(true),
            });
        }
    }
    around.put(&mut message);
    wrap(media, message)
}

/// Puts a medium into the wrapper its kind needs.
fn wrap(media: &Media, mut message: wa::Message) -> wa::Message {
    let captioned = |document: &wa::message::DocumentMessage| document.caption.is_some();
    let document = message.document_message.as_option();
    if document.is_some_and(captioned) {
        return wa::Message {
            document_with_caption_message: wrapped(message),
            ..Default::default()
        };
    }
    if !media.view_once {
        return message;
    }
    if let Some(image) = message.image_message.as_option_mut() {
        image.view_once = Some(true);
    } else if let Some(video) = message.video_message.as_option_mut() {
        video.view_once = Some(true);
    } else if let Some(audio) = message.audio_message.as_option_mut() {
        audio.view_once = Some(true);
        return wa::Message {
            view_once_message_v2_extension: wrapped(message),
            ..Default::default()
        };
    } else {
        return message;
    }
    wa::Message {
        view_once_message_v2: wrapped(message),
        ..Default::default()
    }
}

fn wrapped(message: wa::Message) -> MessageField<wa::message::FutureProofMessage> {
    MessageField::some(wa::message::FutureProofMessage {
        message: MessageField::some(message),
    })
}

/// A medium as it was sent, with another caption; `None` when `original` is nothing with one.
pub(super) fn recaptioned(original: wa::Message, caption: &str) -> Option<wa::Message> {
    let mut message = original.into_base_message();
    let caption = Some(caption.to_owned());
    if let Some(image) = message.image_message.as_option_mut() {
        image.caption = caption;
        image.context_info.take();
    } else if let Some(video) = message.video_message.as_option_mut() {
        video.caption = caption;
        video.context_info.take();
    } else if let Some(document) = message.document_message.as_option_mut() {
        document.caption = caption;
        document.context_info.take();
    } else {
        return None;
    }
    message.message_context_info.take();
    Some(message)
}

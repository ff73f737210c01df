//! What a phone tells a new companion of the past: packed, sealed and uploaded, and a notice that
//! says where it is.

use miniz_oxide::deflate::compress_to_vec_zlib;
use wacore::download::MediaType;
use wacore::upload::encrypt_media_with_key_and_sidecar;
use waproto::buffa::MessageField;
use waproto::codec::history_sync_to_vec;
use waproto::whatsapp as wa;
use waproto::whatsapp::history_sync::HistorySyncType;
use waproto::whatsapp::message::HistorySyncType as NoticeType;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use super::PhoneError;
use super::media::Sealed;

/// The usual trade of time for size.
const LEVEL: u8 = 6;

/// Packs and seals a part of the past; the key must be used for nothing else.
pub(crate) fn seal(part: &wa::HistorySync, key: [u8; 32]) -> Result<Sealed, PhoneError> {
    let packed = compress_to_vec_zlib(&history_sync_to_vec(part), LEVEL);
    let sealed = encrypt_media_with_key_and_sidecar(
        &packed[..],
        MediaType::History,
        Some(&key),
        Some(false),
    )
    .map_err(|error| PhoneError::Media(error.into()))?;
    Ok(Sealed {
        sha256: sealed.file_sha256,
        enc_sha256: sealed.file_enc_sha256,
        body: sealed.data_to_upload,
        key: sealed.media_key,
        length: packed.len() as u64,
    })
}

/// The peer message that says where a part of the past is.
pub(crate) fn notice(part: &wa::HistorySync, sealed: &Sealed, direct_path: &str) -> wa::Message {
    let kind = match part.sync_type {
        HistorySyncType::RECENT => NoticeType::RECENT,
        HistorySyncType::PUSH_NAME => NoticeType::PUSH_NAME,
        _ => NoticeType::INITIAL_BOOTSTRAP,
    };
    let notice = wa::message::HistorySyncNotification {
        file_sha256: Some(sealed.sha256.to_vec()),
        file_length: Some(sealed.length),
        media_key: Some(sealed.key.to_vec()),
        file_enc_sha256: Some(sealed.enc_sha256.to_vec()),
        direct_path: Some(direct_path.to_owned()),
        sync_type: Some(kind),
        chunk_order: part.chunk_order,
        progress: part.progress,
        ..Default::default()
    };
    wa::Message {
        protocol_message: MessageField::some(wa::message::ProtocolMessage {
            r#type: Some(ProtocolType::HISTORY_SYNC_NOTIFICATION),
            history_sync_notification: MessageField::some(notice),
            ..Default::default()
        }),
        ..Default::default()
    }
}

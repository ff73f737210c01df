//! A companion's request to upload a body again, and the phone's answer.
//!
//! Both are sealed with a key derived from the media key, so the server learns nothing.

use wacore::crypto::hkdf_sha256_into;
use wacore::media_retry::decrypt_media_retry_notification;
use wacore_libsignal::crypto::aes_256_gcm_encrypt;
use waproto::buffa::Message;
use waproto::whatsapp as wa;
use waproto::whatsapp::media_retry_notification::ResultType;

use super::PhoneError;

const MALFORMED: PhoneError = PhoneError::Malformed("the request for media");

/// Whether a request for the body of this message was made by somebody who has its media key.
pub(crate) fn is_genuine(key: &[u8; 32], message_id: &str, iv: &[u8], sealed: &[u8]) -> bool {
    decrypt_media_retry_notification(key, message_id, iv, sealed).is_ok()
}

/// The answer that the body is at this path again.
pub(crate) fn answer(
    key: &[u8; 32],
    message_id: &str,
    direct_path: &str,
    iv: [u8; 12],
) -> Result<Vec<u8>, PhoneError> {
    let told = wa::MediaRetryNotification {
        stanza_id: Some(message_id.to_owned()),
        direct_path: Some(direct_path.to_owned()),
        result: Some(ResultType::SUCCESS),
        ..Default::default()
    };
    let mut derived = [0; 32];
    let info = b"WhatsApp Media Retry Notification";
    hkdf_sha256_into(key, None, info, &mut derived).map_err(|_| MALFORMED)?;
    let mut sealed = Vec::new();
    aes_256_gcm_encrypt(
        &derived,
        &iv,
        message_id.as_bytes(),
        &told.encode_to_vec(),
        &mut sealed,
    )
    .map_err(|_| MALFORMED)?;
    Ok(sealed)
}

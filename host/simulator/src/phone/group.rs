//! Group messages: one ciphertext for all, under a sender key each member got by itself.
//!
//! A sender key belongs to (group, sending device). The phone makes its own when it first
//! distributes it; the server decides who needs it and wraps the distribution pairwise.

use wacore_libsignal::protocol::{
    SenderKeyDistributionMessage, SenderKeyName, create_sender_key_distribution_message,
    group_decrypt, group_encrypt, process_sender_key_distribution_message,
};
use waproto::whatsapp as wa;

use super::{Cipher, CipherKind, DeviceKey, Phone, PhoneError, unpad};

/// Names our own keys; no device can be called so, because theirs contain a colon.
const OWN: &str = "own";

impl Phone {
    /// The message that gives a member this phone's key for the group, as it stands now.
    pub(crate) async fn sender_key_distribution(
        &mut self,
        group: &str,
    ) -> Result<wa::Message, PhoneError> {
        let key = create_sender_key_distribution_message(
            &own_name(group),
            &mut self.sender_keys,
            &mut self.rng,
        )
        .await?;
        Ok(wa::Message {
            sender_key_distribution_message: wa::message::SenderKeyDistributionMessage {
                group_id: Some(group.to_owned()),
                axolotl_sender_key_distribution_message: Some(key.serialized().to_vec()),
            }
            .into(),
            ..Default::default()
        })
    }

    /// Encrypts for everybody who has our key; it must have been distributed before.
    pub(crate) async fn group_encrypt(
        &mut self,
        group: &str,
        message: &wa::Message,
    ) -> Result<Cipher, PhoneError> {
        let plaintext = self.pad(message);
        let sealed = group_encrypt(
            &mut self.sender_keys,
            &own_name(group),
            &plaintext,
            &mut self.rng,
        )
        .await?;
        Ok(Cipher {
            kind: CipherKind::SenderKey,
            bytes: sealed.serialized().to_vec(),
        })
    }

    /// Keeps the sender key a message carries; a message without one is nothing to do.
    ///
    /// The group is the one the stanza came from, not the one written in the message.
    pub(crate) async fn accept_sender_key(
        &mut self,
        group: &str,
        from: &DeviceKey,
        message: &wa::Message,
    ) -> Result<(), PhoneError> {
        let Some(carried) = message.sender_key_distribution_message.as_option() else {
            return Ok(());
        };
        let bytes = carried
            .axolotl_sender_key_distribution_message
            .as_deref()
            .ok_or(PhoneError::Malformed("the sender key distribution"))?;
        let key = SenderKeyDistributionMessage::try_from(bytes)?;
        process_sender_key_distribution_message(
            &member_name(group, from),
            &key,
            &mut self.sender_keys,
        )
        .await?;
        Ok(())
    }

    /// Decrypts a group message of a device whose sender key was accepted.
    pub(crate) async fn group_decrypt(
        &mut self,
        group: &str,
        from: &DeviceKey,
        cipher: &Cipher,
    ) -> Result<wa::Message, PhoneError> {
        if cipher.kind != CipherKind::SenderKey {
            return Err(PhoneError::Malformed("a group ciphertext"));
        }
        let name = member_name(group, from);
        let plaintext = group_decrypt(&cipher.bytes, &mut self.sender_keys, &name).await?;
        unpad(&plaintext)
    }
}

fn own_name(group: &str) -> SenderKeyName {
    SenderKeyName::from_parts(group, OWN)
}

fn member_name(group: &str, from: &DeviceKey) -> SenderKeyName {
    SenderKeyName::new(group.to_owned(), format!("{}:{}", from.user, from.device))
}

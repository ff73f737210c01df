//! Secrets of single messages, needed to read what refers to them (edits, votes, reactions).

use async_trait::async_trait;
use wacore::store::error::Result;
use wacore::store::traits::{
    MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry, merge_msg_secret_message_ts,
};

use super::{Keys, joined, space};

/// A stored secret: 32 bytes, and two times in seconds.
struct Row {
    secret: [u8; 32],
    expires_at: i64,
    message_ts: i64,
}

impl Row {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = bytes.split_first_chunk::<32>()?;
        let (expires_at, rest) = rest.split_first_chunk::<8>()?;
        let (message_ts, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            secret: *secret,
            expires_at: i64::from_be_bytes(*expires_at),
            message_ts: i64::from_be_bytes(*message_ts),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&self.expires_at.to_be_bytes());
        bytes.extend_from_slice(&self.message_ts.to_be_bytes());
        bytes
    }
}

#[async_trait]
impl MsgSecretStore for Keys {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let count = entries.len();
        self.write(move |tx| {
            for entry in &entries {
                let key = key(&entry.chat, &entry.sender, &entry.msg_id);
                let old = tx.get(space::MESSAGE_SECRETS, &key)?;
                let old = old.as_deref().and_then(Row::from_bytes);
                let row = Row {
                    secret: entry.secret,
                    expires_at: old.as_ref().map_or(entry.expires_at, |old| {
                        merge_msg_secret_expiry(old.expires_at, entry.expires_at)
                    }),
                    message_ts: old.as_ref().map_or(entry.message_ts, |old| {
                        merge_msg_secret_message_ts(old.message_ts, entry.message_ts)
                    }),
                };
                // Zero means for ever, to the engine.
                let until = Some(row.expires_at).filter(|at| *at != 0);
                tx.put_until(space::MESSAGE_SECRETS, &key, &row.to_bytes(), until)?;
            }
            Ok(())
        })
        .await?;
        Ok(count)
    }

    async fn get_msg_secret(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<Vec<u8>>> {
        let found = self.get_msg_secret_with_ts(chat, sender, msg_id).await?;
        Ok(found.map(|(secret, _)| secret))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<(Vec<u8>, i64)>> {
        let stored = self
            .get(space::MESSAGE_SECRETS, key(chat, sender, msg_id))
            .await?;
        let row = stored.as_deref().and_then(Row::from_bytes);
        Ok(row.map(|row| (row.secret.to_vec(), row.message_ts)))
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        // The engine means "at or before".
        let cutoff = cutoff_timestamp.saturating_add(1);
        self.write(move |tx| tx.delete_before(space::MESSAGE_SECRETS, cutoff))
            .await
    }
}

fn key(chat: &str, sender: &str, msg_id: &str) -> Vec<u8> {
    joined(&[chat.as_bytes(), sender.as_bytes(), msg_id.as_bytes()])
}

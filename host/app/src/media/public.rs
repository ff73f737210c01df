//! Public names of the media that messages carry, for whoever is told them: receivers of webhooks,
//! mostly.
//!
//! A name holds the message's id and a code that only this host can make, so it costs no row and no
//! look at the database, and cannot be guessed. Nothing has such a name, and nothing is served
//! under one, unless the operator switches that on.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use warbler_domain::{Content, MessageId, Random};
use warbler_store::{Error as StoreError, Store};

/// The name of the secret among those of the host.
const SECRET: &str = "media-names";
/// Bytes of the code.
const CODE: usize = 20;
/// Bytes of a message's id.
const ID: usize = 16;

/// What makes and reads the names.
pub(crate) struct PublicNames {
    /// Nothing when media have no public names.
    codes: Option<Hmac<Sha256>>,
}

impl PublicNames {
    /// Reads the secret, or makes it.
    pub(crate) async fn open(store: &Store, random: &Random, on: bool) -> Result<Self, StoreError> {
        if !on {
            return Ok(Self { codes: None });
        }
        let secret = crate::access::host_secret(store, random, SECRET).await?;
        Ok(Self::new(&secret))
    }

    fn new(secret: &[u8]) -> Self {
        // A key of any length is good.
        let codes = Hmac::new_from_slice(secret).ok();
        Self { codes }
    }

    /// The content of a message, its medium with a public name if it is to have one. What is shown
    /// once only has none.
    pub(crate) fn named(&self, id: MessageId, mut content: Content) -> Content {
        if let Content::Media(media) = &mut content {
            media.public_name = match media.view_once {
                true => None,
                false => self.name_of(id),
            };
        }
        content
    }

    fn name_of(&self, id: MessageId) -> Option<String> {
        let mut codes = self.codes.clone()?;
        codes.update(id.as_bytes());
        let code = codes.finalize().into_bytes();
        let mut name = id.as_bytes().to_vec();
        name.extend(code.iter().take(CODE));
        Some(data_encoding::BASE32_NOPAD.encode(&name).to_lowercase())
    }

    /// The message whose medium has this name.
    pub(super) fn message_of(&self, name: &str) -> Option<MessageId> {
        let mut codes = self.codes.clone()?;
        let bytes = data_encoding::BASE32_NOPAD
            .decode(name.to_uppercase().as_bytes())
            .ok()?;
        let (id, code) = bytes.split_at_checked(ID)?;
        codes.update(id);
        if code.len() != CODE || codes.verify_truncated_left(code).is_err() {
            return None;
        }
        id.try_into().ok().map(MessageId::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use warbler_domain::Timestamp;

    use super::*;

    #[test]
    fn a_name_leads_to_its_message_and_only_a_name_of_this_host_does() -> anyhow::Result<()> {
        let names = PublicNames::new(&[1; 32]);
        let id = MessageId::new(Timestamp::from_millis(1), &Random::seeded(3));
        let name = names.name_of(id).unwrap_or_default();
        assert_eq!(name.len(), 58);
        assert_eq!(names.message_of(&name), Some(id));
        let other = PublicNames::new(&[2; 32]).name_of(id).unwrap_or_default();
        let cut = name.get(..50).unwrap_or_default();
        for wrong in ["", "a", cut, &other, &name.replace(['a', 'b', 'c'], "d")] {
            assert_eq!(names.message_of(wrong), None, "{wrong}");
        }
        let off = PublicNames { codes: None };
        assert_eq!((off.name_of(id), off.message_of(&name)), (None, None));
        Ok(())
    }
}

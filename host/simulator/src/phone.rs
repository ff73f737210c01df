//! The phone of an account: device 0, with real keys and without a socket.
//!
//! Every simulated account owns one. It is the account's primary device: it holds the identity
//! that signs companions (ADV), takes part in Signal sessions like any device, and makes the
//! app-state key its companions share. The server feeds it ciphertexts and hands out what it
//! produces, so a contact's message takes the same way as a companion's.
//!
//! Sessions are kept by (account, device), never by the text of a JID, so whether a peer writes
//! as phone number or LID does not matter here. Two differences to a real phone: it trusts
//! whatever identity a peer brings (nobody could compare safety numbers), and it never answers
//! by itself.
//!
//! Invariants: everything follows from the seed and the calls made, so runs repeat; no async
//! function waits for anything but its own computation; whatever a peer can make grow is bounded
//! and refused with [`PhoneError::Full`].

pub(crate) mod app_state;
pub(crate) mod content;
mod error;
pub(crate) mod history;
pub(crate) mod linking;
pub(crate) mod media;
pub(crate) mod passkey;
pub(crate) mod poll;
pub(crate) mod reupload;

mod adv;
mod group;
mod stores;

#[cfg(test)]
mod tests;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wacore::messages::decode_plaintext;
use wacore_libsignal::protocol::{
    CiphertextMessage, DeviceId, IdentityKeyPair, PreKeyBundle, PreKeySignalMessage,
    ProtocolAddress, PublicKey, SignalMessage, UsePQRatchet, message_decrypt, message_encrypt,
    process_prekey_bundle,
};
use waproto::whatsapp as wa;

use adv::Account;
pub(crate) use error::PhoneError;
use stores::{OwnIdentity, PreKeys, SenderKeys, Sessions, SignedPreKey};

/// The padding every plaintext carries: 1 to 16 bytes that name their number.
const PADDING_VERSION: u8 = 2;

/// One device of one account, however its JID was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DeviceKey {
    /// The digits of the account's phone number.
    pub user: String,
    pub device: u16,
}

impl DeviceKey {
    fn address(&self) -> ProtocolAddress {
        ProtocolAddress::new(&self.user, DeviceId::new(u32::from(self.device)))
    }
}

/// What a peer needs to open a session; the one-time prekey is used up by being handed out.
#[derive(Debug, Clone)]
pub(crate) struct PublicBundle {
    pub registration_id: u32,
    pub identity: [u8; 32],
    pub signed_prekey_id: u32,
    pub signed_prekey: [u8; 32],
    pub signed_prekey_signature: [u8; 64],
    pub prekey: Option<(u32, [u8; 32])>,
}

/// Which of the three ciphertexts an `<enc>` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CipherKind {
    /// Opens a session and carries the first message.
    PreKey,
    /// Belongs to an open session.
    Whisper,
    /// Belongs to a group's sender key.
    SenderKey,
}

impl CipherKind {
    /// The value of `<enc type>`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            CipherKind::PreKey => "pkmsg",
            CipherKind::Whisper => "msg",
            CipherKind::SenderKey => "skmsg",
        }
    }

    /// The reverse of [`CipherKind::as_str`]; `None` for a type this phone cannot read.
    pub(crate) fn parse(text: &str) -> Option<CipherKind> {
        match text {
            "pkmsg" => Some(CipherKind::PreKey),
            "msg" => Some(CipherKind::Whisper),
            "skmsg" => Some(CipherKind::SenderKey),
            _ => None,
        }
    }
}

/// The content of one `<enc>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cipher {
    pub kind: CipherKind,
    pub bytes: Vec<u8>,
}

/// Signal and ADV state of a primary device.
pub(crate) struct Phone {
    rng: StdRng,
    own: OwnIdentity,
    account: Account,
    signed_prekey: SignedPreKey,
    prekeys: PreKeys,
    sessions: Sessions,
    sender_keys: SenderKeys,
}

impl Phone {
    /// A phone fresh from the box; the same seed makes the same keys.
    pub(crate) fn new(seed: u64) -> Phone {
        let mut rng = StdRng::seed_from_u64(seed);
        let pair = IdentityKeyPair::generate(&mut rng);
        let registration_id = rng.random_range(1..=0x3FFC);
        let signed_prekey = SignedPreKey::generate(&pair, &mut rng);
        Phone {
            account: Account::generate(&mut rng),
            own: OwnIdentity::new(pair, registration_id),
            signed_prekey,
            prekeys: PreKeys::default(),
            sessions: Sessions::default(),
            sender_keys: SenderKeys::default(),
            rng,
        }
    }

    /// The keys for one peer to open a session with, with a one-time prekey of its own.
    ///
    /// Prekeys are made twenty at a time. Only when very many were handed out and never used is
    /// there none; a session opens without it all the same.
    pub(crate) fn bundle(&mut self) -> PublicBundle {
        PublicBundle {
            registration_id: self.own.registration_id(),
            identity: self.identity_public(),
            signed_prekey_id: self.signed_prekey.id(),
            signed_prekey: self.signed_prekey.public(),
            signed_prekey_signature: self.signed_prekey.signature(),
            prekey: self.prekeys.hand_out(&mut self.rng),
        }
    }

    pub(crate) fn identity_public(&self) -> [u8; 32] {
        self.own.public()
    }

    pub(crate) fn registration_id(&self) -> u32 {
        self.own.registration_id()
    }

    /// The number that marks this installation of the account in everything ADV signs.
    pub(crate) fn raw_id(&self) -> u32 {
        self.account.raw_id()
    }

    pub(crate) fn has_session(&self, to: &DeviceKey) -> bool {
        self.sessions.contains(&to.address())
    }

    /// Drops the session, so that the next message opens a new one.
    pub(crate) fn forget_session(&mut self, with: &DeviceKey) {
        self.sessions.forget(&with.address());
    }

    /// Starts a session from a bundle; the first messages are then [`CipherKind::PreKey`].
    pub(crate) async fn open_session(
        &mut self,
        to: &DeviceKey,
        bundle: &PublicBundle,
    ) -> Result<(), PhoneError> {
        let address = to.address();
        let bundle = PreKeyBundle::new(
            bundle.registration_id,
            address.device_id(),
            match &bundle.prekey {
                Some((id, key)) => Some(((*id).into(), public_key(key)?)),
                None => None,
            },
            bundle.signed_prekey_id.into(),
            public_key(&bundle.signed_prekey)?,
            bundle.signed_prekey_signature.to_vec(),
            public_key(&bundle.identity)?.into(),
        )?;
        process_prekey_bundle(
            &address,
            &mut self.sessions,
            &mut self.own,
            &bundle,
            &mut self.rng,
            UsePQRatchet::No,
        )
        .await?;
        Ok(())
    }

    /// Encrypts for one device, with which a session must be open.
    pub(crate) async fn encrypt(
        &mut self,
        to: &DeviceKey,
        message: &wa::Message,
    ) -> Result<Cipher, PhoneError> {
        let plaintext = self.pad(message);
        let sealed =
            message_encrypt(&plaintext, &to.address(), &mut self.sessions, &mut self.own).await?;
        let kind = match &sealed {
            CiphertextMessage::PreKeySignalMessage(_) => CipherKind::PreKey,
            CiphertextMessage::SignalMessage(_) => CipherKind::Whisper,
            _ => return Err(PhoneError::Malformed("the ciphertext just made")),
        };
        Ok(Cipher {
            kind,
            bytes: sealed.serialize().to_vec(),
        })
    }

    /// Decrypts what a device sent to this phone alone; opens the session if it is new.
    pub(crate) async fn decrypt(
        &mut self,
        from: &DeviceKey,
        cipher: &Cipher,
    ) -> Result<wa::Message, PhoneError> {
        let bytes = cipher.bytes.as_slice();
        let sealed = match cipher.kind {
            CipherKind::PreKey => {
                CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(bytes)?)
            }
            CipherKind::Whisper => {
                CiphertextMessage::SignalMessage(SignalMessage::try_from(bytes)?)
            }
            CipherKind::SenderKey => return Err(PhoneError::Malformed("a pairwise ciphertext")),
        };
        let opened = message_decrypt(
            &sealed,
            &from.address(),
            &mut self.sessions,
            &mut self.own,
            &mut self.prekeys,
            &self.signed_prekey,
            &mut self.rng,
            UsePQRatchet::No,
        )
        .await?;
        if let Some(id) = opened.consumed_prekey_id {
            self.prekeys.consume(id);
        }
        unpad(&opened.plaintext)
    }

    /// Encodes and pads with our own randomness, so that a run can be repeated byte for byte.
    fn pad(&mut self, message: &wa::Message) -> Vec<u8> {
        let padding: u8 = self.rng.random_range(1..=16);
        let mut plaintext = waproto::codec::message_to_vec(message);
        plaintext.resize(plaintext.len() + usize::from(padding), padding);
        plaintext
    }
}

fn unpad(plaintext: &[u8]) -> Result<wa::Message, PhoneError> {
    decode_plaintext(plaintext, PADDING_VERSION).map_err(|_| PhoneError::Malformed("the plaintext"))
}

fn public_key(bytes: &[u8]) -> Result<PublicKey, PhoneError> {
    PublicKey::from_djb_public_key_bytes(bytes).map_err(|_| PhoneError::Malformed("a public key"))
}

/// The 32 bytes of a public key as they stand in stanzas, without the type byte.
fn raw_public(key: &PublicKey) -> [u8; 32] {
    let mut raw = [0; 32];
    raw.copy_from_slice(key.public_key_bytes());
    raw
}

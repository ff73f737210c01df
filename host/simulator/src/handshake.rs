//! The Noise handshake, answered: XX, IK and XXfallback.
//!
//! A first connection runs XX. A client that has cached our certificate chain opens with IK; if
//! that cannot be accepted the answer is XXfallback, which goes on from the ephemeral key the client
//! has already sent. The chain is signed properly, by a root of our own, so that a client whose
//! root can be configured is able to verify it.
//!
//! Invariant: nothing a client sends here is trusted before the last decryption has succeeded.

use rand::CryptoRng;
use wacore_binary::consts::{
    NOISE_PATTERN_IK, NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK, WA_CONN_HEADER,
};
use wacore_libsignal::protocol::{CurveError, KeyPair};
use wacore_noise::{HandshakeError, NoiseCipher, NoiseHandshake};
use waproto::buffa::{DecodeError, Message as _, MessageField};
use waproto::whatsapp::{self as wa, ClientPayload, HandshakeMessage};

/// Why a client did not get through the handshake.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the handshake message lacks {0}")]
    Missing(&'static str),
    #[error("the handshake message cannot be read")]
    Unreadable(#[from] DecodeError),
    #[error("the handshake failed")]
    Noise(#[from] HandshakeError),
}

/// The server's long-lived keys and its certificate chain.
pub(crate) struct ServerIdentity {
    key: KeyPair,
    root: [u8; 32],
    chain: Vec<u8>,
}

impl ServerIdentity {
    /// Makes new keys and a chain that holds for a year around `now`.
    pub(crate) fn generate<R: CryptoRng>(rng: &mut R, now: u64) -> Result<Self, CurveError> {
        let root = KeyPair::generate(rng);
        let intermediate = KeyPair::generate(rng);
        let key = KeyPair::generate(rng);
        let certified = |serial, issuer, subject: &KeyPair, signer: &KeyPair, rng: &mut R| {
            let details = wa::cert_chain::noise_certificate::Details {
                serial: Some(serial),
                issuer_serial: Some(issuer),
                key: Some(subject.public_key.public_key_bytes().to_vec()),
                not_before: Some(now.saturating_sub(86_400)),
                not_after: Some(now + 365 * 86_400),
            }
            .encode_to_vec();
            let signature = signer.calculate_signature(&details, rng)?;
            Ok::<_, CurveError>(wa::cert_chain::NoiseCertificate {
                details: Some(details),
                signature: Some(signature.to_vec()),
            })
        };
        let chain = wa::CertChain {
            intermediate: MessageField::some(certified(1, 0, &intermediate, &root, rng)?),
            leaf: MessageField::some(certified(2, 1, &key, &intermediate, rng)?),
        };
        Ok(Self {
            root: public(&root),
            chain: chain.encode_to_vec(),
            key,
        })
    }

    /// The key that signed the chain, for clients that can be told a root.
    pub(crate) fn root(&self) -> [u8; 32] {
        self.root
    }
}

/// What a finished handshake leaves.
pub(crate) struct Greeted {
    pub(crate) client_static: [u8; 32],
    pub(crate) payload: Box<ClientPayload>,
    /// Opens what the client sends.
    pub(crate) incoming: NoiseCipher,
    /// Seals what the server sends.
    pub(crate) outgoing: NoiseCipher,
}

/// The outcome of the first message: finished, or one more round.
pub(crate) enum Opened {
    Finished { answer: Vec<u8>, greeted: Greeted },
    Waiting { answer: Vec<u8>, pending: Pending },
}

/// XX or XXfallback between its second and third message.
pub(crate) struct Pending {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
}

/// Answers the client's first message. With `refuse_ik` an IK opening is declined on purpose.
pub(crate) fn open<R: CryptoRng>(
    identity: &ServerIdentity,
    first: &[u8],
    refuse_ik: bool,
    rng: &mut R,
) -> Result<Opened, Refused> {
    let hello = HandshakeMessage::decode_from_slice(first)?
        .client_hello
        .into_option()
        .ok_or(Refused::Missing("clientHello"))?;
    let theirs: [u8; 32] = key_of(hello.ephemeral)?;
    let (Some(sealed_static), Some(sealed_payload)) = (hello.r#static, hello.payload) else {
        return answer_xx(identity, NOISE_PATTERN_XX, &theirs, rng);
    };
    if !refuse_ik {
        match answer_ik(identity, &theirs, &sealed_static, &sealed_payload, rng) {
            Ok(opened) => return Ok(opened),
            Err(error) => tracing::debug!(%error, "An IK opening falls back to XX"),
        }
    }
    answer_xx(identity, NOISE_PATTERN_XXFALLBACK, &theirs, rng)
}

fn answer_xx<R: CryptoRng>(
    identity: &ServerIdentity,
    pattern: &str,
    theirs: &[u8; 32],
    rng: &mut R,
) -> Result<Opened, Refused> {
    let mut noise = NoiseHandshake::new(pattern, &WA_CONN_HEADER)?;
    noise.authenticate(theirs);
    let ephemeral = KeyPair::generate(rng);
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), theirs)?;
    let sealed_static = noise.encrypt(identity.key.public_key.public_key_bytes())?;
    noise.mix_shared_secret(identity.key.private_key.serialize(), theirs)?;
    let sealed_chain = noise.encrypt(&identity.chain)?;
    let answer = server_hello(&ephemeral, Some(sealed_static), sealed_chain);
    Ok(Opened::Waiting {
        answer,
        pending: Pending { noise, ephemeral },
    })
}

fn answer_ik<R: CryptoRng>(
    identity: &ServerIdentity,
    theirs: &[u8; 32],
    sealed_static: &[u8],
    sealed_payload: &[u8],
    rng: &mut R,
) -> Result<Opened, Refused> {
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, &WA_CONN_HEADER)?;
    noise.authenticate(identity.key.public_key.public_key_bytes());
    noise.authenticate(theirs);
    noise.mix_shared_secret(identity.key.private_key.serialize(), theirs)?;
    let client_static: [u8; 32] = key_of(Some(noise.decrypt(sealed_static)?))?;
    noise.mix_shared_secret(identity.key.private_key.serialize(), &client_static)?;
    let payload = ClientPayload::decode_from_slice(&noise.decrypt(sealed_payload)?)?;

    let ephemeral = KeyPair::generate(rng);
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), theirs)?;
    noise.mix_shared_secret(ephemeral.private_key.serialize(), &client_static)?;
    let sealed_chain = noise.encrypt(&identity.chain)?;
    let answer = server_hello(&ephemeral, None, sealed_chain);
    Ok(Opened::Finished {
        answer,
        greeted: greeted(noise, client_static, payload)?,
    })
}

impl Pending {
    /// Reads the client's last message.
    pub(crate) fn finish(mut self, last: &[u8]) -> Result<Greeted, Refused> {
        let finish = HandshakeMessage::decode_from_slice(last)?
            .client_finish
            .into_option()
            .ok_or(Refused::Missing("clientFinish"))?;
        let sealed = finish.r#static.ok_or(Refused::Missing("static"))?;
        let client_static: [u8; 32] = key_of(Some(self.noise.decrypt(&sealed)?))?;
        self.noise
            .mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let sealed = finish.payload.ok_or(Refused::Missing("payload"))?;
        let payload = ClientPayload::decode_from_slice(&self.noise.decrypt(&sealed)?)?;
        greeted(self.noise, client_static, payload)
    }
}

fn greeted(
    noise: NoiseHandshake,
    client_static: [u8; 32],
    payload: ClientPayload,
) -> Result<Greeted, Refused> {
    // The first half belongs to the initiator's writing side, which is our reading side.
    let (incoming, outgoing) = noise.finish()?;
    Ok(Greeted {
        client_static,
        payload: Box::new(payload),
        incoming,
        outgoing,
    })
}

fn server_hello(ephemeral: &KeyPair, sealed_static: Option<Vec<u8>>, payload: Vec<u8>) -> Vec<u8> {
    HandshakeMessage {
        server_hello: MessageField::some(wa::handshake_message::ServerHello {
            ephemeral: Some(ephemeral.public_key.public_key_bytes().to_vec()),
            r#static: sealed_static,
            payload: Some(payload),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec()
}

fn key_of(bytes: Option<Vec<u8>>) -> Result<[u8; 32], Refused> {
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Refused::Missing("a key of 32 bytes"))
}

fn public(pair: &KeyPair) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(pair.public_key.public_key_bytes());
    key
}

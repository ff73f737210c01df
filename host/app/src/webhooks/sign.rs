//! Signatures of deliveries, after the Standard Webhooks specification 1.0: HMAC with SHA-256 over
//! the id, the time and the body, so that none of them can be changed or said again later.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use warbler_domain::{DeliveryId, Random, Secret, Timestamp};

/// How secrets begin.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret that is made here.
const BYTES: usize = 32;
/// How many bytes a secret may have.
const ALLOWED: std::ops::RangeInclusive<usize> = 24..=64;

/// Longest secret of a form of another API, in bytes.
const LONGEST_PLAIN: usize = 256;

const PLAIN_ID: HeaderName = HeaderName::from_static("x-webhook-id");
const PLAIN_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIME: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A new secret.
pub(super) fn new_secret(random: &Random) -> Secret {
    let mut bytes = [0u8; BYTES];
    random.fill(&mut bytes);
    Secret::new(format!("{PREFIX}{}", BASE64.encode(&bytes)))
}

/// Whether a text can be a secret.
pub(super) fn is_secret(secret: &Secret) -> bool {
    key(secret).is_some_and(|key| ALLOWED.contains(&key.len()))
}

/// Whether a text can be the secret of a form of another API: any that can be seen.
pub(super) fn is_plain_secret(secret: &Secret) -> bool {
    let text = secret.expose();
    (1..=LONGEST_PLAIN).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Adds the headers by which receivers of other APIs recognise a body: its HMAC alone, under the
/// secret as its bytes.
pub(super) fn sign_plainly(headers: &mut HeaderMap, secret: &Secret, id: DeliveryId, body: &[u8]) {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return;
    };
    mac.update(body);
    let signature = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
    for (name, value) in [
        (PLAIN_ID, id.to_string()),
        (PLAIN_SIGNATURE, format!("sha256={signature}")),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Whether a body was signed plainly with this secret: `sha256=` and its HMAC in hexadecimal. How
/// long it takes says nothing about the secret.
pub(super) fn is_plainly_signed(secret: &Secret, signature: &str, body: &[u8]) -> bool {
    let shown = signature.trim().strip_prefix("sha256=");
    let shown = shown.and_then(|hex| {
        data_encoding::HEXLOWER_PERMISSIVE
            .decode(hex.as_bytes())
            .ok()
    });
    let (Some(shown), Ok(mut mac)) = (
        shown,
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()),
    ) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&shown).is_ok()
}

/// Adds the headers that say who sends this, and when.
pub(super) fn sign(
    headers: &mut HeaderMap,
    secret: &Secret,
    id: DeliveryId,
    now: Timestamp,
    body: &[u8],
) {
    let (id, time) = (id.to_string(), now.as_millis().div_euclid(1000).to_string());
    let signature = signature(secret, &id, &time, body);
    for (name, value) in [(ID, id), (TIME, time), (SIGNATURE, signature)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

fn signature(secret: &Secret, id: &str, time: &str, body: &[u8]) -> String {
    let key = key(secret).unwrap_or_else(|| secret.expose().as_bytes().to_vec());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
}

fn key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose().strip_prefix(PREFIX)?;
    BASE64.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_as_the_specification_shows() {
        // The specification's own example.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_plain_signature_is_good_for_its_body_and_secret_only() {
        let (secret, id) = (
            Secret::new("my-secret-key"),
            DeliveryId::from_bytes([1; 16]),
        );
        let mut headers = HeaderMap::new();
        sign_plainly(&mut headers, &secret, id, b"hello");
        let signature = headers.get(PLAIN_SIGNATURE).map(|value| value.as_bytes());
        let signature = String::from_utf8_lossy(signature.unwrap_or_default()).into_owned();
        assert!(is_plainly_signed(&secret, &signature, b"hello"));
        assert!(!is_plainly_signed(&secret, &signature, b"hello!"));
        assert!(!is_plainly_signed(
            &Secret::new("other"),
            &signature,
            b"hello"
        ));
        for wrong in ["", "sha256=", "sha256=00", "md5=00", "sha256=zz"] {
            assert!(!is_plainly_signed(&secret, wrong, b"hello"), "{wrong}");
        }
    }

    #[test]
    fn secrets_made_here_are_good_and_short_ones_are_not() {
        assert!(is_secret(&new_secret(&Random::seeded(1))));
        for bad in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert!(!is_secret(&Secret::new(bad)), "{bad}");
        }
    }
}

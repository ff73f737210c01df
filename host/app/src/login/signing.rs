//! The tokens of logins: JWTs, signed with a secret that only this host has.
//!
//! A token says who and by which login; whether that login still holds is asked of the database.
//! The one algorithm is HMAC with SHA-256, given to the JWT library here, so that no other is
//! linked or could be chosen by a token.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};
use warbler_domain::{Dialect, LoginId, Random, Realm, Secret, Timestamp, UserId};
use warbler_store::Store;

/// Who makes the tokens, and for whom: the tokens of a dialect are for that dialect only.
const ISSUER: &str = "warbler";
/// The name of the secret among those of the host.
const SECRET: &str = "login-signing";

/// What makes and reads tokens.
pub(crate) struct Signing {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) user: UserId,
    pub(crate) login: LoginId,
    pub(crate) realm: Realm,
    pub(crate) expires_at: Timestamp,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It is not one of this host.
    NotOurs,
    /// It was one.
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

impl Signing {
    /// Reads the secret, or makes it.
    pub(crate) async fn open(store: &Store, random: &Random) -> Result<Self, warbler_store::Error> {
        let secret = crate::access::host_secret(store, random, SECRET).await?;
        Ok(Self::new(&secret))
    }

    fn new(secret: &[u8]) -> Self {
        if HS256_ONLY.install_default().is_err() {
            tracing::trace!("Another host of this process has brought the algorithm already");
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        let dialects = Dialect::ALL.into_iter().map(Realm::from);
        let audiences: Vec<_> = dialects.chain([Realm::Native]).map(audience).collect();
        validation.set_audience(&audiences);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Time comes from the clock, below.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        }
    }

    /// A token for a login, good for `lifetime` from `now`.
    pub(crate) fn write(
        &self,
        user: UserId,
        login: LoginId,
        realm: Realm,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Secret, JwtError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience(realm),
            sub: user.to_string(),
            sid: login.to_string(),
            iat: now.as_millis() / 1000,
            exp: now.plus(lifetime).as_millis() / 1000,
        };
        let header = Header::new(Algorithm::HS256);
        jsonwebtoken::encode(&header, &claims, &self.encoding).map(Secret::new)
    }

    /// What a token says, if this host made it and its time is not over.
    pub(crate) fn read(&self, text: &Secret, now: Timestamp) -> Result<Token, TokenError> {
        let text = text.expose();
        if text.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(TokenError::NotOurs);
        }
        let read = jsonwebtoken::decode::<Claims>(text, &self.decoding, &self.validation);
        let claims = read.map_err(|_| TokenError::NotOurs)?.claims;
        let expires_at = Timestamp::from_millis(claims.exp.saturating_mul(1000));
        let (user, login) = (claims.sub.parse(), claims.sid.parse());
        let (Ok(user), Ok(login), Some(realm)) = (user, login, realm_of(&claims.aud)) else {
            return Err(TokenError::NotOurs);
        };
        if expires_at <= now {
            return Err(TokenError::Expired);
        }
        Ok(Token {
            user,
            login,
            realm,
            expires_at,
        })
    }
}

fn audience(realm: Realm) -> String {
    match realm {
        Realm::Native => ISSUER.to_owned(),
        Realm::Dialect(dialect) => format!("{ISSUER}/{dialect}"),
    }
}

fn realm_of(audience: &str) -> Option<Realm> {
    match audience.strip_prefix(ISSUER)? {
        "" => Some(Realm::Native),
        dialect => dialect.strip_prefix('/')?.parse().ok().map(Realm::Dialect),
    }
}

/// All the cryptography tokens need.
static HS256_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        let secret = key.try_get_hmac_secret()?;
        Ok(Box::new(Hs256::new(*algorithm, secret)?))
    },
    verifier_factory: |algorithm, key| {
        let secret = key.try_get_hmac_secret()?;
        Ok(Box::new(Hs256::new(*algorithm, secret)?))
    },
    jwk_utils: JwkUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, secret: &[u8]) -> Result<Self, JwtError> {
        if algorithm != Algorithm::HS256 {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        let keyed = Hmac::new_from_slice(secret);
        keyed
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signed = self.0.clone().chain_update(message).finalize();
        Ok(signed.into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    /// Compares in constant time.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let signed = self.0.clone().chain_update(message);
        signed
            .verify_slice(signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const QUARTER: Duration = Duration::from_secs(900);

    fn token(signing: &Signing) -> anyhow::Result<(Secret, UserId, LoginId)> {
        let random = Random::seeded(5);
        let (user, login) = (UserId::new(NOW, &random), LoginId::new(NOW, &random));
        let text = signing.write(user, login, Realm::Native, NOW, QUARTER)?;
        Ok((text, user, login))
    }

    #[test]
    fn a_token_says_who_until_its_time_is_over() -> anyhow::Result<()> {
        let signing = Signing::new(&[1; 32]);
        let (text, user, login) = token(&signing)?;
        let expires_at = NOW.plus(QUARTER);
        let expected = Token {
            user,
            login,
            realm: Realm::Native,
            expires_at,
        };
        assert_eq!(signing.read(&text, NOW), Ok(expected));
        assert_eq!(signing.read(&text, expires_at), Err(TokenError::Expired));
        Ok(())
    }

    #[test]
    fn a_token_says_for_which_api_it_is() -> anyhow::Result<()> {
        let signing = Signing::new(&[1; 32]);
        let (_, user, login) = token(&signing)?;
        for dialect in Dialect::ALL {
            let text = signing.write(user, login, dialect.into(), NOW, QUARTER)?;
            let read = signing.read(&text, NOW).map(|token| token.realm);
            assert_eq!(read, Ok(Realm::Dialect(dialect)));
        }
        Ok(())
    }

    #[test]
    fn a_token_of_another_host_or_algorithm_is_not_ours() -> anyhow::Result<()> {
        let signing = Signing::new(&[1; 32]);
        let (text, ..) = token(&Signing::new(&[2; 32]))?;
        assert_eq!(signing.read(&text, NOW), Err(TokenError::NotOurs));
        let (text, ..) = token(&signing)?;
        let claims = text.expose().split('.').nth(1).unwrap_or_default();
        for algorithm in ["none", "HS512", "RS256"] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
            let header = BASE64URL_NOPAD.encode(header.as_bytes());
            for signature in ["", "AAAA"] {
                let forged = Secret::new(format!("{header}.{claims}.{signature}"));
                assert_eq!(
                    signing.read(&forged, NOW),
                    Err(TokenError::NotOurs),
                    "{algorithm}"
                );
            }
        }
        Ok(())
    }
}

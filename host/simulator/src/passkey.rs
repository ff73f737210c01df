//! Linking that a passkey must allow: the server's challenge, and who answers it.
//!
//! The server asks the client that is to be linked for a WebAuthn assertion by a passkey of the
//! account, and checks it as a relying party does. What follows it only carries, between the client
//! and the phone. The passkey itself is kept here too, for the owner, who signs with it in a browser.
//!
//! Invariant: a client's prologue reaches the phone only behind an assertion that holds.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::{CurveError, KeyPair};

use crate::hub::Hub;
use crate::person::PersonError;
use crate::stanza::{Reading, SERVER, child_array, child_bytes, leaf, refusal, result};
use crate::state::State;
use crate::state::account::AccountId;
use crate::state::connection::ConnectionId;

/// The site passkeys of accounts are for.
const SITE: &str = "web.whatsapp.com";
/// Somebody was there, and the authenticator knows who.
const PRESENT_AND_VERIFIED: u8 = 0b101;
/// How many messages of a client wait for the phone.
const STEPS: usize = 4;

/// A passkey of an account, in its owner's authenticator.
#[derive(Clone)]
pub(crate) struct Passkey {
    pair: KeyPair,
    credential: [u8; 16],
}

/// What the server has asked a client for.
pub(crate) struct Demand {
    challenge: String,
    options: String,
    passkey: Passkey,
    /// The reference the client has been given for the exchange.
    reference: Option<String>,
    steps: mpsc::Sender<Step>,
}

/// A client's message to the phone.
#[derive(Debug)]
pub(crate) enum Step {
    Prologue { payload: Vec<u8>, reference: String },
    Nonce([u8; 32]),
    Request(Vec<u8>),
}

impl Passkey {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        Self {
            pair: KeyPair::generate(&mut rng),
            credential: rng.random(),
        }
    }

    /// Signs a challenge, as the owner's browser would for a page of this origin.
    pub(crate) fn sign(&self, options: &str, origin: &str, seed: u64) -> Result<Value, CurveError> {
        let asked: Value = serde_json::from_str(options).unwrap_or_default();
        let client = json!({
            "type": "webauthn.get",
            "challenge": asked["challenge"],
            "origin": origin,
            "crossOrigin": false,
        })
        .to_string();
        let site = asked["rpId"].as_str().unwrap_or(SITE);
        let mut seen = Sha256::digest(site.as_bytes()).to_vec();
        seen.push(PRESENT_AND_VERIFIED);
        seen.extend(1u32.to_be_bytes());
        let signed = [&seen[..], &Sha256::digest(client.as_bytes())].concat();
        let mut rng = StdRng::seed_from_u64(seed);
        let signature = self.pair.calculate_signature(&signed, &mut rng)?;
        let id = BASE64URL_NOPAD.encode(&self.credential);
        Ok(json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(client.as_bytes()),
                "authenticatorData": BASE64URL_NOPAD.encode(&seen),
                "signature": BASE64URL_NOPAD.encode(&signature),
                "userHandle": null,
            },
        }))
    }

    /// Whether an assertion is this passkey's, for this challenge.
    fn verifies(&self, assertion: &Value, challenge: &str) -> bool {
        let part = |name: &str| {
            let text = assertion["response"][name].as_str()?;
            BASE64URL_NOPAD.decode(text.as_bytes()).ok()
        };
        let (Some(client), Some(seen), Some(signature)) = (
            part("clientDataJSON"),
            part("authenticatorData"),
            part("signature"),
        ) else {
            return false;
        };
        let told: Value = serde_json::from_slice(&client).unwrap_or_default();
        let about = told["challenge"] == challenge
            && told["type"] == "webauthn.get"
            && told["origin"] == format!("https://{SITE}");
        let site = seen.starts_with(&Sha256::digest(SITE.as_bytes()))
            && seen
                .get(32)
                .is_some_and(|flags| flags & PRESENT_AND_VERIFIED == PRESENT_AND_VERIFIED);
        let signed = [&seen[..], &Sha256::digest(&client)].concat();
        about && site && self.pair.public_key.verify_signature(&signed, &signature)
    }
}

/// Asks the client behind a connection for an assertion. What it answers comes through the channel.
pub(crate) fn demand(
    hub: &Arc<Hub>,
    state: &mut State,
    id: ConnectionId,
    account: AccountId,
) -> Result<mpsc::Receiver<Step>, PersonError> {
    let passkey = state
        .account(account)
        .and_then(|account| account.passkey.clone())
        .ok_or(PersonError::NoPasskey)?;
    let mut challenge = [0u8; 32];
    state.rng.fill_bytes(&mut challenge);
    let challenge = BASE64URL_NOPAD.encode(&challenge);
    let options = json!({
        "challenge": challenge,
        "timeout": 60_000,
        "rpId": SITE,
        "allowCredentials": [{
            "type": "public-key",
            "id": BASE64URL_NOPAD.encode(&passkey.credential),
        }],
        "userVerification": "required",
    })
    .to_string();
    let (steps, waiting) = mpsc::channel(STEPS);
    let pairing = state.pairings.get_mut(&id).ok_or(PersonError::CodeGone)?;
    pairing.passkey = Some(Demand {
        challenge,
        options: options.clone(),
        passkey,
        reference: None,
        steps,
    });
    let asked = leaf("passkey_request_options", options);
    notify(hub, state, id, "passkey_prologue_request", asked);
    Ok(waiting)
}

/// Hands the phone's answer to the client.
pub(crate) fn goes_on(hub: &Arc<Hub>, state: &mut State, id: ConnectionId, identity: Vec<u8>) {
    let child = leaf("primary_ephemeral_identity", identity);
    notify(hub, state, id, "crsc_continuation", child);
}

fn notify(hub: &Arc<Hub>, state: &mut State, id: ConnectionId, kind: &'static str, child: Node) {
    let node = NodeBuilder::new("notification")
        .attr("from", SERVER)
        .attr("type", kind)
        .attr("id", state.server_id())
        .attr("t", hub.now())
        .children([child])
        .build();
    state.send(id, Arc::new(node));
}

/// An IQ of a client that was asked for a passkey; nothing if it is about something else.
pub(crate) fn answer(state: &mut State, id: ConnectionId, node: &Node) -> Option<Node> {
    let child = node.all().first()?;
    let mut bytes = [0u8; 18];
    state.rng.fill_bytes(&mut bytes);
    let demand = state.pairings.get_mut(&id)?.passkey.as_mut()?;
    let step = match child.tag.as_ref() {
        "ref" => {
            let reference = BASE64URL_NOPAD.encode(&bytes);
            demand.reference = Some(reference.clone());
            return Some(result(node, vec![leaf("ref", reference)]));
        }
        "passkey_request_options" => {
            let options = leaf("passkey_request_options", demand.options.clone());
            return Some(result(node, vec![options]));
        }
        "passkey_prologue" => prologue(demand, child),
        "companion_nonce" => child
            .bytes()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Step::Nonce),
        "encrypted_pairing_request" => child.bytes().map(|bytes| Step::Request(bytes.to_vec())),
        _ => return None,
    };
    let taken = step.is_some_and(|step| demand.steps.try_send(step).is_ok());
    Some(match taken {
        true => result(node, vec![]),
        false => refusal(node, 401, "not-authorized"),
    })
}

fn prologue(demand: &Demand, child: &Node) -> Option<Step> {
    let assertion = child_bytes(child, "webauthn_assertion")?;
    let assertion: Value = serde_json::from_slice(assertion).ok()?;
    let credential: [u8; 16] = child_array(child, "credential_id")?;
    let holds = credential == demand.passkey.credential
        && demand.passkey.verifies(&assertion, &demand.challenge);
    let payload = child_bytes(child, "prologue_payload")?.to_vec();
    let reference = demand.reference.clone()?;
    holds.then_some(Step::Prologue { payload, reference })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Passkey;

    #[test]
    fn an_assertion_holds_for_its_passkey_its_challenge_and_the_site_alone() -> anyhow::Result<()> {
        let (own, other) = (Passkey::new(1), Passkey::new(2));
        let options = json!({ "challenge": "abc", "rpId": "web.whatsapp.com" }).to_string();
        let site = "https://web.whatsapp.com";
        let signed = own.sign(&options, site, 1)?;
        assert!(own.verifies(&signed, "abc"));
        assert!(!own.verifies(&signed, "abd"));
        assert!(!other.verifies(&signed, "abc"));
        assert!(!own.verifies(&own.sign(&options, "https://example.com", 1)?, "abc"));
        let elsewhere = json!({ "challenge": "abc", "rpId": "example.com" }).to_string();
        assert!(!own.verifies(&own.sign(&elsewhere, site, 1)?, "abc"));
        assert!(!own.verifies(&Value::Null, "abc"));
        Ok(())
    }
}

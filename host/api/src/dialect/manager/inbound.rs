//! `POST /api/webhook/{sessionId}`: the receiver of a webhook answers a message by posting back.
//!
//! The document lets everybody do that. Here a key is needed, or the signature that deliveries have:
//! the HMAC of the body under the secret of a webhook of that session. One signed answer counts
//! once, since whoever has seen it could post it again.

use axum::Json;
use axum::extract::{Request, State};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use warbler_app::idempotency::Begun;
use warbler_app::messages::{Draft, NewContent};
use warbler_app::webhooks::Signed;
use warbler_domain::{Caller, Message, Scope};

use super::form::FORM;
use super::messages::{row, unsent};
use super::{Fault, Manager, ManagerState, Number, auth, data, numbered};
use crate::caller::{Origin, has_credential};
use crate::dialect::{Row, Switch};
use crate::extract::{Body, Param};
use crate::native::in_field;
use crate::problem::Problem;

/// The header with the signature.
const SIGNATURE: &str = "x-webhook-signature";

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Manager>> {
    vec![
        Row::post("/api/webhook/{sessionId}", None, answer)
            .about(
                "Webhooks",
                "Answers a message; with a key, or signed with the secret of a webhook of the session.",
            )
            .reads(json!({
                "message_id": "ABCDEF1234567890", "reply_to": "15550100@c.us",
                "reply_message": "This is a reply to your message",
            })),
    ]
}

#[derive(Deserialize)]
struct AnswerBody {
    #[serde(alias = "messageId")]
    message_id: String,
    #[serde(alias = "replyTo")]
    reply_to: String,
    #[serde(alias = "replyMessage")]
    reply_message: String,
}

/// `POST /api/webhook/{sessionId}`
async fn answer(
    State(state): State<ManagerState>,
    Origin(address): Origin,
    Param(id): Param<Number>,
    request: Request,
) -> Result<Json<Value>, Fault> {
    let headers = request.headers().clone();
    let signature = headers.get(SIGNATURE).filter(|_| !has_credential(&headers));
    let known = match signature {
        Some(_) => None,
        None => Some(by_key(&state, &headers).await?),
    };
    let body = Body::read(request, &state.api).await?;
    let (caller, claim) = match (known, signature) {
        (Some(caller), _) => (caller.at(address), None),
        (None, signature) => {
            let signature = signature.and_then(|text| text.to_str().ok());
            let signature = signature.unwrap_or_default();
            let caller = by_signature(&state, id, signature, &body).await?;
            match begin(&state, &caller, signature, &body).await? {
                Begun::Again(sent) => return told(&state, sent, id).await,
                Begun::First(claim) => (caller.at(address), Some(claim)),
            }
        }
    };
    let session = numbered(&state.api.app, &caller, id).await?.session.id;
    let draft = body.parsed::<AnswerBody>().await?.into_draft()?;
    let messages = state.api.app.messages();
    let sent = messages
        .answer(&caller, &session.into(), draft, claim)
        .await;
    told(&state, sent.map_err(|err| unsent(err, id))?, id).await
}

impl AnswerBody {
    fn into_draft(self) -> Result<Draft, Problem> {
        let to = in_field("bad_recipient", "reply_to", &self.reply_to)?;
        let quote = in_field("bad_message_id", "message_id", &self.message_id)?;
        let content = NewContent::Text(self.reply_message.into());
        Ok(Draft {
            quote: Some(quote),
            ..Draft::new(to, content)
        })
    }
}

async fn told(state: &ManagerState, sent: Message, id: Number) -> Result<Json<Value>, Fault> {
    let row = row(&state.api.app, sent, id).await?;
    Ok(data(
        json!({ "message": "Reply sent successfully", "sentMessage": row }),
    ))
}

/// Whoever has a key, or everybody where that is open.
async fn by_key(state: &ManagerState, headers: &HeaderMap) -> Result<Caller, Problem> {
    if !has_credential(headers) && state.is_open(Switch::ManagerOpenInboundWebhook) {
        return auth::anybody(state, headers, Scope::Send);
    }
    auth::recognise(state, headers).await
}

/// The receiver that has signed this.
async fn by_signature(
    state: &ManagerState,
    Number(session): Number,
    signature: &str,
    body: &Body,
) -> Result<Caller, Fault> {
    let shown = Signed {
        session,
        form: FORM,
        signature,
        body: &body.bytes,
    };
    let found = state.api.app.webhooks().receiver(shown).await?;
    found.ok_or_else(|| {
        let detail = "no webhook of this session has signed this body";
        Fault::new(StatusCode::UNAUTHORIZED, "invalid_signature", detail)
    })
}

/// Begins what is signed, if it has not been done before.
async fn begin(
    state: &ManagerState,
    caller: &Caller,
    signature: &str,
    body: &Body,
) -> Result<Begun<Message>, Fault> {
    let key = in_field("bad_idempotency_key", SIGNATURE, signature.trim())?;
    let digest = Sha256::digest(&body.bytes).into();
    let idempotency = state.api.app.idempotency();
    Ok(idempotency.begin(caller, key, digest).await?)
}

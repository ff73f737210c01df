//! `POST /api/webhook/{sessionId}`: the receiver of a webhook answers a message by posting back.
//!
//! The document lets everybody do that. Here a key is needed, or the signature that deliveries have:
//! the HMAC of the body under the secret of a webhook of that session. One signed answer counts
//! once, since whoever has seen it could post it again. Its row is among those of webhooks.

use axum::extract::Request;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use warbler_app::App;
use warbler_app::idempotency::Begun;
use warbler_app::messages::{Draft, NewContent};
use warbler_app::webhooks::Signed;
use warbler_domain::{Caller, Message, Scope};

use super::form::FORM;
use super::messages::{sent_row, unsent};
use super::{Answer, Fault, Number, Visit, auth, data, numbered};
use crate::caller::has_credential;
use crate::dialect::Switch;
use crate::extract::{Body, Param};
use crate::native::in_field;
use crate::problem::Problem;

/// The header with the signature.
const SIGNATURE: &str = "x-webhook-signature";
/// What whoever shows nothing may do, where that is open.
const OPEN: [(Switch, Scope); 2] = [(Switch::ManagerOpenInboundWebhook, Scope::Send), auth::OPEN];

#[derive(Deserialize)]
struct AnswerBody {
    #[serde(alias = "messageId")]
    message_id: String,
    #[serde(alias = "replyTo")]
    reply_to: String,
    #[serde(alias = "replyMessage")]
    reply_message: String,
}

impl AnswerBody {
    fn into_draft(self) -> Result<Draft, Problem> {
        let to = in_field("bad_recipient", "reply_to", &self.reply_to)?;
        let mut draft = Draft::new(to, NewContent::Text(self.reply_message.into()));
        draft.quote = Some(in_field("bad_message_id", "message_id", &self.message_id)?);
        Ok(draft)
    }
}

/// `POST /api/webhook/{sessionId}`
pub(super) async fn answer(visit: Visit, Param(id): Param<Number>, request: Request) -> Answer {
    let headers = request.headers().clone();
    let signature = headers.get(SIGNATURE).filter(|_| !has_credential(&headers));
    let (caller, claim, body) = match signature {
        None => {
            let caller = auth::recognise(&visit.state, &headers, &OPEN).await?;
            let body = Body::read(request, &visit.state.api).await?;
            (caller, None, body)
        }
        Some(signature) => {
            let signature = signature.to_str().unwrap_or_default();
            let body = Body::read(request, &visit.state.api).await?;
            match begin(&visit.app, id, signature, &body).await? {
                (_, Begun::Again(sent)) => return told(&visit.app, sent, id).await,
                (caller, Begun::First(claim)) => (caller, Some(claim), body),
            }
        }
    };
    let call = visit.by(caller);
    let session = numbered(&call, id).await?.session.id.into();
    let draft = body.parsed::<AnswerBody>().await?.into_draft()?;
    let messages = call.app.messages();
    let sent = messages.answer(&call.caller, &session, draft, claim).await;
    told(&call.app, sent.map_err(unsent(id))?, id).await
}

async fn told(app: &App, sent: Message, id: Number) -> Answer {
    let sent = sent_row(app, sent, id).await?;
    let told = json!({ "message": "Reply sent successfully", "sentMessage": sent });
    Ok(data(told))
}

/// Begins what is signed, if it has not been done before, for the receiver that has signed it.
async fn begin(
    app: &App,
    Number(session): Number,
    signature: &str,
    body: &Body,
) -> Result<(Caller, Begun<Message>), Fault> {
    let shown = Signed {
        session,
        form: FORM,
        signature,
        body: &body.bytes,
    };
    let receiver = app.webhooks().receiver(shown).await?;
    let receiver = receiver.ok_or_else(|| {
        let detail = "no webhook of this session has signed this body";
        Fault::new(StatusCode::UNAUTHORIZED, "invalid_signature", detail)
    })?;
    let key = in_field("bad_idempotency_key", SIGNATURE, signature.trim())?;
    let digest = Sha256::digest(&body.bytes).into();
    let begun = app.idempotency().begin(&receiver, key, digest).await?;
    Ok((receiver, begun))
}

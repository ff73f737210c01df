//! `/api/sessions`: WhatsApp sessions, called by number.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::sessions::{Marked, NewLabelled, SessionError, Sessions};
use warbler_app::webhooks::SingleWebhook;
use warbler_domain::{EventKind, KindPattern, SessionRef, SessionState};

use super::form::OWN_FORM;
use super::{Answer, Call, Created, Fault, Key, Manager, Number, data, done, numbered};
use crate::dialect::{Row, Standing};
use crate::extract::{Param, Wire, given};
use crate::qr;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Manager>> {
    vec![
        Row::get("/api/sessions", Key, list),
        Row::post("/api/sessions", Key, create).answers(StatusCode::BAD_REQUEST, &["unknown_user"]),
        Row::get("/api/sessions/{id}", Key, show),
        Row::put("/api/sessions/{id}", Key, update),
        Row::delete("/api/sessions/{id}", Key, delete),
        Row::post("/api/sessions/{id}/start", Key, start),
        Row::post("/api/sessions/{id}/stop", Key, stop),
        Row::get("/api/sessions/{id}/qr", Key, show_qr),
    ]
}

#[derive(Deserialize)]
struct CreateBody {
    #[serde(alias = "sessionName")]
    session_name: String,
    #[serde(alias = "webhookUrl")]
    webhook_url: Option<String>,
    #[serde(alias = "userId")]
    user_id: Option<i64>,
}

#[derive(Deserialize)]
struct UpdateBody {
    #[serde(alias = "sessionName")]
    session_name: Option<String>,
    /// Null takes it away.
    #[serde(alias = "webhookUrl", default, deserialize_with = "given")]
    webhook_url: Option<Option<String>>,
}

/// Where a session stands, in this dialect's words.
pub(super) fn status(state: SessionState) -> &'static str {
    match Standing::from(state) {
        Standing::Stopped | Standing::Lost => "disconnected",
        Standing::Waiting => "connecting",
        Standing::Connected => "connected",
    }
}

/// `GET /api/sessions`
async fn list(call: Call) -> Answer {
    let marked = call.app.sessions().list_marked(&call.caller).await?;
    Ok(data(views(&call, marked).await?))
}

/// `GET /api/sessions/{id}`
async fn show(call: Call, Param(id): Param<Number>) -> Answer {
    let marked = numbered(&call, id).await?;
    Ok(data(views(&call, vec![marked]).await?.pop()))
}

/// `POST /api/sessions`: with its webhook, or not at all.
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Created {
    let url = body.webhook_url.filter(|url| !url.is_empty());
    if let Some(url) = &url {
        call.app.webhooks().check_url(url)?;
    }
    let new = NewLabelled {
        label: body.session_name,
        description: None,
        owner: body.user_id,
    };
    let sessions = call.app.sessions();
    let made = sessions.create_labelled(&call.caller, new).await?.marked;
    let session = made.session.id.into();
    if let Err(fault) = tell_at(&call, &session, url).await {
        sessions.delete(&call.caller, &session).await?;
        return Err(fault);
    }
    Ok((StatusCode::CREATED, changed(&call, made).await?))
}

/// `PUT /api/sessions/{id}`: both, or nothing.
async fn update(call: Call, Param(id): Param<Number>, Wire(body): Wire<UpdateBody>) -> Answer {
    let marked = numbered(&call, id).await?;
    let (sessions, session) = (call.app.sessions(), marked.session.id.into());
    let label = body.session_name.as_deref();
    sessions.check_label(label.unwrap_or(marked.label()))?;
    if let Some(url) = body.webhook_url {
        tell_at(&call, &session, url.filter(|url| !url.is_empty())).await?;
    }
    let label = label.or(marked.marks.label.as_deref());
    let phone = marked.marks.phone.clone();
    let marked = sessions.mark(&call.caller, &session, label, phone).await?;
    changed(&call, marked).await
}

/// Sends what a session receives to this address, or nowhere.
async fn tell_at(call: &Call, session: &SessionRef, url: Option<String>) -> Result<(), Fault> {
    let (webhooks, caller) = (call.app.webhooks(), &call.caller);
    let Some(url) = url else {
        return Ok(webhooks.delete_single(caller, session, OWN_FORM).await?);
    };
    let command = SingleWebhook {
        session: session.clone(),
        url,
        events: vec![KindPattern::from(&EventKind::MESSAGE_RECEIVED)],
        form: OWN_FORM.to_owned(),
    };
    webhooks.set_single(caller, command).await?;
    Ok(())
}

/// Sessions as lists show them, with where their messages are sent to.
async fn views(call: &Call, marked: Vec<Marked>) -> Result<Vec<Value>, Fault> {
    let urls = call.app.webhooks().singles(&call.caller, OWN_FORM)?;
    let all = call.app.sessions().labelled_as(marked).await?;
    let views = all.iter().map(|shown| {
        let (marked, session) = (&shown.marked, &shown.marked.session);
        json!({
            "id": marked.marks.number,
            "sessionName": marked.label(),
            "webhookUrl": urls.get(&session.id),
            "status": status(session.state),
            "lastSeen": session.account.as_ref().map(|_| shown.active_at),
            "createdAt": session.created_at,
            "updatedAt": marked.changed_at(),
            "userId": shown.owner.unwrap_or(Sessions::NOBODY),
        })
    });
    Ok(views.collect())
}

/// A session that was made or changed. The document shows more of it there, with nothing in it: the
/// QR has an endpoint of its own, and the keys of the account are nobody's business.
async fn changed(call: &Call, marked: Marked) -> Answer {
    let mut view = Value::from(views(call, vec![marked]).await?.pop());
    if let Some(fields) = view.as_object_mut() {
        fields.shift_insert(4, "qrCode".to_owned(), Value::Null);
        fields.shift_insert(5, "sessionData".to_owned(), Value::Null);
    }
    Ok(data(view))
}

/// `DELETE /api/sessions/{id}`
async fn delete(call: Call, Param(id): Param<Number>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    call.app.sessions().delete(&call.caller, &session).await?;
    Ok(done("Session", id, "deleted"))
}

/// `POST /api/sessions/{id}/start`
async fn start(call: Call, Param(id): Param<Number>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    call.app.sessions().start(&call.caller, &session).await?;
    Ok(done("Session", id, "started"))
}

/// `POST /api/sessions/{id}/stop`
async fn stop(call: Call, Param(id): Param<Number>) -> Answer {
    let session = numbered(&call, id).await?.session.id.into();
    call.app.sessions().stop(&call.caller, &session).await?;
    Ok(done("Session", id, "stopped"))
}

/// `GET /api/sessions/{id}/qr`: waits for the first QR of a session that starts.
async fn show_qr(call: Call, Param(id): Param<Number>) -> Answer {
    use SessionError::{AlreadyPaired, NoQrYet, NotRunning};
    let session = numbered(&call, id).await?.session.id.into();
    let sessions = call.app.sessions();
    let image = match sessions.qr(&call.caller, &session).await {
        Ok(qr) => Some(qr::data_url(&qr.text)?),
        Err(AlreadyPaired(_) | NotRunning { .. } | NoQrYet(_)) => None,
        Err(err) => return Err(err.into()),
    };
    let state = sessions.get(&call.caller, &session).await?.state;
    Ok(data(json!({ "qr_code": image, "status": status(state) })))
}

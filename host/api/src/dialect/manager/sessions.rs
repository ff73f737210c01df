//! `/api/sessions`: WhatsApp sessions, called by number.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64;
use http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::sessions::{Labelled, MarkError, Marked, NewLabelled, SessionError};
use warbler_app::webhooks::SingleWebhook;
use warbler_domain::{Caller, EventKind};

use super::form::{OWN_FORM, patterns};
use super::wire::{SessionView, status};
use super::{Fault, Key, Manager, Number, data, done, numbered};
use crate::dialect::Row;
use crate::extract::{Param, Wire};
use crate::qr;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Manager>> {
    const SECTION: &str = "Sessions";
    vec![
        Row::get("/api/sessions", Key, list).about(SECTION, "Lists the sessions."),
        Row::post("/api/sessions", Key, create)
            .about(SECTION, "Makes a session; start it to link it.")
            .reads(json!({
                "session_name": "My Session", "webhook_url": "https://example.com/hook",
                "user_id": 1,
            }))
            .answers(StatusCode::BAD_REQUEST, &["unknown_user"]),
        Row::get("/api/sessions/{id}", Key, show).about(SECTION, "Shows a session."),
        Row::put("/api/sessions/{id}", Key, update)
            .about(
                SECTION,
                "Calls a session otherwise, or says where its messages are sent to.",
            )
            .reads(json!({
                "session_name": "Another Name", "webhook_url": "https://example.com/other",
            })),
        Row::delete("/api/sessions/{id}", Key, delete)
            .about(SECTION, "Unlinks a session from its phone and deletes it."),
        Row::post("/api/sessions/{id}/start", Key, start)
            .about(SECTION, "Starts a session, so that it shows its QR."),
        Row::post("/api/sessions/{id}/stop", Key, stop)
            .about(SECTION, "Stops a session; it stays linked."),
        Row::get("/api/sessions/{id}/qr", Key, show_qr)
            .about(SECTION, "Shows the QR to scan, if there is one."),
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
    #[serde(alias = "webhookUrl", default, deserialize_with = "said")]
    webhook_url: Option<Option<String>>,
}

/// What is said, even if that is null.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

type Told = Result<Json<Value>, Fault>;

/// `GET /api/sessions`
async fn list(State(app): State<App>, caller: Caller) -> Told {
    let sessions = app.sessions();
    let marked = sessions.list_marked(&caller).await?;
    let mut urls = app.webhooks().singles(&caller, OWN_FORM)?;
    let all = sessions.labelled_as(marked).await?;
    let views = all.iter().map(|session| {
        let url = urls.remove(&session.marked.session.id);
        SessionView::new(session, url)
    });
    Ok(data(views.collect::<Vec<_>>()))
}

/// `GET /api/sessions/{id}`
async fn show(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let marked = numbered(&app, &caller, id).await?;
    Ok(data(view(&app, &caller, marked).await?))
}

/// `POST /api/sessions`: with its webhook, or not at all.
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<(StatusCode, Json<Value>), Fault> {
    let url = body.webhook_url.filter(|url| !url.is_empty());
    if let Some(url) = &url {
        app.webhooks().check_url(url)?;
    }
    let new = NewLabelled {
        label: body.session_name,
        description: None,
        owner: body.user_id,
    };
    let sessions = app.sessions();
    let made = sessions.create_labelled(&caller, new).await?.marked;
    if let Err(fault) = tell_at(&app, &caller, &made, url).await {
        let id = made.session.id.into();
        sessions.delete(&caller, &id).await?;
        return Err(fault);
    }
    let view = view(&app, &caller, made).await?.made();
    Ok((StatusCode::CREATED, data(view)))
}

/// `PUT /api/sessions/{id}`: both, or nothing.
async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<Number>,
    Wire(body): Wire<UpdateBody>,
) -> Told {
    let mut marked = numbered(&app, &caller, id).await?;
    let (sessions, session) = (app.sessions(), marked.session.id.into());
    let label = body.session_name.as_deref();
    sessions.check_label(label.unwrap_or(marked.label()))?;
    if let Some(url) = body.webhook_url {
        let url = url.filter(|url| !url.is_empty());
        tell_at(&app, &caller, &marked, url).await?;
    }
    let (label, phone) = (
        label.or(marked.marks.label.as_deref()),
        marked.marks.phone.clone(),
    );
    marked = sessions.mark(&caller, &session, label, phone).await?;
    Ok(data(view(&app, &caller, marked).await?.made()))
}

/// Sends what a session receives to this address, or nowhere.
async fn tell_at(
    app: &App,
    caller: &Caller,
    marked: &Marked,
    url: Option<String>,
) -> Result<(), Fault> {
    let (webhooks, session) = (app.webhooks(), marked.session.id.into());
    let Some(url) = url else {
        return Ok(webhooks.delete_single(caller, &session, OWN_FORM).await?);
    };
    let command = SingleWebhook {
        session,
        url,
        events: patterns([EventKind::MESSAGE_RECEIVED]),
        form: OWN_FORM.to_owned(),
    };
    webhooks.set_single(caller, command).await?;
    Ok(())
}

/// A session, and where its messages are sent to.
async fn view(app: &App, caller: &Caller, marked: Marked) -> Result<SessionView, Fault> {
    let id = marked.session.id;
    let labelled = app.sessions().labelled_as(vec![marked]).await?.pop();
    let labelled: Labelled =
        labelled.ok_or_else(|| MarkError::from(SessionError::Unknown(id.into())))?;
    let url = app.webhooks().singles(caller, OWN_FORM)?.remove(&id);
    Ok(SessionView::new(&labelled, url))
}

/// `DELETE /api/sessions/{id}`
async fn delete(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let marked = numbered(&app, &caller, id).await?;
    let session = marked.session.id.into();
    app.sessions().delete(&caller, &session).await?;
    let Number(id) = id;
    Ok(done(format!("Session {id} deleted successfully")))
}

/// `POST /api/sessions/{id}/start`
async fn start(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let marked = numbered(&app, &caller, id).await?;
    let session = marked.session.id.into();
    app.sessions().start(&caller, &session).await?;
    let Number(id) = id;
    Ok(done(format!("Session {id} started successfully")))
}

/// `POST /api/sessions/{id}/stop`
async fn stop(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let marked = numbered(&app, &caller, id).await?;
    let session = marked.session.id.into();
    app.sessions().stop(&caller, &session).await?;
    let Number(id) = id;
    Ok(done(format!("Session {id} stopped successfully")))
}

/// `GET /api/sessions/{id}/qr`: waits for the first QR of a session that starts.
async fn show_qr(State(app): State<App>, caller: Caller, Param(id): Param<Number>) -> Told {
    let session = numbered(&app, &caller, id).await?.session.id.into();
    let sessions = app.sessions();
    let image = match sessions.qr(&caller, &session).await {
        Ok(qr) => {
            let png = BASE64.encode(&qr::png(&qr.text)?);
            Some(format!("data:image/png;base64,{png}"))
        }
        Err(
            SessionError::AlreadyPaired(_)
            | SessionError::NotRunning { .. }
            | SessionError::NoQrYet(_),
        ) => None,
        Err(err) => return Err(err.into()),
    };
    let now = sessions.get(&caller, &session).await?;
    Ok(data(
        json!({ "qr_code": image, "status": status(now.state) }),
    ))
}

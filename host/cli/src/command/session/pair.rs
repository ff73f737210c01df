//! Linking a session to a phone, seen from the terminal.
//!
//! The QR changes about every 20 seconds; it is drawn anew when it does, and the command ends when
//! the phone has linked the session, or it is clear that it will not. Where WhatsApp asks for a passkey
//! in between, its steps are gone through here ([`super::passkey`]).

use std::time::Duration;

use serde_json::json;

use super::Out;
use super::passkey::Passkey;
use crate::client::{PairingCodeView, QrView, SessionView};
use crate::failure::Failure;
use crate::terminal::draw_qr;

/// How often the host is asked how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(700);

/// How far a session has come.
enum Stage {
    Offering,
    Underway,
    Linked,
    Over(String),
}

/// Draws the QR until a phone has scanned it.
pub(super) async fn by_qr(out: &Out, name: &str) -> Result<(), Failure> {
    start(out, name).await?;
    let mut shown: Option<String> = None;
    let mut lines = 0;
    let mut passkey = Passkey::default();
    loop {
        let session = look(out, name).await?;
        match stage(&session) {
            Stage::Linked => return linked(out, &session, lines),
            Stage::Over(reason) => return Err(Failure::failed(reason)),
            // The phone has scanned it; what was printed since stays.
            _ if passkey.step(out, &session).await? => lines = 0,
            Stage::Underway => {}
            Stage::Offering => {
                if let Some(qr) = qr(out, name)
                    .await?
                    .filter(|qr| shown.as_deref() != Some(&qr.text))
                {
                    out.screen.take_back(lines)?;
                    lines = show(out, &qr)?;
                    shown = Some(qr.text);
                }
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Shows a code and waits until it was typed.
pub(super) async fn by_code(out: &Out, name: &str, phone: &str) -> Result<(), Failure> {
    start(out, name).await?;
    let body = json!({ "phone": phone });
    let code: PairingCodeView = out
        .client
        .post(&["sessions", name, "pairing-code"], Some(body))
        .await?;
    if out.json {
        out.screen
            .line(json!({ "code": code.code, "expiresAt": code.expires_at }))?;
    } else {
        out.screen.line(format!("On the phone: Linked devices → Link a device → Link with phone number, then type\n\n    {}\n", out.screen.strong(&code.code)))?;
    }
    let mut passkey = Passkey::default();
    loop {
        let session = look(out, name).await?;
        match stage(&session) {
            Stage::Linked => return linked(out, &session, 0),
            Stage::Over(reason) => return Err(Failure::failed(reason)),
            Stage::Offering | Stage::Underway => passkey.step(out, &session).await?,
        };
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn start(out: &Out, name: &str) -> Result<(), Failure> {
    let session: SessionView = out.client.post(&["sessions", name, "start"], None).await?;
    match &session.account {
        Some(account) if session.state == "connected" => Err(Failure::Refused {
            code: "already_paired".to_owned(),
            message: format!(
                "session {name} is linked to {} already; `warbler session logout {name}` unlinks it",
                account.shown()
            ),
        }),
        _ => Ok(()),
    }
}

async fn look(out: &Out, name: &str) -> Result<SessionView, Failure> {
    out.client.get(&["sessions", name]).await
}

/// The QR now; none in the moment between two of them, or when the phone was faster.
async fn qr(out: &Out, name: &str) -> Result<Option<QrView>, Failure> {
    match out.client.get(&["sessions", name, "qr"]).await {
        Ok(qr) => Ok(Some(qr)),
        Err(Failure::Refused { code, .. })
            if ["no_qr_yet", "already_paired", "session_not_running"].contains(&code.as_str()) =>
        {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn stage(session: &SessionView) -> Stage {
    match session.state.as_str() {
        "connected" => Stage::Linked,
        "awaiting-pairing" => Stage::Offering,
        "failed" | "logged-out" | "stopped" => {
            let reason = session.reason.as_deref().unwrap_or("no reason was given");
            Stage::Over(format!(
                "session {} is {}: {reason}",
                session.name, session.state
            ))
        }
        _ => Stage::Underway,
    }
}

fn show(out: &Out, qr: &QrView) -> Result<usize, Failure> {
    if out.json {
        out.screen.line(json!({ "qr": qr.text }))?;
        return Ok(0);
    }
    let lines = draw_qr(&qr.text, out.screen).map_err(|err| Failure::failed(err.to_string()))?;
    out.screen.line(
        "Scan this with the phone: Linked devices → Link a device. It changes now and then.\n",
    )?;
    for line in &lines {
        out.screen.line(line)?;
    }
    Ok(lines.len() + 2)
}

fn linked(out: &Out, session: &SessionView, lines: usize) -> Result<(), Failure> {
    out.screen.take_back(lines)?;
    let account = session
        .account
        .as_ref()
        .map_or_else(String::new, |account| account.shown());
    let words = format!(
        "Session {} is linked to {account} and connected.",
        session.name
    );
    out.say(
        json!({ "session": session.name, "state": session.state, "account": account }),
        &words,
    )
}

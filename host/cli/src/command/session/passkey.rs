//! Linking that WhatsApp allows only with a passkey of the account, step by step.
//!
//! A browser uses a passkey on the site it was made for and nowhere else. So what it is to sign is shown
//! as a line for the console of that site, and its answer is read here.

use std::io::{self, BufRead, Read};

use serde_json::{Value, json};

use super::Out;
use crate::client::{PasskeyView, SessionView};
use crate::failure::Failure;
use crate::terminal::plain;

/// Longest line that is read; an answer has some 1,500 bytes.
const MAX_LINE: u64 = 64 * 1024;

/// How far a link with a passkey has come in the terminal.
#[derive(Default)]
pub(super) struct Passkey {
    /// What was asked for, and answered.
    answered: Option<String>,
    /// The code that was the same on the phone.
    compared: Option<String>,
}

impl Passkey {
    /// Goes through the next step, if WhatsApp asks for a passkey; whether it does.
    pub(super) async fn step(&mut self, out: &Out, session: &SessionView) -> Result<bool, Failure> {
        // The session says why it is not linked yet.
        if session.reason.is_none() {
            return Ok(false);
        }
        match asked(out, &session.id).await? {
            Some(PasskeyView {
                script: Some(script),
                page,
                ..
            }) => {
                if self.answered.as_deref() != Some(&script) {
                    let page = page.unwrap_or_default();
                    if sign(out, &session.id, &page, &script).await? {
                        self.answered = Some(script);
                    }
                }
                Ok(true)
            }
            Some(PasskeyView {
                code: Some(code), ..
            }) => {
                if self.compared.as_deref() != Some(&code) {
                    compare(out, &session.id, &code).await?;
                    self.compared = Some(code);
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// What WhatsApp waits for, if it waits for a passkey.
async fn asked(out: &Out, session: &str) -> Result<Option<PasskeyView>, Failure> {
    match out.client.get(&["sessions", session, "passkey"]).await {
        Ok(view) => Ok(Some(view)),
        Err(Failure::Refused { code, .. })
            if ["passkey_not_asked", "already_paired"].contains(&code.as_str()) =>
        {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Has the passkey sign; whether WhatsApp took the signature.
async fn sign(out: &Out, session: &str, page: &str, script: &str) -> Result<bool, Failure> {
    if out.json {
        let shown = json!({ "passkey": { "page": page, "script": script } });
        out.screen.line(shown)?;
    } else {
        out.screen.line(format!(
            "\nWhatsApp asks for the passkey of this account. It signs on WhatsApp's own site only:\n\
             1. Open {page} in a browser that has the passkey, and its console (F12).\n\
             2. Run this line there, and allow the passkey:\n\n{}\n\n\
             3. What it signed is on the clipboard. Paste it here, and press Enter. There is about a minute.\n",
            plain(script, script.len())
        ))?;
    }
    let Ok(answer) = serde_json::from_str::<Value>(&line().await?) else {
        out.say(
            json!({ "refused": "this is not JSON" }),
            "This is not what the line gives: it begins with { and ends with }. Once more:",
        )?;
        return Ok(false);
    };
    match out
        .client
        .hand_in(&["sessions", session, "passkey"], answer)
        .await
    {
        Ok(()) => Ok(true),
        Err(Failure::Refused { code, message })
            if ["bad_passkey", "passkey_refused"].contains(&code.as_str()) =>
        {
            out.say(
                json!({ "refused": message }),
                &format!("It was not taken: {}", plain(&message, 200)),
            )?;
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// Has the codes compared, and finishes the link or stops it.
async fn compare(out: &Out, session: &str, code: &str) -> Result<(), Failure> {
    if out.json {
        out.screen.line(json!({ "compare": code }))?;
    } else {
        out.screen.line(format!(
            "\nThe phone shows a code now. This session's is\n\n    {}\n\nIs it the same? Type yes or no:",
            out.screen.strong(code)
        ))?;
    }
    if line().await?.trim().eq_ignore_ascii_case("yes") {
        let path = ["sessions", session, "passkey", "confirm"];
        return out.client.post_empty(&path).await;
    }
    let stopped: Value = out
        .client
        .post(&["sessions", session, "stop"], None)
        .await?;
    drop(stopped);
    Err(Failure::failed(
        "the codes differ, so somebody may stand between the phone and this session; it was stopped and is not linked",
    ))
}

/// A line that somebody types, or a program writes.
async fn line() -> Result<String, Failure> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        // The rest stays for whoever reads next.
        let read = io::stdin().lock().take(MAX_LINE).read_line(&mut line);
        read.map(|_| line)
    });
    let line = reading.await.map_err(anyhow::Error::from)??;
    if line.is_empty() {
        return Err(Failure::Usage(
            "WhatsApp asks for a passkey, and nobody answers here: run it in a terminal".to_owned(),
        ));
    }
    Ok(line)
}

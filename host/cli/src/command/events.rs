//! `warbler events …`: what happens on a running host.

use serde::Deserialize;

use crate::args::{Events, EventsVerb};
use crate::client::{Client, Sent};
use crate::config::Environment;
use crate::failure::Failure;
use crate::signals::asked_to_end;
use crate::terminal::{Screen, plain};

/// Longest line shown.
const MAX_LINE: usize = 200;

/// Prints events as they happen.
pub(super) async fn run(args: Events, environment: &Environment, screen: Screen) -> Result<(), Failure> {
    let EventsVerb::Tail = args.verb;
    let client = Client::new(&args.reach, environment)?;
    let mut stream = client.events().await?;
    if !args.reach.json && screen.is_terminal() {
        screen.line(screen.faint("Events from now on; ctrl-c ends."))?;
    }
    loop {
        let next = tokio::select! {
            next = stream.next() => next?,
            asked = asked_to_end() => return Ok(asked?),
        };
        match next {
            Some(sent) if args.reach.json => screen.line(sent.data)?,
            Some(sent) => screen.line(line(&sent, screen))?,
            None => return Err(Failure::failed("the host has ended the stream; it is stopping")),
        }
    }
}

/// The parts of an event that fit on a line.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Glance {
    at: String,
    session: String,
    message: Option<MessageGlance>,
    from: String,
    to: String,
    reason: Option<String>,
    status: String,
    state: String,
    change: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MessageGlance {
    chat: String,
    sender_name: Option<String>,
    text: Option<String>,
    r#type: String,
}

fn line(sent: &Sent, screen: Screen) -> String {
    // An event of a newer host may look otherwise; then its kind has to do.
    let event: Glance = serde_json::from_str(&sent.data).unwrap_or_default();
    let what = match &event.message {
        Some(message) => {
            let who = message.sender_name.as_deref().unwrap_or(&message.chat);
            let said = message.text.clone().unwrap_or_else(|| format!("({})", message.r#type));
            format!("{who}: {said}")
        }
        None if !event.to.is_empty() => {
            let why = event.reason.map_or_else(String::new, |reason| format!(", {reason}"));
            format!("{} → {}{why}", event.from, event.to)
        }
        None => format!("{}{}{}", event.status, event.state, event.change),
    };
    let time = event.at.get(11..19).unwrap_or_default();
    format!(
        "{}  {:<18} {}  {}",
        screen.faint(time),
        screen.accent(plain(&sent.kind, 40)),
        screen.faint(plain(&event.session, 36)),
        plain(&what, MAX_LINE)
    )
}

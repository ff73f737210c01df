//! `warbler events …`: what happens on a running host.

mod explain;

use serde::Deserialize;

use crate::args::{Events, EventsVerb};
use crate::client::{Client, Sent};
use crate::config::Environment;
use crate::failure::Failure;
use crate::signals::asked_to_end;
use crate::terminal::{Screen, plain, time_of_day};

/// Longest line shown.
const MAX_LINE: usize = 200;

/// Prints events as they happen, or one event's way.
pub(super) async fn run(
    args: Events,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    if let EventsVerb::Explain { id } = &args.verb {
        return explain::run(&client, id, args.reach.json, screen).await;
    }
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
            None => {
                return Err(Failure::failed(
                    "the host has ended the stream; it is stopping",
                ));
            }
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
    receipt: Option<ReceiptGlance>,
    presence: Option<PresenceGlance>,
    group: Option<GroupGlance>,
    status: Option<StatusGlance>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MessageGlance {
    chat: String,
    sender_name: Option<String>,
    r#type: String,
    text: Option<String>,
    media: Option<CaptionGlance>,
    reaction: Option<EmojiGlance>,
    edit: Option<CaptionGlance>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CaptionGlance {
    #[serde(alias = "text")]
    caption: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EmojiGlance {
    emoji: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReceiptGlance {
    by: String,
    status: String,
    messages: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PresenceGlance {
    by: String,
    state: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupGlance {
    group: String,
    change: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusGlance {
    from: String,
    to: String,
    reason: Option<String>,
}

impl Glance {
    fn what(&self) -> String {
        if let Some(message) = &self.message {
            return message.what();
        }
        if let Some(receipt) = &self.receipt {
            return format!(
                "{} message(s) {} by {}",
                receipt.messages.len(),
                receipt.status,
                receipt.by
            );
        }
        if let Some(presence) = &self.presence {
            return format!("{} is {}", presence.by, presence.state);
        }
        if let Some(group) = &self.group {
            return format!("{}: {}", group.group, group.change);
        }
        let Some(status) = &self.status else {
            return String::new();
        };
        let why = status
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(", {reason}"));
        format!("{} → {}{why}", status.from, status.to)
    }
}

impl MessageGlance {
    fn what(&self) -> String {
        let who = self.sender_name.as_deref().unwrap_or(&self.chat);
        let words = self.text.as_deref();
        let words = words.or_else(|| {
            self.media
                .as_ref()
                .and_then(|media| media.caption.as_deref())
        });
        let words = words.or_else(|| self.edit.as_ref().and_then(|edit| edit.caption.as_deref()));
        let words = words.or_else(|| {
            self.reaction
                .as_ref()
                .map(|reaction| reaction.emoji.as_str())
        });
        match (self.r#type.as_str(), words) {
            ("text", Some(words)) => format!("{who}: {words}"),
            (kind, Some(words)) => format!("{who}: ({kind}) {words}"),
            (kind, None) => format!("{who}: ({kind})"),
        }
    }
}

fn line(sent: &Sent, screen: Screen) -> String {
    // An event of a newer host may look otherwise; then its kind has to do.
    let event: Glance = serde_json::from_str(&sent.data).unwrap_or_default();
    let time = event
        .at
        .parse()
        .map_or_else(|_| event.at.clone(), time_of_day);
    format!(
        "{}  {}  {}  {}",
        screen.faint(time),
        screen.accent(format!("{:<18}", plain(&sent.kind, 40))),
        screen.faint(plain(&event.session, 36)),
        plain(&event.what(), MAX_LINE)
    )
}

#[cfg(test)]
mod tests {
    use super::Glance;

    #[test]
    fn an_event_fits_on_a_line() -> Result<(), serde_json::Error> {
        for (json, expected) in [
            (
                r#"{"message":{"senderName":"Ada","type":"text","text":"hi","chat":"1@s.whatsapp.net"}}"#,
                "Ada: hi",
            ),
            (
                r#"{"message":{"chat":"1@s.whatsapp.net","type":"image","media":{"caption":"look"}}}"#,
                "1@s.whatsapp.net: (image) look",
            ),
            (
                r#"{"message":{"senderName":"Ada","type":"edit","edit":{"text":"ho"}}}"#,
                "Ada: (edit) ho",
            ),
            (
                r#"{"status":{"from":"starting","to":"connected","reason":"why"}}"#,
                "starting → connected, why",
            ),
            (r#"{"qr":{"expiresAt":"2026-01-01T00:00:00Z"}}"#, ""),
        ] {
            assert_eq!(serde_json::from_str::<Glance>(json)?.what(), expected);
        }
        Ok(())
    }
}

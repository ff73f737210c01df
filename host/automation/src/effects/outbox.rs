//! What a call may have sent, changed and shown.

use warbler_domain::action::ActionMedia;
use warbler_domain::chat::ChatState;
use warbler_domain::extension::SendScope;
use warbler_domain::media::MediaForm;
use warbler_domain::place::{Degrees, Location};
use warbler_domain::vcard::ContactCard;
use warbler_domain::{
    Action, Content, EventKind, Jid, KindPattern, PhoneNumber, Recipient, UploadId, WhatsAppId,
};

use super::{Denied, Effects};

/// Longest emoji of a reaction, in bytes: the longest in use have about 35.
const MAX_EMOJI: usize = 64;
/// Longest name of a place, a person or a file, in bytes.
const MAX_NAME: usize = 1024;
/// Most numbers of one person.
const MAX_NUMBERS: usize = 10;
/// Longest URL, in bytes.
const MAX_URL: usize = 4096;
/// Largest JSON object of an event, in bytes.
const MAX_DATA: usize = 64 * 1024;

impl Effects {
    /// A text into the event's chat.
    pub(crate) fn reply(&mut self, text: String, quote: bool) -> Result<(), Denied> {
        self.require_chat()?;
        check_text(&text)?;
        self.push(Action::Reply { text, quote })
    }

    /// A text to anybody.
    pub(crate) async fn send_text(&mut self, to: &str, text: String) -> Result<(), Denied> {
        let to = self.anybody(to).await?;
        check_text(&text)?;
        self.push(Action::SendText { to, text })
    }

    /// A reaction to a message of the event's chat.
    pub(crate) fn react(&mut self, target: Option<&str>, emoji: String) -> Result<(), Denied> {
        self.require_chat()?;
        if emoji.len() > MAX_EMOJI {
            let message = format!("an emoji has at most {MAX_EMOJI} bytes");
            return Denied::refused("text-too-long", message);
        }
        let about_message = || {
            self.event
                .as_ref()
                .is_some_and(|event| event.message().is_some())
        };
        let target = match target {
            Some(id) => Some(message_id(id)?),
            None if about_message() => None,
            None => {
                let message = "the event is about no message; name a target";
                return Denied::refused("no-message", message);
            }
        };
        self.push(Action::React { target, emoji })
    }

    /// A medium.
    pub(crate) async fn send_media(
        &mut self,
        to: Option<&str>,
        form: &str,
        source: &str,
        caption: Option<String>,
        file_name: Option<String>,
    ) -> Result<(), Denied> {
        let to = self.recipient(to).await?;
        let form: MediaForm = form
            .parse()
            .map_err(|bad| Denied::refusal("bad-form", format!("{bad}")))?;
        let source = media_source(source)?;
        if let Some(caption) = &caption {
            check_length(caption, Content::MAX_TEXT)?;
        }
        if let Some(name) = &file_name {
            check_length(name, MAX_NAME)?;
        }
        self.push(Action::SendMedia {
            to,
            form,
            source,
            caption,
            file_name,
        })
    }

    /// A place.
    pub(crate) async fn send_location(
        &mut self,
        to: Option<&str>,
        latitude: f64,
        longitude: f64,
        name: Option<String>,
    ) -> Result<(), Denied> {
        let to = self.recipient(to).await?;
        let bad =
            |bad: warbler_domain::place::BadDegrees| Denied::refusal("bad-place", bad.to_string());
        if let Some(name) = &name {
            check_length(name, MAX_NAME)?;
        }
        let location = Location {
            latitude: Degrees::latitude(latitude).map_err(bad)?,
            longitude: Degrees::longitude(longitude).map_err(bad)?,
            name,
            address: None,
            live: false,
        };
        self.push(Action::SendLocation { to, location })
    }

    /// An address-book entry.
    pub(crate) async fn send_contact(
        &mut self,
        to: Option<&str>,
        name: &str,
        phones: &[String],
    ) -> Result<(), Denied> {
        let to = self.recipient(to).await?;
        let bad = |message: String| Denied::refusal("bad-contact", message);
        if name.trim().is_empty() || name.len() > MAX_NAME {
            return Err(bad(format!("a name has 1 to {MAX_NAME} bytes")));
        }
        if phones.is_empty() || phones.len() > MAX_NUMBERS {
            return Err(bad(format!("a contact has 1 to {MAX_NUMBERS} numbers")));
        }
        let numbers: Vec<PhoneNumber> = phones
            .iter()
            .map(|number| number.parse())
            .collect::<Result<_, _>>()
            .map_err(|error: warbler_domain::jid::BadPhoneNumber| bad(error.to_string()))?;
        let card = ContactCard::new(name, &numbers);
        self.push(Action::SendContact { to, card })
    }

    /// The event's message, to somebody else.
    pub(crate) async fn forward(&mut self, to: &str) -> Result<(), Denied> {
        let to = self.anybody(to).await?;
        if self
            .event
            .as_ref()
            .and_then(|event| event.message())
            .is_none()
        {
            return Denied::refused("no-message", "the event is about no message");
        }
        self.push(Action::Forward { to })
    }

    /// A new text for an earlier message of the account.
    pub(crate) fn edit(&mut self, target: &str, text: String) -> Result<(), Denied> {
        self.require_chat()?;
        let target = message_id(target)?;
        check_text(&text)?;
        self.push(Action::Edit { target, text })
    }

    /// An earlier message taken back.
    pub(crate) fn revoke(&mut self, target: &str) -> Result<(), Denied> {
        self.require_chat()?;
        let target = message_id(target)?;
        self.push(Action::Revoke { target })
    }

    /// The event's chat as read.
    pub(crate) fn mark_read(&mut self) -> Result<(), Denied> {
        self.require_chat()?;
        self.push(Action::MarkRead)
    }

    /// What the account does in the event's chat.
    pub(crate) fn set_typing(&mut self, state: &str) -> Result<(), Denied> {
        self.require_chat()?;
        let state: ChatState = state
            .parse()
            .map_err(|bad| Denied::refusal("bad-state", format!("{bad}")))?;
        self.push(Action::SetTyping { state })
    }

    /// An event of the extension's own.
    pub(crate) fn emit(&mut self, kind: &str, data: String) -> Result<(), Denied> {
        self.require_event()?;
        let plain = kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b));
        let named = kind.len() > EventKind::CUSTOM.len() && kind.len() <= KindPattern::MAX_LEN;
        if !plain || !named || !kind.starts_with(EventKind::CUSTOM) {
            let message =
                "a kind is `custom.` and a word of lower-case letters, digits, `.`, `-` and `_`";
            return Denied::refused("bad-kind", message);
        }
        check_object(&data, MAX_DATA)?;
        self.push(Action::Emit {
            kind: EventKind::new(kind),
            data,
        })
    }

    pub(super) fn push(&mut self, action: Action) -> Result<(), Denied> {
        self.require_event()?;
        let limits = &self.services.limits;
        let weight = self.weight.saturating_add(action.weight());
        if self.actions.len() >= limits.actions || weight > limits.action_bytes {
            let message = format!(
                "more than {} actions or {} bytes of text in one call; leave the rest to a timer",
                limits.actions, limits.action_bytes
            );
            return Denied::halted("too-many-actions", message);
        }
        if let (Some(rate), true) = (self.profile.grants.rate, action.is_message()) {
            if !self.profile.rate.take(rate, self.now) {
                return Err(self.too_often(rate));
            }
            self.messages = self.messages.saturating_add(1);
        }
        self.weight = weight;
        self.actions.push(action);
        Ok(())
    }

    fn too_often(&self, rate: u32) -> Denied {
        let more = rate.saturating_mul(2);
        let how = self.how_to_grant(&format!("rate = {more}"));
        let message = format!("{rate} messages were sent within a minute; for more of them, {how}");
        Denied::refusal("rate-limited", message)
    }

    pub(super) fn require_event(&self) -> Result<(), Denied> {
        match self.event {
            Some(_) => Ok(()),
            None => {
                let message = "only what is called for events does this: `on_message` and `on_event` of a script, \
                               the event hook of a plugin";
                Denied::refused("not-here", message)
            }
        }
    }

    fn require_chat(&self) -> Result<(), Denied> {
        self.require_event()?;
        match self.event.as_ref().and_then(|event| event.chat()) {
            Some(_) => Ok(()),
            None => Denied::refused("no-chat", "the event came from no chat"),
        }
    }

    /// Whom `to` means: the event's chat when nothing is said.
    async fn recipient(&self, to: Option<&str>) -> Result<Option<Jid>, Denied> {
        match to {
            None => self.require_chat().map(|()| None),
            Some(to) => self.anybody(to).await.map(Some),
        }
    }

    async fn anybody(&self, to: &str) -> Result<Jid, Denied> {
        self.require_event()?;
        let scope = self.profile.grants.send;
        if scope == SendScope::ReplyOnly {
            let how = self.how_to_grant("send = \"any\"");
            let message = format!("writing to anybody is not granted; {how}");
            return Denied::refused("not-granted", message);
        }
        let to = match to.parse::<Recipient>() {
            Ok(recipient) => recipient.into_jid(),
            Err(bad) => return Denied::refused("bad-recipient", bad.to_string()),
        };
        if scope == SendScope::Contacts && !self.knows(&to).await? {
            let how = self.how_to_grant("send = \"any\"");
            let message = format!(
                "the session does not know the recipient, and writing to others is not granted; {how}"
            );
            return Denied::refused("not-granted", message);
        }
        Ok(to)
    }

    /// Whether the event's session knows somebody.
    async fn knows(&self, to: &Jid) -> Result<bool, Denied> {
        let Some(event) = &self.event else {
            return Ok(false);
        };
        if event.chat() == Some(to) {
            return Ok(true);
        }
        Ok(self.reader()?.knows(event.session, to.clone()).await?)
    }
}

fn message_id(id: &str) -> Result<WhatsAppId, Denied> {
    id.parse()
        .map_err(|_| Denied::refusal("bad-target", "the target is not a WhatsApp id"))
}

fn media_source(source: &str) -> Result<ActionMedia, Denied> {
    let is_url = source.starts_with("https://") || source.starts_with("http://");
    if is_url && source.len() <= MAX_URL {
        return Ok(ActionMedia::Url(source.to_owned()));
    }
    match source.parse::<UploadId>() {
        Ok(id) => Ok(ActionMedia::Upload(id)),
        Err(_) => Denied::refused(
            "bad-source",
            format!(
                "a source is an http or https URL of at most {MAX_URL} bytes, or the id of an upload"
            ),
        ),
    }
}

fn check_text(text: &str) -> Result<(), Denied> {
    if text.is_empty() {
        return Denied::refused("empty-text", "a message needs a text");
    }
    check_length(text, Content::MAX_TEXT)
}

fn check_length(text: &str, max: usize) -> Result<(), Denied> {
    if text.len() > max {
        return Denied::refused("text-too-long", format!("a text has at most {max} bytes"));
    }
    Ok(())
}

/// Whether `data` is one JSON object.
pub(super) fn check_object(data: &str, max: usize) -> Result<(), Denied> {
    if data.len() > max {
        return Denied::refused("bad-data", format!("data has at most {max} bytes"));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(data) {
        Ok(_) => Ok(()),
        Err(error) => Denied::refused("bad-data", format!("data is one JSON object: {error}")),
    }
}

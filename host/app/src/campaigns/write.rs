//! What one recipient is sent.

use std::sync::Arc;

use warbler_domain::campaign::{Campaign, CampaignRecipient};
use warbler_domain::content::Text;
use warbler_domain::template::{Template, TemplateError, check};
use warbler_domain::{
    Content, ExtensionName, Random, Refusal as _, SessionId, SessionName, WhatsAppId,
};
use warbler_store::kv::KvWrite;

use crate::core::Shared;
use crate::hook::{KvReader, RenderCall, TemplateHook};
use crate::messages::text_content;

/// What becomes of a campaign's text.
pub(super) enum Writer {
    /// The host fills its template.
    Template(Option<Template>),
    /// An extension writes it.
    Hook(Arc<dyn TemplateHook>),
}

/// A content for one recipient, and what an extension wrote to its kv for it.
pub(super) struct Written {
    pub(super) content: Content,
    pub(super) kv: Option<(ExtensionName, Vec<KvWrite>)>,
}

/// Why there is no content for a recipient.
pub(super) struct NotWritten {
    pub(super) code: String,
    pub(super) message: String,
}

/// The template of a campaign, if its content has a text.
pub(super) fn template_of(campaign: &Campaign) -> Result<Option<Template>, TemplateError> {
    let mut known = vec!["name".to_owned(), "number".to_owned()];
    known.extend(campaign.columns.iter().cloned());
    text_of(&campaign.content)
        .map(|text| check(text, &known))
        .transpose()
}

impl Writer {
    /// How the texts of a campaign are written; nothing when its extension is not loaded.
    pub(super) fn of(shared: &Shared, campaign: &Campaign) -> Result<Option<Self>, TemplateError> {
        let Some(writer) = &campaign.writer else {
            return Ok(Some(Self::Template(template_of(campaign)?)));
        };
        let hooks = shared.extensions.templates();
        let found = hooks.iter().find(|hook| hook.name() == writer);
        Ok(found.map(|hook| Self::Hook(Arc::clone(hook))))
    }

    /// The content for one recipient: the same whenever it is asked for, unless an extension
    /// writes it.
    pub(super) async fn write(
        &self,
        shared: &Shared,
        campaign: &Campaign,
        recipient: &CampaignRecipient,
        session: (SessionId, &SessionName),
    ) -> Result<Written, NotWritten> {
        let fields = recipient.all_fields();
        let (text, kv) = match self {
            Self::Template(None) => {
                return Ok(Written {
                    content: campaign.content.clone(),
                    kv: None,
                });
            }
            Self::Template(Some(template)) => {
                let id = &recipient.whatsapp_id;
                let content = filled(&campaign.content, template, &fields, id);
                let content = content.map_err(|(code, message)| NotWritten {
                    code: code.to_owned(),
                    message,
                })?;
                return Ok(Written { content, kv: None });
            }
            Self::Hook(hook) => {
                let now = shared.clock.now();
                let call = RenderCall {
                    id: recipient.whatsapp_id.to_string(),
                    session: session.0,
                    session_name: session.1.clone(),
                    template: text_of(&campaign.content).unwrap_or_default().to_owned(),
                    to: recipient.to.clone(),
                    recipient: recipient.name.clone(),
                    fields,
                    body: about(campaign, recipient),
                    now,
                    kv: KvReader::new(shared.store.clone(), hook.name().clone(), now),
                };
                let made = hook.render(call).await;
                let text = made.result.map_err(|fault| {
                    shared.extensions.note_fault(hook.name(), &fault);
                    NotWritten {
                        code: fault.code.to_string(),
                        message: fault.message.clone(),
                    }
                })?;
                (text, Some((hook.name().clone(), made.kv_writes)))
            }
        };
        let content = with_text(&campaign.content, text).map_err(|err| NotWritten {
            code: err.code().to_owned(),
            message: err.public_message(),
        })?;
        Ok(Written { content, kv })
    }
}

/// A content with its template filled for one recipient, whose message has this id; or a stable word
/// for why it cannot be, and the same in a sentence.
pub(super) fn filled(
    content: &Content,
    template: &Template,
    fields: &[(String, String)],
    id: &WhatsAppId,
) -> Result<Content, (&'static str, String)> {
    let text = template.render(fields, &Random::seeded(seed(id)));
    // What was checked when it was saved can only become too long.
    let text = text.map_err(|err| ("text_too_long", err.public_message()))?;
    with_text(content, text).map_err(|err| (err.code(), err.public_message()))
}

/// The text of a content that is filled for each recipient.
fn text_of(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(&text.text),
        Content::Media(media) => media.caption.as_deref(),
        _ => None,
    }
}

/// The content with this text in the place of its template.
fn with_text(content: &Content, text: String) -> Result<Content, crate::messages::SendError> {
    match content {
        Content::Text(template) => match text_content(text)? {
            Content::Text(written) => Ok(Content::Text(Text {
                text: written.text,
                ..template.clone()
            })),
            other => Ok(other),
        },
        Content::Media(media) => {
            let mut media = media.clone();
            media.caption = (!text.is_empty()).then_some(text);
            Ok(Content::Media(media))
        }
        other => Ok(other.clone()),
    }
}

/// What else an extension is told.
fn about(campaign: &Campaign, recipient: &CampaignRecipient) -> String {
    serde_json::json!({
        "campaign": campaign.id,
        "name": campaign.name,
        "run": campaign.run,
        "place": recipient.place,
    })
    .to_string()
}

/// What choices of words are made by: the recipient's message, so that they are made once.
fn seed(id: &WhatsAppId) -> u64 {
    // FNV-1a.
    id.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
}

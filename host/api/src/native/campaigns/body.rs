//! What callers write to make a campaign.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::campaigns::csv::Mapping;
use warbler_app::campaigns::{ChangeCampaign, Collector, CreateCampaign, Recipients, Row};
use warbler_domain::campaign::{CampaignKind, CampaignRules};
use warbler_domain::{ExtensionName, SessionRef, Timestamp};

use crate::extract::given;
use crate::native::in_field;
use crate::native::messages::ContentBody;
use crate::native::outbox::QuietBody;
use crate::problem::Problem;

/// A campaign to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateCampaign, example = json!({
    "name": "Spring menu",
    "sessions": ["shop"],
    "message": { "text": "{Hi|Hello} {{Name}}, our spring menu is out!" },
    "recipients": [
        { "to": "+15550123", "name": "Ada", "fields": { "companyName": "Analytical Engines" } },
        { "to": "+15550124", "name": "Grace" },
    ],
    "rules": { "delayMillis": 3000 },
}))]
pub(in crate::native) struct CreateBody {
    /// What it is called.
    name: String,
    /// The sessions that send, in turn, by id or name: 1 to 32.
    #[schema(min_items = 1, max_items = 32)]
    sessions: Vec<String>,
    /// What is sent. Its text or caption is a template: `{{Name}}` and other fields, and choices
    /// such as `{Hi|Hello}`.
    message: ContentBody,
    /// The extension that writes each message of that text, by name; the host fills it when left
    /// out.
    template: Option<String>,
    /// To whom, up to 100,000.
    #[serde(default)]
    recipients: Vec<RecipientBody>,
    /// The columns of the file with the recipients, where their names do not say what they hold.
    pub(super) columns: Option<ColumnsBody>,
    /// Whether recipients that cannot be used are left out, rather than everything refused.
    #[serde(default)]
    skip_bad: bool,
    /// How messages are spaced out.
    #[serde(default)]
    rules: RulesBody,
    /// When it starts by itself, up to 366 days ahead.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-24T18:00:00Z")]
    start_at: Option<Timestamp>,
}

/// Which columns of a file hold what.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CampaignColumns)]
pub(in crate::native) struct ColumnsBody {
    /// The one with the number.
    #[schema(example = "Mobile")]
    number: Option<String>,
    /// The one with the name.
    #[schema(example = "Customer")]
    name: Option<String>,
}

impl From<ColumnsBody> for Mapping {
    fn from(columns: ColumnsBody) -> Self {
        Self {
            number: columns.number,
            name: columns.name,
        }
    }
}

/// A recipient.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CampaignRecipientBody)]
pub(in crate::native) struct RecipientBody {
    /// A phone number in international form, or the JID of a person or group.
    #[schema(example = "+15550123")]
    to: String,
    /// What the recipient is called: `{{Name}}`.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// What else is known: names and values.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    fields: BTreeMap<String, Scalar>,
}

/// A value that has a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Truth(bool),
}

impl Scalar {
    /// The text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

/// How the messages of a campaign are spaced out, over what holds for its sessions anyway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CampaignRules)]
pub(in crate::native) struct RulesBody {
    /// The pause between two messages of one session, in milliseconds, at most an hour.
    #[schema(example = 3000)]
    delay_millis: u64,
    /// By how many percent that pause is varied, at most 100.
    #[schema(example = 30)]
    jitter_percent: u8,
    /// Most messages in an hour, by all sessions together; 0 is any number.
    #[schema(example = 0)]
    per_hour: u32,
    /// When nothing goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<QuietBody>,
    /// Whether numbers are looked up before they are sent to; those without an account become
    /// `invalid`.
    check_numbers: bool,
}

impl Default for RulesBody {
    fn default() -> Self {
        CampaignRules::default().into()
    }
}

impl From<CampaignRules> for RulesBody {
    fn from(rules: CampaignRules) -> Self {
        Self {
            delay_millis: rules.delay_millis,
            jitter_percent: rules.jitter_percent,
            per_hour: rules.per_hour,
            quiet: rules.quiet.map(QuietBody::from),
            check_numbers: rules.check_numbers,
        }
    }
}

impl RulesBody {
    pub(in crate::native) fn into_rules(self) -> Result<CampaignRules, Problem> {
        let quiet = self.quiet.map(|quiet| {
            let inside = |name: &str| format!("rules.quiet.{name}");
            quiet.into_quiet("bad_campaign_rules", inside)
        });
        Ok(CampaignRules {
            delay_millis: self.delay_millis,
            jitter_percent: self.jitter_percent,
            per_hour: self.per_hour,
            quiet: quiet.transpose()?,
            check_numbers: self.check_numbers,
        })
    }
}

/// The recipients that are written in a body.
pub(in crate::native) fn recipients_of(bodies: Vec<RecipientBody>) -> Result<Recipients, Problem> {
    let mut collector = Collector::default();
    for (row, body) in (1u32..).zip(bodies) {
        let fields = body.fields.into_iter();
        let fields = fields.map(|(name, value)| (collector.column(&name), value.into_text()));
        let fields = fields.collect();
        let row = Row {
            row,
            column: "to",
            to: &body.to,
        };
        collector.add(row, body.name, fields).map_err(|err| {
            Problem::invalid("too_many_recipients", err.to_string()).in_field("recipients")
        })?;
    }
    Ok(collector.finish())
}

fn sessions_of(names: &[String]) -> Result<Vec<SessionRef>, Problem> {
    let named = names.iter().enumerate();
    named
        .map(|(index, name)| in_field("bad_session_name", &format!("sessions[{index}]"), name))
        .collect()
}

fn writer_of(name: &str) -> Result<ExtensionName, Problem> {
    in_field("unknown_template_extension", "template", name)
}

impl CreateBody {
    /// The command; `list` are the recipients of a file beside the body.
    pub(in crate::native) fn into_command(
        self,
        kind: CampaignKind,
        list: Option<Recipients>,
    ) -> Result<CreateCampaign, Problem> {
        let recipients = match list {
            Some(list) if self.recipients.is_empty() => list,
            Some(_) => {
                let detail = "recipients stand in the file or in `recipients`, not in both";
                return Err(Problem::invalid("bad_recipients", detail).in_field("recipients"));
            }
            None if self.columns.is_some() => {
                let detail =
                    "`columns` are those of a file, and there is none: send a form with one";
                return Err(Problem::invalid("no_file", detail).in_field("columns"));
            }
            None => recipients_of(self.recipients)?,
        };
        Ok(CreateCampaign {
            kind,
            name: self.name,
            sessions: sessions_of(&self.sessions)?,
            content: self.message.into_content()?,
            writer: self.template.as_deref().map(writer_of).transpose()?,
            recipients,
            skip_bad: self.skip_bad,
            texts_later: false,
            rules: self.rules.into_rules()?,
            start_at: self.start_at,
        })
    }
}

/// What is to be different about a campaign; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UpdateCampaign, example = json!({ "name": "Spring menu, second try" }))]
pub(in crate::native) struct UpdateBody {
    /// What it is called.
    name: Option<String>,
    /// The sessions that send.
    sessions: Option<Vec<String>>,
    /// What is sent.
    message: Option<ContentBody>,
    /// The extension that writes each message; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    template: Option<Option<String>>,
    /// How messages are spaced out: all of it.
    rules: Option<RulesBody>,
    /// When it starts by itself; null for not by itself.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_at: Option<Option<Timestamp>>,
}

impl UpdateBody {
    pub(in crate::native) fn into_change(self) -> Result<ChangeCampaign, Problem> {
        let writer = self.template.map(|name| {
            let name = name.as_deref().map(writer_of);
            name.transpose()
        });
        Ok(ChangeCampaign {
            name: self.name,
            sessions: self.sessions.as_deref().map(sessions_of).transpose()?,
            content: self.message.map(ContentBody::into_content).transpose()?,
            writer: writer.transpose()?,
            rules: self.rules.map(RulesBody::into_rules).transpose()?,
            start_at: self.start_at,
        })
    }
}

//! The rules by which a session sends.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::outbox::SendingRules;
use warbler_domain::pacing::{Pacing, QuietHours, Typing, WarmUp};
use warbler_domain::{Caller, SessionRef};

use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::in_field;
use crate::problem::Problem;

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_show, show),
        Route::of(__path_set, set).refuses(StatusCode::BAD_REQUEST, &["bad_pacing"]),
        Route::of(__path_reset, reset),
    ]
}

/// How a session spaces out what it sends. What is left out is not limited.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = SetSending)]
pub(in crate::native) struct RulesBody {
    /// Most messages in a minute; 0 is any number.
    #[schema(example = 20)]
    per_minute: u32,
    /// Most messages in an hour; 0 is any number.
    #[schema(example = 500)]
    per_hour: u32,
    /// Most messages to one recipient in an hour; 0 is any number.
    #[schema(example = 10)]
    per_recipient_hour: u32,
    /// Shortest pause between two messages, in milliseconds.
    #[schema(example = 2000)]
    gap_millis: u64,
    /// By how many percent that pause is varied, at most 100.
    #[schema(example = 30)]
    jitter_percent: u8,
    /// When nothing goes out.
    quiet: Option<QuietBody>,
    /// How a young session begins.
    warm_up: Option<WarmUpBody>,
    /// How typing is shown before a message.
    typing: Option<TypingBody>,
}

/// Hours in which nothing goes out, every day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = QuietHours)]
pub(in crate::native) struct QuietBody {
    /// When they begin.
    #[schema(example = "22:00")]
    from: String,
    /// When they end; earlier than `from` means on the next day.
    #[schema(example = "08:00")]
    to: String,
    /// By the clock of which place.
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// Whoever wrote within so many minutes is answered all the same; 0 makes no exception.
    #[serde(default)]
    #[schema(example = 60)]
    answer_within_minutes: u32,
}

/// How a young session begins: with few messages a day, more every day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = WarmUp)]
pub(in crate::native) struct WarmUpBody {
    /// Messages in the first 24 hours after pairing.
    #[schema(example = 50)]
    first_day: u32,
    /// By how many percent the number grows each day.
    #[schema(example = 40)]
    growth_percent: u32,
    /// After how many days it ends, at most 90.
    #[schema(example = 14)]
    days: u32,
}

/// How typing is shown before a message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Typing)]
pub(in crate::native) struct TypingBody {
    /// Milliseconds for each character of the text.
    #[schema(example = 60)]
    per_character_millis: u64,
    /// Longest time in milliseconds, at most 30,000.
    #[schema(example = 8000)]
    longest_millis: u64,
}

impl From<QuietHours> for QuietBody {
    fn from(quiet: QuietHours) -> Self {
        Self {
            from: quiet.from.to_string(),
            to: quiet.to.to_string(),
            zone: quiet.zone.to_string(),
            answer_within_minutes: quiet.answer_within_minutes,
        }
    }
}

impl QuietBody {
    /// The hours; what cannot be read is refused as `code`, in the field that `inside` names.
    pub(in crate::native) fn into_quiet(
        self,
        code: &'static str,
        inside: impl Fn(&str) -> String,
    ) -> Result<QuietHours, Problem> {
        Ok(QuietHours {
            from: in_field(code, &inside("from"), &self.from)?,
            to: in_field(code, &inside("to"), &self.to)?,
            zone: in_field(code, &inside("zone"), &self.zone)?,
            answer_within_minutes: self.answer_within_minutes,
        })
    }
}

impl RulesBody {
    fn into_pacing(self) -> Result<Pacing, Problem> {
        let quiet = self.quiet.map(|quiet| {
            let inside = |name: &str| format!("quiet.{name}");
            quiet.into_quiet("bad_pacing", inside)
        });
        Ok(Pacing {
            per_minute: self.per_minute,
            per_hour: self.per_hour,
            per_recipient_hour: self.per_recipient_hour,
            gap_millis: self.gap_millis,
            jitter_percent: self.jitter_percent,
            quiet: quiet.transpose()?,
            warm_up: self.warm_up.map(|warm_up| WarmUp {
                first_day: warm_up.first_day,
                growth_percent: warm_up.growth_percent,
                days: warm_up.days,
            }),
            typing: self.typing.map(|typing| Typing {
                per_character_millis: typing.per_character_millis,
                longest_millis: typing.longest_millis,
            }),
        })
    }
}

/// The rules by which a session sends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sending)]
pub(in crate::native) struct RulesView {
    /// Whether they are the session's own, and not the host's.
    own: bool,
    /// Most messages in a minute; 0 is any number.
    per_minute: u32,
    /// Most messages in an hour; 0 is any number.
    per_hour: u32,
    /// Most messages to one recipient in an hour; 0 is any number.
    per_recipient_hour: u32,
    /// Shortest pause between two messages, in milliseconds.
    gap_millis: u64,
    /// By how many percent that pause is varied.
    jitter_percent: u8,
    /// When nothing goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<QuietBody>,
    /// How a young session begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_up: Option<WarmUpBody>,
    /// How typing is shown before a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    typing: Option<TypingBody>,
}

impl From<SendingRules> for RulesView {
    fn from(rules: SendingRules) -> Self {
        let pacing = &*rules.pacing;
        Self {
            own: rules.own,
            per_minute: pacing.per_minute,
            per_hour: pacing.per_hour,
            per_recipient_hour: pacing.per_recipient_hour,
            gap_millis: pacing.gap_millis,
            jitter_percent: pacing.jitter_percent,
            quiet: pacing.quiet.clone().map(QuietBody::from),
            warm_up: pacing.warm_up.map(|warm_up| WarmUpBody {
                first_day: warm_up.first_day,
                growth_percent: warm_up.growth_percent,
                days: warm_up.days,
            }),
            typing: pacing.typing.map(|typing| TypingBody {
                per_character_millis: typing.per_character_millis,
                longest_millis: typing.longest_millis,
            }),
        }
    }
}

/// Shows the rules by which a session sends.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/sending", operation_id = "getSending",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The rules.", body = RulesView)),
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<RulesView>, Problem> {
    let rules = app.outboxes().rules(&caller, &session).await?;
    Ok(Json(rules.into()))
}

/// Gives a session rules of its own for sending, instead of the host's.
///
/// They delay what goes out, whoever asked for it, and never refuse anything.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/sending", operation_id = "setSending",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body(content = RulesBody, example = json!({
        "perMinute": 20, "perHour": 500, "perRecipientHour": 10, "gapMillis": 2000, "jitterPercent": 30,
        "quiet": { "from": "22:00", "to": "08:00", "zone": "Europe/Berlin", "answerWithinMinutes": 60 },
        "warmUp": { "firstDay": 50, "growthPercent": 40, "days": 14 },
        "typing": { "perCharacterMillis": 60, "longestMillis": 8000 },
    })),
    responses((status = 200, description = "The rules.", body = RulesView)),
)]
pub(super) async fn set(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<RulesBody>,
) -> Result<Json<RulesView>, Problem> {
    let pacing = body.into_pacing()?;
    let outboxes = app.outboxes();
    let rules = outboxes.set_rules(&caller, &session, Some(pacing)).await?;
    Ok(Json(rules.into()))
}

/// Lets a session send by the host's rules again.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/sending", operation_id = "resetSending",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The rules.", body = RulesView)),
)]
pub(super) async fn reset(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<RulesView>, Problem> {
    let rules = app.outboxes().set_rules(&caller, &session, None).await?;
    Ok(Json(rules.into()))
}

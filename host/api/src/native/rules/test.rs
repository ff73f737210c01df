//! `/v1/rules/test`: which rule would be used for a message, and why not the others.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::hook::{RuleTrial, RuleVerdict};
use warbler_app::rules::{TrialEvent, TryRules};
use warbler_domain::rule::RuleName;
use warbler_domain::{Caller, RuleId, SessionRef, Timestamp};

use super::CreateBody;
use crate::extract::Wire;
use crate::mount::Route;
use crate::native::events::ActionView;
use crate::native::in_field;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_test, test)
            .refuses(
                StatusCode::BAD_REQUEST,
                &[
                    "bad_rule",
                    "bad_rule_trial",
                    "bad_session_name",
                    "bad_recipient",
                ],
            )
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
    ]
}

/// A message to try rules with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RuleTestRequest, example = json!({
    "session": "shop", "text": "what is the price?", "from": "+15550100", "name": "Ada",
}))]
pub(crate) struct TestBody {
    /// The session that would receive it, by id or name.
    session: String,
    /// Its text, or what stands below a medium.
    text: Option<String>,
    /// Its kind: `text`, `image`, `video`, `gif`, `voice`, `audio`, `document`, `sticker`, `location`,
    /// `contacts` or `poll`.
    #[serde(default = "text")]
    #[schema(default = "text")]
    kind: String,
    /// Who writes; somebody, when left out.
    from: Option<String>,
    /// What they are called.
    name: Option<String>,
    /// In which chat, such as a group; the one with who writes, when left out.
    chat: Option<String>,
    /// When; now, when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// Somebody comes into a group, and nobody writes.
    #[serde(default)]
    new_member: bool,
    /// A rule to try alone, as it would be made.
    rule: Option<CreateBody>,
}

fn text() -> String {
    "text".to_owned()
}

impl TestBody {
    fn into_command(self) -> Result<TryRules, Problem> {
        let session: SessionRef = in_field("bad_session_name", "session", &self.session)?;
        let person = |field: &str, text: Option<String>| {
            text.map(|text| in_field("bad_recipient", field, &text))
                .transpose()
        };
        Ok(TryRules {
            session,
            event: if self.new_member {
                TrialEvent::NewMember
            } else {
                TrialEvent::Message {
                    kind: self.kind,
                    text: self.text,
                }
            },
            from: person("from", self.from)?,
            name: self.name,
            chat: person("chat", self.chat)?,
            at: self.at,
            only: self.rule.map(CreateBody::into_spec).transpose()?,
        })
    }
}

/// What rules would do with a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleTest)]
pub(crate) struct TestView {
    /// The names of those that would be used, in order; nobody answers when there are none.
    #[schema(value_type = Vec<String>)]
    used: Vec<RuleName>,
    /// What they would ask for.
    actions: Vec<ActionView>,
    /// Why nothing would be done although a rule is used, such as a missing grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The rule whose question the message answers: no other is looked at then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    answers: Option<RuleName>,
    /// Until when the chat is left to a human: no rule is looked at then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_until: Option<Timestamp>,
    /// Every rule that concerns the session, in order.
    rules: Vec<VerdictView>,
}

/// What became of one rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleVerdict)]
pub(crate) struct VerdictView {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<RuleId>,
    /// Its name.
    #[schema(value_type = String)]
    name: RuleName,
    /// Whether it would be used.
    used: bool,
    /// The first thing that does not hold, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the text contains none of \"price\" or \"cost\"")]
    why_not: Option<String>,
}

impl From<RuleVerdict> for VerdictView {
    fn from(verdict: RuleVerdict) -> Self {
        Self {
            id: verdict.id,
            name: verdict.name,
            used: verdict.why_not.is_none(),
            why_not: verdict.why_not,
        }
    }
}

impl From<RuleTrial> for TestView {
    fn from(trial: RuleTrial) -> Self {
        let used = trial.verdicts.iter();
        let used = used.filter(|verdict| verdict.why_not.is_none());
        let (actions, fault) = trial
            .outcome
            .map_or_else(Default::default, |outcome| (outcome.actions, outcome.fault));
        Self {
            used: used.map(|verdict| verdict.name.clone()).collect(),
            actions: actions.into_iter().map(ActionView::from).collect(),
            error: fault.map(|fault| fault.message),
            answers: trial.answers,
            paused_until: trial.paused_until,
            rules: trial.verdicts.into_iter().map(VerdictView::from).collect(),
        }
    }
}

/// Says which rule would be used for a message, and of every other the first condition that does not
/// hold. Nothing is sent, kept or changed.
#[utoipa::path(
    post, path = "/v1/rules/test", operation_id = "testRules",
    request_body = TestBody,
    responses((status = 200, description = "What would be done.", body = TestView)),
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<TestBody>,
) -> Result<Json<TestView>, Problem> {
    let trial = app.rules().test(&caller, body.into_command()?).await?;
    Ok(Json(trial.into()))
}

//! `/api/autoreplies`: answers by keyword.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use warbler_app::rules::CreateRule;
use warbler_domain::RuleSpec;
use warbler_domain::rule::{Condition, RuleAction, RuleName, RuleParts};

use super::sessions::Id;
use super::{Akg, Answer, Call, Key};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::native::in_field;
use crate::problem::Problem;

/// Characters of a keyword that name its rule.
const NAMED: usize = 48;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![Row::post("/api/autoreplies", Key, create)]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
    keyword: String,
    response: String,
    #[serde(default)]
    match_type: MatchType,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum MatchType {
    #[default]
    Exact,
    Contains,
    StartsWith,
}

impl MatchType {
    /// What rules call it, and people.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Exact => ("is", "is"),
            Self::Contains => ("containsAny", "contains"),
            Self::StartsWith => ("startsWith", "starts with"),
        }
    }
}

/// `POST /api/autoreplies`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer {
    let command = CreateRule {
        session: Some(Id::named(&body.session_id)?),
        spec: spec(&body)?,
        enabled: true,
    };
    let rule = call.app.rules().create(&call.caller, command, None).await?;
    Ok(Json(json!({
        "id": rule.id,
        "sessionId": body.session_id,
        "keyword": body.keyword,
        "response": body.response,
        "matchType": body.match_type,
    })))
}

/// The rule, written as rules are.
fn spec(body: &CreateBody) -> Result<RuleSpec, Problem> {
    let (word, said) = body.match_type.words();
    let keyword: String = body.keyword.chars().take(NAMED).collect();
    let name: RuleName = in_field("bad_rule", "keyword", &format!("{said}: {keyword}"))?;
    let bad = |field: &'static str| {
        move |err: serde_json::Error| Problem::invalid("bad_rule", err.to_string()).in_field(field)
    };
    let when: Condition =
        serde_json::from_value(json!({ word: [body.keyword] })).map_err(bad("keyword"))?;
    let then: RuleAction =
        serde_json::from_value(json!({ "reply": [body.response] })).map_err(bad("response"))?;
    let spec = RuleSpec::new(RuleParts {
        name,
        order: RuleParts::usual_order(),
        when: vec![when],
        then: vec![then],
        cooldown: None,
        match_case: false,
        continues: false,
    });
    spec.map_err(|err| Problem::invalid("bad_rule", err.to_string()))
}

//! Rules as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::rule::{Condition, RuleAction, RuleName, Span};
use warbler_domain::{Rule, RuleId, SessionId, Timestamp, UserId};

/// A rule: when it applies, and what is done then.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rule, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "name": "prices",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "order": 100,
    "enabled": true,
    "when": [{ "containsAny": ["price", "cost"] }],
    "then": [{ "reply": { "texts": ["Our prices start at $10."] } }],
    "cooldown": "10m",
    "matchCase": false,
    "continue": false,
    "createdAt": "2026-05-04T09:29:40.003Z",
    "updatedAt": "2026-05-04T09:29:40.003Z",
}))]
pub(crate) struct RuleView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: RuleId,
    /// What people call it.
    #[schema(value_type = String)]
    name: RuleName,
    /// The session it is for; absent when it is for all of its owner, or every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    session: Option<SessionId>,
    /// The user whose sessions it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// Its place among the others: smaller comes first.
    order: i32,
    /// Whether it is looked at.
    enabled: bool,
    /// What must hold, all of it, in its full form.
    #[schema(value_type = Vec<serde_json::Value>)]
    when: Vec<Condition>,
    /// What is done, in order, in its full form.
    #[schema(value_type = Vec<serde_json::Value>)]
    then: Vec<RuleAction>,
    /// How long it rests in a chat after it was used there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    cooldown: Option<Span>,
    /// Whether case and accents of its words count.
    match_case: bool,
    /// Whether later rules are looked at as well.
    r#continue: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> Self {
        let parts = rule.spec.into_parts();
        Self {
            id: rule.id,
            name: parts.name,
            session: rule.session,
            owner: rule.owner,
            order: parts.order,
            enabled: rule.enabled,
            when: parts.when,
            then: parts.then,
            cooldown: parts.cooldown,
            match_case: parts.match_case,
            r#continue: parts.continues,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

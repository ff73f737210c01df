//! The words of rules, as JSON says them.

use super::{Condition, RuleSpec};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn mistake(json: &str) -> String {
    match json.parse::<RuleSpec>() {
        Ok(_) => "a rule".to_owned(),
        Err(mistake) => mistake.to_string(),
    }
}

/// A rule with everything there is.
const EVERYTHING: &str = r#"{
    "name": "everything",
    "order": 5,
    "cooldown": "10m",
    "matchCase": true,
    "continue": true,
    "when": [
        { "is": "price" }, { "contains": ["price", "cost"] }, { "containsAll": ["a", "b"] },
        { "hasWord": "help" }, { "startsWith": "hi" }, { "endsWith": "?" },
        { "matches": "order (\\d+)" }, { "kind": ["image", "contact"] }, "direct", "group",
        { "from": ["+1 555 0100", "15550101@c.us"] }, { "in": "120363000000000000@g.us" },
        { "between": { "from": "09:00", "to": "18:00", "zone": "Europe/Berlin", "days": ["mon-fri"] } },
        { "onDays": "sat,sun" }, { "onDays": { "days": "sat", "zone": "UTC" } },
        "firstContact", "newMember", { "chance": 50 }, { "state": "waiting" }, { "tagged": "vip" },
        { "any": [{ "is": "x" }, { "not": "group" }] }, { "all": ["direct"] }
    ],
    "then": [
        { "reply": ["Hello {{name|friend}}", "Order {{1}}"] },
        { "media": { "kind": "image", "source": "https://example.com/a.png", "caption": "our menu" } },
        { "contact": { "name": "Ada", "phones": ["+15550100"] } },
        { "location": { "latitude": 52.5, "longitude": 13.4, "name": "Shop" } },
        { "react": "👍" }, "typing", "markRead",
        { "forward": "+15550199" }, { "send": { "to": "+15550199", "text": "look" } },
        { "tag": "vip" }, { "remember": { "name": "city", "value": "{{text}}" } },
        { "setState": "waiting" },
        { "ask": { "question": "Which?", "remember": "number", "expect": "^\\d+$" } },
        { "handOver": { "for": "2h", "to": "+15550199" } },
        { "webhook": { "event": "lead", "data": { "city": "{{city}}" } } },
        "stop"
    ]
}"#;

#[test]
fn every_condition_and_action_is_read_and_written_again() -> Result {
    let spec: RuleSpec = EVERYTHING
        .parse()
        .map_err(|bad: super::RuleMistake| bad.to_string())?;
    let written = serde_json::to_string(&spec)?;
    assert_eq!(serde_json::from_str::<RuleSpec>(&written)?, spec);
    assert!(spec.has_pattern());
    assert_eq!(spec.when.len(), 22);
    assert!(
        spec.when
            .iter()
            .any(|one| one.has(|c| matches!(c, Condition::Group)))
    );
    Ok(())
}

#[test]
fn a_mistake_names_its_field() {
    for (json, said) in [
        (r#"{"name":"x","then":[]}"#, "then: rule \"x\" does nothing"),
        (
            r#"{"name":" ","then":["stop"]}"#,
            "name: the name of a rule has 1 to 64",
        ),
        (
            r#"{"name":"x","then":[{"reply":"{{1}}"}]}"#,
            "then: `{{1}}` stands for a group",
        ),
        (
            r#"{"name":"x","then":[{"reply":"{{1"}]}"#,
            "then[0].reply: line 1, column 1: `{{` is not closed",
        ),
        (
            r#"{"name":"x","then":[{"reply":[]}]}"#,
            "then[0].reply: a reply has 1 to 32 texts",
        ),
        (
            r#"{"name":"x","then":[{"replay":"hi"}]}"#,
            "then[0]: unknown variant `replay`",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"contains":[""]}]}"#,
            "when[0].contains: an empty text",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"matches":"("}]}"#,
            "when[0].matches: not a regular expression: unclosed group",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"matches":"a{1000}{1000}"}]}"#,
            "when[0].matches: this regular expression becomes too large",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"matches":".*"}]}"#,
            "when[0].matches: this regular expression matches every text",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"between":{"from":"25:00","to":"18:00"}}]}"#,
            "when[0].between.from: `25:00` is not a time of day",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"between":{"from":"18:00","to":"18:00"}}]}"#,
            "when[0].between: the hours end when they begin",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"onDays":"someday"}]}"#,
            "when[0].onDays: `someday` is not a day",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"kind":"picture"}]}"#,
            "when[0].kind: `picture` is not a kind of message",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"chance":0}]}"#,
            "when[0].chance: a chance is",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"from":"abc"}]}"#,
            "when[0].from: `abc` is neither",
        ),
        (
            r#"{"name":"x","then":["stop"],"when":[{"any":[]}]}"#,
            "when: `any` and `all` need",
        ),
        (
            r#"{"name":"x","then":["stop"],"cooldown":"soon"}"#,
            "cooldown: `soon` is not a length of time",
        ),
        (
            r#"{"name":"x","then":["stop"],"colour":1}"#,
            "colour: unknown field `colour`",
        ),
        (
            r#"{"name":"x","then":[{"react":"yes"}]}"#,
            "then[0].react: a reaction is one emoji",
        ),
        (
            r#"{"name":"x","then":[{"media":{"kind":"image","source":"ftp://x"}}]}"#,
            "then[0].media.source: a source is",
        ),
        (
            r#"{"name":"x","then":[{"webhook":"Lead!"}]}"#,
            "then[0].webhook: `Lead!` cannot name",
        ),
        (
            r#"{"name":"x","then":[{"remember":{"name":"text","value":"x"}}]}"#,
            "then[0].remember.name: `text` cannot name a value",
        ),
    ] {
        let found = mistake(json);
        assert!(found.starts_with(said), "{json}\n  {found}\n  {said}");
    }
}

#[test]
fn conditions_do_not_grow_without_end() {
    let mut deep = "\"direct\"".to_owned();
    for _ in 0..6 {
        deep = format!("{{\"not\":{deep}}}");
    }
    let json = format!("{{\"name\":\"x\",\"then\":[\"stop\"],\"when\":[{deep}]}}");
    assert!(mistake(&json).contains("deep in one another"));
    let many = vec!["\"direct\""; 65].join(",");
    let json = format!("{{\"name\":\"x\",\"then\":[\"stop\"],\"when\":[{many}]}}");
    assert!(mistake(&json).contains("at most 64 conditions"));
}

#[test]
fn a_mistake_is_told_in_few_words_however_long_it_is() {
    let long = "x".repeat(100_000);
    let found = mistake(&format!("{{\"name\":\"x\",\"{long}\":1}}"));
    assert!(found.contains("unknown field") && found.contains(" … "));
    assert!(found.chars().count() < 2_000, "{}", found.len());
}

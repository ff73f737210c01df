//! The shortcut through all rules finds what looking at every rule finds.

use std::sync::Arc;

use serde_json::{Value, json};
use warbler_app::hook::{Given, HookCall, KvReader};
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::rule::ChatMemory;
use warbler_domain::{
    Content, Event, EventBody, EventId, Message, MessageId, Random, RuleSpec, SessionId, Timestamp,
    WhatsAppId,
};

use super::RuleSet;
use super::reading::Reading;
use super::run::{candidates, used};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const NOW: Timestamp = Timestamp::from_millis(1_772_618_400_000);
const PIECES: [&str; 12] = [
    "price", "Cost", "é", "e\u{301}", " ", "  ", "PR", "ice", "1", "42", "größe", "?",
];

fn call(text: &str, random: &Random) -> Result<HookCall> {
    let session = SessionId::new(NOW, random);
    let ada: warbler_domain::Jid = "15550100@s.whatsapp.net".parse()?;
    let message = Message {
        id: MessageId::new(NOW, random),
        session,
        whatsapp_id: WhatsAppId::new(random),
        chat: ada.clone(),
        chat_alt: None,
        sender: ada,
        sender_alt: None,
        sender_name: None,
        sender_saved_name: None,
        direction: Direction::Inbound,
        timestamp: NOW,
        content: Content::text(text),
        quoted: None,
        forwarded: 0,
        audience: Vec::new(),
        scheduled_for: None,
        status: MessageStatus::Received,
        error: None,
        error_code: None,
    };
    Ok(HookCall {
        event: Arc::new(Event {
            id: EventId::new(NOW, random),
            session,
            at: NOW,
            body: EventBody::Message {
                message: Box::new(message),
            },
        }),
        owner: None,
        session_name: "shop".parse()?,
        now: NOW,
        kv: KvReader::given(Arc::new(Given::default()), "rules".parse()?, NOW),
    })
}

/// Some text of pieces that often meet.
fn text(random: &Random, most: usize) -> String {
    (0..1 + random.below(most))
        .filter_map(|_| PIECES.get(random.below(PIECES.len())))
        .copied()
        .collect()
}

fn words(random: &Random) -> Value {
    let words: Vec<String> = (0..1 + random.below(3))
        .map(|_| text(random, 3))
        .filter(|word| !word.trim().is_empty())
        .chain([PIECES[random.below(2)].to_owned()])
        .collect();
    json!(words)
}

/// Any condition about a text, or several of them.
fn condition(random: &Random, depth: usize) -> Value {
    let several = |random: &Random| -> Vec<Value> {
        let many = 1 + random.below(3);
        (0..many).map(|_| condition(random, depth + 1)).collect()
    };
    match random.below(if depth < 3 { 12 } else { 9 }) {
        0 => json!({ "is": words(random) }),
        1 => json!({ "containsAny": words(random) }),
        2 => json!({ "containsAll": words(random) }),
        3 => json!({ "hasWord": words(random) }),
        4 => json!({ "startsWith": words(random) }),
        5 => json!({ "endsWith": words(random) }),
        6 => json!({ "matches": (["pri?ce", "\\d+", "^cost", "é"][random.below(4)]) }),
        7 => json!("direct"),
        8 => json!({ "chance": 1 + random.below(100) }),
        9 => json!({ "any": several(random) }),
        10 => json!({ "all": several(random) }),
        _ => json!({ "not": condition(random, depth + 1) }),
    }
}

#[test]
fn what_one_pass_finds_is_what_looking_at_every_rule_finds() -> Result {
    let random = Random::seeded(17);
    let memory = ChatMemory::default();
    let mut hits = 0;
    for _ in 0..60 {
        let mut specs = Vec::new();
        for number in 0..40 {
            let when: Vec<Value> = (0..random.below(3))
                .map(|_| condition(&random, 1))
                .collect();
            let spec = serde_json::from_value::<RuleSpec>(json!({
                "name": number.to_string(), "when": when, "then": ["stop"], "continue": true,
                "matchCase": random.below(2) == 0,
            }))?;
            specs.push((spec, None));
        }
        let sets = [Arc::new(RuleSet::of_script(specs))];
        for _ in 0..40 {
            let call = call(&text(&random, 6), &random)?;
            let reading = Reading::of(&call).ok_or("a message")?;
            let shortcut = used(&candidates(&sets, &reading), &reading, &memory, false);
            let [set] = &sets;
            let all: Vec<_> = set.entries.iter().collect();
            let whole = used(&all, &reading, &memory, false);
            let names = |entries: &[&super::Entry]| -> Vec<String> {
                entries
                    .iter()
                    .map(|entry| entry.name().to_string())
                    .collect()
            };
            assert_eq!(names(&shortcut), names(&whole), "{:?}", reading.text());
            hits += whole.len();
        }
    }
    assert!(hits > 1_000, "{hits}");
    Ok(())
}

#[test]
fn why_a_rule_is_not_used_is_said_when_and_only_when_it_is_not() -> Result {
    let random = Random::seeded(23);
    let memory = ChatMemory::default();
    for _ in 0..2_000 {
        let when: Vec<Value> = (0..1 + random.below(3))
            .map(|_| condition(&random, 1))
            .collect();
        let spec = serde_json::from_value(json!({ "name": "x", "when": when, "then": ["stop"] }))?;
        let sets = [Arc::new(RuleSet::of_script(vec![(spec, None)]))];
        let call = call(&text(&random, 6), &random)?;
        let reading = Reading::of(&call).ok_or("a message")?;
        let [set] = &sets;
        let entry = set.entries.first().ok_or("a rule")?;
        let known = super::run::known(entry, &reading, &memory, false);
        let why = entry.why_not(&known);
        assert_eq!(entry.holds(&known), why.is_none(), "{why:?}");
        assert!(why.is_none_or(|why| !why.trim().is_empty()));
    }
    Ok(())
}

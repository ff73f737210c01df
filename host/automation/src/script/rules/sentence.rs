//! One rule as a sentence: every word of it adds a condition or an action.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rhai::{Array, Dynamic, Engine, EvalAltResult, Map, Position};
use warbler_domain::RuleSpec;
use warbler_domain::jid::PhoneNumber;
use warbler_domain::pacing::Zone;
use warbler_domain::rule::{
    Address, Ask, BadRule, Condition, ContactAnswer, ForwardTo, HandOver, MediaAnswer, PlaceAnswer,
    Post, Remember, Reply, RuleAction, RuleName, RuleParts, SendTo, SetState, Tell, Template,
};

use super::conditions::{self, Wanted};
use super::{Answer, refused, texts, wrong};

/// Every word a rule has.
pub(super) const WORDS: [&str; 44] = [
    "when",
    "unless",
    "on_kind",
    "only_direct",
    "only_groups",
    "from",
    "in_chats",
    "between",
    "outside",
    "on_days",
    "in_zone",
    "on_first_contact",
    "on_new_member",
    "with_chance",
    "in_state",
    "if_tagged",
    "cooldown",
    "order",
    "case_sensitive",
    "keep_going",
    "reply",
    "reply_quoted",
    "send_media",
    "send_image",
    "send_document",
    "send_contact",
    "send_location",
    "react",
    "typing",
    "mark_read",
    "forward_to",
    "send_to",
    "tag",
    "untag",
    "remember",
    "forget",
    "set_state",
    "clear_state",
    "ask",
    "hand_over",
    "webhook",
    "post",
    "stop",
    "then",
];

/// A rule that is being said.
#[derive(Clone)]
pub(super) struct Draft {
    parts: RuleParts,
    /// Conditions about the time whose clock was named on the spot.
    own_zone: Vec<usize>,
    zone: Option<Zone>,
    place: Position,
}

/// What the words of a rule are said to; clones are the same rule.
#[derive(Clone)]
pub(super) struct Sentence(pub(super) Arc<Mutex<Draft>>);

impl Draft {
    pub(super) fn new(name: RuleName, place: Position, zone: Option<Zone>) -> Self {
        Self {
            parts: RuleParts {
                name,
                order: RuleParts::usual_order(),
                when: Vec::new(),
                then: Vec::new(),
                cooldown: None,
                match_case: false,
                continues: false,
            },
            own_zone: Vec::new(),
            zone,
            place,
        }
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Position {
        self.place
    }

    /// The rule, with the clock that was named for it.
    pub(super) fn into_spec(mut self) -> Result<RuleSpec, BadRule> {
        if let Some(zone) = &self.zone {
            for (index, condition) in self.parts.when.iter_mut().enumerate() {
                if !self.own_zone.contains(&index) {
                    by_clock_of(condition, zone);
                }
            }
        }
        RuleSpec::new(self.parts)
    }
}

/// Has a condition about the time mean this clock.
fn by_clock_of(condition: &mut Condition, zone: &Zone) {
    match condition {
        Condition::Between(hours) => *hours = hours.clone().in_zone(zone.clone()),
        Condition::OnDays(days) => days.zone = zone.clone(),
        Condition::Not(one) => by_clock_of(one, zone),
        _ => {}
    }
}

impl Sentence {
    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn with(self, change: impl FnOnce(&mut Draft)) -> Self {
        change(&mut self.draft());
        self
    }

    fn wants(self, condition: Condition) -> Self {
        self.with(|draft| draft.parts.when.push(condition))
    }

    fn does(self, action: RuleAction) -> Self {
        self.with(|draft| draft.parts.then.push(action))
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Answer<T> {
    text.parse().map_err(|bad| wrong(&bad))
}

fn said<T, E: std::fmt::Display>(made: Result<T, E>) -> Answer<T> {
    made.map_err(|bad| wrong(&bad))
}

pub(super) fn register(engine: &mut Engine) {
    register_conditions(engine);
    register_times(engine);
    register_answers(engine);
    register_others(engine);
    register_memory(engine);
}

fn register_conditions(engine: &mut Engine) {
    engine.register_fn("when", |rule: Sentence, one: Wanted| rule.wants(one.0));
    engine.register_fn("when", |rule: Sentence, list: Array| -> Answer<Sentence> {
        let list = conditions::list(list)?;
        Ok(list.into_iter().fold(rule, Sentence::wants))
    });
    engine.register_fn("unless", |rule: Sentence, one: Wanted| {
        rule.wants(Condition::Not(Box::new(one.0)))
    });
    engine.register_fn(
        "on_kind",
        |rule: Sentence, value: Dynamic| -> Answer<Sentence> {
            Ok(rule.wants(Condition::Kind(conditions::kinds(value)?)))
        },
    );
    engine.register_fn(
        "from",
        |rule: Sentence, value: Dynamic| -> Answer<Sentence> {
            Ok(rule.wants(Condition::From(conditions::people(value)?)))
        },
    );
    engine.register_fn(
        "in_chats",
        |rule: Sentence, value: Dynamic| -> Answer<Sentence> {
            Ok(rule.wants(Condition::In(conditions::people(value)?)))
        },
    );
    engine.register_fn(
        "with_chance",
        |rule: Sentence, percent: i64| -> Answer<Sentence> {
            Ok(rule.wants(Condition::Chance(conditions::chance(percent)?)))
        },
    );
    engine.register_fn(
        "in_state",
        |rule: Sentence, name: &str| -> Answer<Sentence> {
            Ok(rule.wants(Condition::State(parsed(name)?)))
        },
    );
    engine.register_fn(
        "if_tagged",
        |rule: Sentence, tag: &str| -> Answer<Sentence> {
            Ok(rule.wants(Condition::Tagged(parsed(tag)?)))
        },
    );
    let plain: [(&str, Condition); 4] = [
        ("only_direct", Condition::Direct),
        ("only_groups", Condition::Group),
        ("on_first_contact", Condition::FirstContact),
        ("on_new_member", Condition::NewMember),
    ];
    for (name, condition) in plain {
        engine.register_fn(name, move |rule: Sentence| rule.wants(condition.clone()));
    }
    engine.register_fn("order", |rule: Sentence, order: i64| -> Answer<Sentence> {
        let order = said(i32::try_from(order))?;
        Ok(rule.with(|draft| draft.parts.order = order))
    });
    engine.register_fn("case_sensitive", |rule: Sentence| {
        rule.with(|draft| draft.parts.match_case = true)
    });
    engine.register_fn("keep_going", |rule: Sentence| {
        rule.with(|draft| draft.parts.continues = true)
    });
    // It only makes a sentence read well.
    engine.register_fn("then", |rule: Sentence| rule);
}

fn register_times(engine: &mut Engine) {
    engine.register_fn(
        "between",
        |rule: Sentence, from: &str, to: &str| -> Answer<Sentence> {
            Ok(rule.wants(Condition::Between(conditions::hours(from, to)?)))
        },
    );
    engine.register_fn(
        "between",
        |rule: Sentence, from: &str, to: &str, zone: &str| -> Answer<Sentence> {
            let hours = conditions::hours(from, to)?.in_zone(parsed(zone)?);
            Ok(rule.with(|draft| {
                draft.own_zone.push(draft.parts.when.len());
                draft.parts.when.push(Condition::Between(hours));
            }))
        },
    );
    engine.register_fn(
        "outside",
        |rule: Sentence, from: &str, to: &str| -> Answer<Sentence> {
            let hours = Condition::Between(conditions::hours(from, to)?);
            Ok(rule.wants(Condition::Not(Box::new(hours))))
        },
    );
    engine.register_fn(
        "on_days",
        |rule: Sentence, value: Dynamic| -> Answer<Sentence> {
            Ok(rule.wants(Condition::OnDays(conditions::days(value)?)))
        },
    );
    engine.register_fn(
        "in_zone",
        |rule: Sentence, zone: &str| -> Answer<Sentence> {
            let zone = parsed(zone)?;
            Ok(rule.with(|draft| draft.zone = Some(zone)))
        },
    );
    engine.register_fn(
        "cooldown",
        |rule: Sentence, span: &str| -> Answer<Sentence> {
            let span = parsed(span)?;
            Ok(rule.with(|draft| draft.parts.cooldown = Some(span)))
        },
    );
}

fn register_answers(engine: &mut Engine) {
    for (name, quote) in [("reply", false), ("reply_quoted", true)] {
        engine.register_fn(
            name,
            move |rule: Sentence, value: Dynamic| -> Answer<Sentence> {
                let texts = texts(value)?;
                let templates: Answer<Vec<Template>> =
                    texts.iter().map(|text| parsed(text)).collect();
                let reply = said(Reply::new(templates?, quote))?;
                Ok(rule.does(RuleAction::Reply(reply)))
            },
        );
    }
    engine.register_fn(
        "send_media",
        |rule: Sentence, kind: &str, source: &str| -> Answer<Sentence> {
            media(rule, kind, source, None)
        },
    );
    engine.register_fn(
        "send_media",
        |rule: Sentence, kind: &str, source: &str, caption: &str| -> Answer<Sentence> {
            media(rule, kind, source, Some(caption))
        },
    );
    for (name, kind) in [("send_image", "image"), ("send_document", "document")] {
        engine.register_fn(
            name,
            move |rule: Sentence, source: &str| -> Answer<Sentence> {
                media(rule, kind, source, None)
            },
        );
        engine.register_fn(
            name,
            move |rule: Sentence, source: &str, caption: &str| -> Answer<Sentence> {
                media(rule, kind, source, Some(caption))
            },
        );
    }
    engine.register_fn(
        "send_contact",
        |rule: Sentence, name: &str, phones: Dynamic| -> Answer<Sentence> {
            let phones = texts(phones)?;
            let phones: Answer<Vec<PhoneNumber>> = phones.iter().map(|one| parsed(one)).collect();
            let contact = said(ContactAnswer::new(name, phones?))?;
            Ok(rule.does(RuleAction::Contact(contact)))
        },
    );
    engine.register_fn("send_location", |rule: Sentence, north: f64, east: f64| {
        place(rule, north, east, None)
    });
    engine.register_fn(
        "send_location",
        |rule: Sentence, north: f64, east: f64, name: &str| {
            place(rule, north, east, Some(name.to_owned()))
        },
    );
    engine.register_fn("react", |rule: Sentence, emoji: &str| -> Answer<Sentence> {
        Ok(rule.does(RuleAction::React(parsed(emoji)?)))
    });
    let plain: [(&str, RuleAction); 4] = [
        ("typing", RuleAction::Typing),
        ("mark_read", RuleAction::MarkRead),
        ("clear_state", RuleAction::ClearState),
        ("stop", RuleAction::Stop),
    ];
    for (name, action) in plain {
        engine.register_fn(name, move |rule: Sentence| rule.does(action.clone()));
    }
}

fn media(rule: Sentence, kind: &str, source: &str, caption: Option<&str>) -> Answer<Sentence> {
    let media = MediaAnswer {
        kind: parsed(kind)?,
        source: said(MediaAnswer::source_of(source))?,
        caption: caption.map(parsed).transpose()?,
        file_name: None,
    };
    Ok(rule.does(RuleAction::Media(media)))
}

fn place(rule: Sentence, north: f64, east: f64, name: Option<String>) -> Answer<Sentence> {
    let place = said(PlaceAnswer::new(north, east, name))?;
    Ok(rule.does(RuleAction::Location(place)))
}

fn register_others(engine: &mut Engine) {
    engine.register_fn(
        "forward_to",
        |rule: Sentence, to: &str| -> Answer<Sentence> {
            let to = parsed(to)?;
            Ok(rule.does(RuleAction::Forward(ForwardTo { to, note: None })))
        },
    );
    engine.register_fn(
        "forward_to",
        |rule: Sentence, to: &str, note: &str| -> Answer<Sentence> {
            let (to, note) = (parsed(to)?, Some(parsed(note)?));
            Ok(rule.does(RuleAction::Forward(ForwardTo { to, note })))
        },
    );
    engine.register_fn(
        "send_to",
        |rule: Sentence, to: &str, text: &str| -> Answer<Sentence> {
            let (to, text) = (parsed(to)?, parsed(text)?);
            Ok(rule.does(RuleAction::Send(SendTo { to, text })))
        },
    );
    engine.register_fn(
        "hand_over",
        |rule: Sentence, lasts: &str| -> Answer<Sentence> { hand_over(rule, lasts, None, None) },
    );
    engine.register_fn(
        "hand_over",
        |rule: Sentence, lasts: &str, to: &str| -> Answer<Sentence> {
            hand_over(rule, lasts, Some(to), None)
        },
    );
    engine.register_fn(
        "hand_over",
        |rule: Sentence, lasts: &str, to: &str, note: &str| -> Answer<Sentence> {
            hand_over(rule, lasts, Some(to), Some(note))
        },
    );
    engine.register_fn(
        "webhook",
        |rule: Sentence, event: &str| -> Answer<Sentence> {
            let tell = said(Tell::new(event, BTreeMap::new()))?;
            Ok(rule.does(RuleAction::Webhook(tell)))
        },
    );
    engine.register_fn(
        "webhook",
        |rule: Sentence, event: &str, data: Map| -> Answer<Sentence> {
            let tell = said(Tell::new(event, fields(data)?))?;
            Ok(rule.does(RuleAction::Webhook(tell)))
        },
    );
    engine.register_fn("post", |rule: Sentence, url: &str| -> Answer<Sentence> {
        let post = said(Post::new(url, BTreeMap::new()))?;
        Ok(rule.does(RuleAction::Post(post)))
    });
    engine.register_fn(
        "post",
        |rule: Sentence, url: &str, data: Map| -> Answer<Sentence> {
            let post = said(Post::new(url, fields(data)?))?;
            Ok(rule.does(RuleAction::Post(post)))
        },
    );
}

fn hand_over(
    rule: Sentence,
    lasts: &str,
    to: Option<&str>,
    note: Option<&str>,
) -> Answer<Sentence> {
    let to: Option<Address> = to.map(parsed).transpose()?;
    Ok(rule.does(RuleAction::HandOver(HandOver {
        lasts: parsed(lasts)?,
        to,
        note: note.map(parsed).transpose()?,
    })))
}

/// The fields of a map, each a text with places to fill in.
fn fields(map: Map) -> Answer<BTreeMap<String, Template>> {
    let fields = map.into_iter();
    fields
        .map(|(key, value)| Ok((key.to_string(), parsed(&value.to_string())?)))
        .collect()
}

fn register_memory(engine: &mut Engine) {
    engine.register_fn("tag", |rule: Sentence, tag: &str| -> Answer<Sentence> {
        Ok(rule.does(RuleAction::Tag(parsed(tag)?)))
    });
    engine.register_fn("untag", |rule: Sentence, tag: &str| -> Answer<Sentence> {
        Ok(rule.does(RuleAction::Untag(parsed(tag)?)))
    });
    engine.register_fn(
        "remember",
        |rule: Sentence, name: &str, value: &str| -> Answer<Sentence> {
            let (name, value) = (parsed(name)?, parsed(value)?);
            Ok(rule.does(RuleAction::Remember(Remember { name, value })))
        },
    );
    engine.register_fn("forget", |rule: Sentence, name: &str| -> Answer<Sentence> {
        Ok(rule.does(RuleAction::Forget(parsed(name)?)))
    });
    engine.register_fn(
        "set_state",
        |rule: Sentence, name: &str| -> Answer<Sentence> {
            let (name, lasts) = (parsed(name)?, SetState::usual());
            Ok(rule.does(RuleAction::SetState(SetState { name, lasts })))
        },
    );
    engine.register_fn(
        "set_state",
        |rule: Sentence, name: &str, lasts: &str| -> Answer<Sentence> {
            let (name, lasts) = (parsed(name)?, parsed(lasts)?);
            Ok(rule.does(RuleAction::SetState(SetState { name, lasts })))
        },
    );
    engine.register_fn(
        "ask",
        |rule: Sentence, question: &str, remember: &str| -> Answer<Sentence> {
            Ok(rule.does(ask(question, remember, Map::new())?))
        },
    );
    engine.register_fn(
        "ask",
        |rule: Sentence, question: &str, remember: &str, with: Map| -> Answer<Sentence> {
            Ok(rule.does(ask(question, remember, with)?))
        },
    );
}

fn ask(question: &str, remember: &str, with: Map) -> Answer<RuleAction> {
    let mut ask = Ask {
        question: parsed(question)?,
        remember: parsed(remember)?,
        expect: None,
        retry: None,
        within: Ask::usual(),
        cancel: Ask::usual_cancel(),
        cancelled: None,
    };
    for (key, value) in with {
        let text = || -> Result<String, Box<EvalAltResult>> {
            let wanted = |found: &str| refused(format!("`{key}` is a text, not {found}"));
            value.clone().into_string().map_err(wanted)
        };
        match key.as_str() {
            "expect" => ask.expect = Some(conditions::pattern(&text()?)?),
            "retry" => ask.retry = Some(parsed(&text()?)?),
            "within" => ask.within = parsed(&text()?)?,
            "cancelled" => ask.cancelled = Some(parsed(&text()?)?),
            "cancel" => ask.cancel = conditions::words(value.clone())?,
            other => {
                return Err(refused(format!(
                    "`ask` has no `{other}`; there are expect, retry, within, cancel, cancelled"
                )));
            }
        }
    }
    Ok(RuleAction::Ask(Box::new(ask)))
}

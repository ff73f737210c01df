//! Conditions as sentences say them.

use rhai::{Array, Dynamic, Engine};
use warbler_domain::rule::{Chance, Condition, Hours, Kinds, OnDays, Pattern, People, Words};

use super::{Answer, failure, refused, texts, wrong};

/// The text of a message: what `text` stands for in a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text;

/// A condition, to be given to `when`.
#[derive(Debug, Clone)]
pub(super) struct Wanted(pub(super) Condition);

/// What `text` can be asked.
pub(super) const TEXT_WORDS: [&str; 8] = [
    "equals",
    "contains",
    "contains_any",
    "contains_all",
    "has_word",
    "starts_with",
    "ends_with",
    "matches",
];

/// What stands for itself in rules.
pub(super) const GLOBAL_WORDS: [&str; 14] = [
    "rule",
    "time_zone",
    "kind",
    "from",
    "in_chat",
    "between",
    "on_days",
    "by_chance",
    "state",
    "tagged",
    "any_of",
    "all_of",
    "not",
    "text",
];

/// Whether a name stands for something in rules.
pub(in crate::script) fn is_word(name: &str) -> bool {
    ["text", "direct", "group", "first_contact", "new_member"].contains(&name)
}

/// What a name stands for at the top level of a script, where the script does not say otherwise.
pub(in crate::script) fn word(name: &str) -> Option<Dynamic> {
    let condition = match name {
        "text" => None,
        "direct" => Some(Condition::Direct),
        "group" => Some(Condition::Group),
        "first_contact" => Some(Condition::FirstContact),
        "new_member" => Some(Condition::NewMember),
        _ => return None,
    };
    if !super::COLLECTOR.with_borrow(Option::is_some) {
        return None;
    }
    Some(match condition {
        Some(condition) => Dynamic::from(Wanted(condition)),
        None => Dynamic::from(Text),
    })
}

pub(super) fn words(value: Dynamic) -> Answer<Words> {
    Words::try_from(texts(value)?).map_err(|bad| wrong(&bad))
}

pub(super) fn pattern(text: &str) -> Answer<Pattern> {
    text.parse().map_err(|bad| wrong(&bad))
}

pub(super) fn people(value: Dynamic) -> Answer<People> {
    let texts = texts(value)?;
    People::of(texts.iter().map(String::as_str)).map_err(|bad| wrong(&bad))
}

pub(super) fn kinds(value: Dynamic) -> Answer<Kinds> {
    let texts = texts(value)?;
    Kinds::of(texts.iter().map(String::as_str)).map_err(|bad| wrong(&bad))
}

pub(super) fn hours(from: &str, to: &str) -> Answer<Hours> {
    let from = from.parse().map_err(|bad| wrong(&bad))?;
    let to = to.parse().map_err(|bad| wrong(&bad))?;
    Hours::new(from, to).map_err(|bad| wrong(&bad))
}

pub(super) fn days(value: Dynamic) -> Answer<OnDays> {
    OnDays::try_from(texts(value)?.join(",")).map_err(|bad| wrong(&bad))
}

pub(super) fn chance(percent: i64) -> Answer<Chance> {
    Chance::try_from(percent).map_err(|bad| wrong(&bad))
}

/// The conditions in a list.
pub(super) fn list(list: Array) -> Answer<Vec<Condition>> {
    list.into_iter()
        .map(|one| {
            let kind = one.type_name();
            let wanted: Option<Wanted> = one.try_cast();
            let wanted = wanted.map(|wanted| wanted.0);
            wanted.ok_or_else(|| {
                let kind = failure::kind_of(kind);
                refused(format!("a condition belongs here, not {kind}"))
            })
        })
        .collect()
}

pub(super) fn register(engine: &mut Engine) {
    type Looks = fn(Words) -> Condition;
    let texts: [(&str, Looks); 7] = [
        ("equals", Condition::Is),
        ("contains", Condition::ContainsAny),
        ("contains_any", Condition::ContainsAny),
        ("contains_all", Condition::ContainsAll),
        ("has_word", Condition::HasWord),
        ("starts_with", Condition::StartsWith),
        ("ends_with", Condition::EndsWith),
    ];
    for (name, make) in texts {
        engine.register_fn(name, move |_: Text, value: Dynamic| -> Answer<Wanted> {
            words(value).map(|words| Wanted(make(words)))
        });
    }
    engine.register_fn("matches", |_: Text, text: &str| -> Answer<Wanted> {
        pattern(text).map(|found| Wanted(Condition::Matches(found)))
    });
    engine.register_fn("kind", |value: Dynamic| -> Answer<Wanted> {
        kinds(value).map(|found| Wanted(Condition::Kind(found)))
    });
    engine.register_fn("from", |value: Dynamic| -> Answer<Wanted> {
        people(value).map(|found| Wanted(Condition::From(found)))
    });
    engine.register_fn("in_chat", |value: Dynamic| -> Answer<Wanted> {
        people(value).map(|found| Wanted(Condition::In(found)))
    });
    engine.register_fn("between", |from: &str, to: &str| -> Answer<Wanted> {
        hours(from, to).map(|found| Wanted(Condition::Between(found)))
    });
    engine.register_fn(
        "between",
        |from: &str, to: &str, zone: &str| -> Answer<Wanted> {
            let zone = zone.parse().map_err(|bad| wrong(&bad))?;
            hours(from, to).map(|found| Wanted(Condition::Between(found.in_zone(zone))))
        },
    );
    engine.register_fn("on_days", |value: Dynamic| -> Answer<Wanted> {
        days(value).map(|found| Wanted(Condition::OnDays(found)))
    });
    // `chance` is a function of scripts.
    engine.register_fn("by_chance", |percent: i64| -> Answer<Wanted> {
        chance(percent).map(|found| Wanted(Condition::Chance(found)))
    });
    engine.register_fn("state", |name: &str| -> Answer<Wanted> {
        let name = name.parse().map_err(|bad| wrong(&bad))?;
        Ok(Wanted(Condition::State(name)))
    });
    engine.register_fn("tagged", |name: &str| -> Answer<Wanted> {
        let name = name.parse().map_err(|bad| wrong(&bad))?;
        Ok(Wanted(Condition::Tagged(name)))
    });
    engine.register_fn("any_of", |conditions: Array| -> Answer<Wanted> {
        list(conditions).map(|found| Wanted(Condition::Any(found)))
    });
    engine.register_fn("all_of", |conditions: Array| -> Answer<Wanted> {
        list(conditions).map(|found| Wanted(Condition::All(found)))
    });
    for name in ["not", "!"] {
        engine.register_fn(name, |one: Wanted| Wanted(Condition::Not(Box::new(one.0))));
    }
}

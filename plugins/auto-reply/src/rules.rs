//! `[config]` of `plugin.toml`: keywords, their answers, and when to keep quiet.
//!
//! The config is read anew for each message, so it is read without copying and in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::words::{folded, has_words};

/// The `[config]` table of `plugin.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules<'a> {
    /// Whether answers quote the message.
    #[serde(default)]
    pub(crate) quote: bool,
    /// Whether later extensions are kept from a message that was answered.
    #[serde(default)]
    pub(crate) stop: bool,
    /// Whether groups are left alone.
    #[serde(default)]
    pub(crate) not_in_groups: bool,
    /// For how long an answer is not given again in a chat; 0 for always.
    #[serde(default)]
    cooldown_minutes: u64,
    /// When a person takes over.
    #[serde(borrow)]
    pub(crate) hand_over: Option<HandOver<'a>>,
    /// What to answer to what.
    #[serde(default, borrow)]
    answers: Vec<Rule<'a>>,
}

/// When a person takes over from the plugin, and for how long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOver<'a> {
    /// For how long the plugin is quiet in the chat.
    minutes: u64,
    /// What customers say to get a person.
    #[serde(default, borrow)]
    keywords: Spoken<'a>,
    /// What they are told then.
    #[serde(default, borrow)]
    reply: Spoken<'a>,
    /// Whether a message the account writes on its phone hands the chat over as well.
    #[serde(default = "yes")]
    pub(crate) own_messages: bool,
    /// What the account writes to end the pause.
    #[serde(default, borrow)]
    resume: Spoken<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule<'a> {
    #[serde(borrow)]
    keywords: Spoken<'a>,
    #[serde(borrow)]
    reply: Spoken<'a>,
    cooldown_minutes: Option<u64>,
}

/// An answer that is due.
pub(crate) struct Answer<'r> {
    /// The texts, one message each.
    pub(crate) texts: &'r [Cow<'r, str>],
    /// For how many seconds it is not given again in this chat; 0 for no time at all.
    pub(crate) cooldown_seconds: u64,
    /// What tells the rule from others, whatever their order.
    pub(crate) rule: u64,
}

fn yes() -> bool {
    true
}

impl<'a> Rules<'a> {
    /// Reads the config; the error says what is wrong with it.
    pub(crate) fn parse(json: &'a str) -> Result<Self, String> {
        let rules: Self = serde_json::from_str(json)
            .map_err(|error| format!("[config] in plugin.toml cannot be used: {error}"))?;
        if rules.hand_over.as_ref().is_some_and(|it| it.minutes == 0) {
            return Err("[config.hand_over] needs `minutes` of 1 or more".to_owned());
        }
        Ok(rules)
    }

    /// The answers to a folded `message`, in the order of the manifest.
    pub(crate) fn answers_to<'r>(&'r self, message: &str) -> impl Iterator<Item = Answer<'r>> {
        self.answers.iter().filter_map(move |rule| {
            let language = rule.keywords.found_in(message)?;
            let minutes = rule.cooldown_minutes.unwrap_or(self.cooldown_minutes);
            Some(Answer {
                texts: rule.reply.texts_in(language),
                cooldown_seconds: minutes.saturating_mul(60),
                rule: rule.keywords.digest(),
            })
        })
    }
}

impl HandOver<'_> {
    /// How long the pause is.
    pub(crate) fn seconds(&self) -> u64 {
        self.minutes.saturating_mul(60)
    }

    /// What to tell somebody who asks for a person in the folded `message`; nothing for others.
    pub(crate) fn asked_for(&self, message: &str) -> Option<&[Cow<'_, str>]> {
        let language = self.keywords.found_in(message)?;
        Some(self.reply.texts_in(language))
    }

    /// Whether the account's own folded `message` ends the pause.
    pub(crate) fn resumes(&self, message: &str) -> bool {
        self.resume.found_in(message).is_some()
    }
}

/// Texts, by language where they have one: `"…"`, `["…", "…"]` or `{ en = …, es = … }`.
#[derive(Default)]
struct Spoken<'a>(Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>);

impl Spoken<'_> {
    /// The language of the first of these keywords that stands in the folded `message`.
    fn found_in(&self, message: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(_, keywords)| {
                keywords
                    .iter()
                    .any(|keyword| has_words(message, &folded(keyword)))
            })
            .map(|(language, _)| language.as_ref())
    }

    /// The texts in that language, or else the first ones.
    fn texts_in(&self, language: &str) -> &[Cow<'_, str>] {
        let same = self.0.iter().find(|(one, _)| one == language);
        same.or(self.0.first())
            .map_or(&[], |(_, texts)| texts.as_slice())
    }

    /// FNV-1a of all of them.
    fn digest(&self) -> u64 {
        let texts = self.0.iter().flat_map(|(_, texts)| texts);
        let bytes = texts.flat_map(|text| text.bytes().chain([0]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Spoken<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SpokenVisitor)
    }
}

struct SpokenVisitor;

impl<'de> Visitor<'de> for SpokenVisitor {
    type Value = Spoken<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list of texts, or these by language")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Spoken(vec![(Cow::Borrowed(""), vec![text.into()])]))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Spoken(vec![(
            Cow::Borrowed(""),
            vec![text.to_owned().into()],
        )]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = items.next_element()? {
            texts.push(text);
        }
        Ok(Spoken(vec![(Cow::Borrowed(""), texts)]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some((Text(language), inner)) = entries.next_entry::<_, Spoken<'de>>()? {
            let [(name, _)] = inner.0.as_slice() else {
                return Err(A::Error::custom("a language has texts, not languages"));
            };
            if !name.is_empty() {
                return Err(A::Error::custom("a language has texts, not languages"));
            }
            all.extend(
                inner
                    .0
                    .into_iter()
                    .map(|(_, texts)| (language.clone(), texts)),
            );
        }
        Ok(Spoken(all))
    }
}

/// A text that is copied only if it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"{"cooldown_minutes": 5, "answers": [
        {"keywords": {"en": ["price", "cost"], "es": ["precio", "cuánto cuesta"]},
         "reply": {"en": "From \"$10\"", "es": ["Desde 10 €", "¿Algo más?"]}, "cooldown_minutes": 0},
        {"keywords": {"en": "open", "de": "geöffnet"}, "reply": "9 to 18"}
    ], "hand_over": {"minutes": 30, "keywords": ["human", "persona"], "reply": "One moment", "resume": "bot on"}}"#;

    fn answers(message: &str) -> Result<Vec<String>, String> {
        let rules = Rules::parse(SHOP)?;
        let message = folded(message);
        let answers = rules.answers_to(&message);
        Ok(answers
            .flat_map(|answer| answer.texts.iter().map(ToString::to_string))
            .collect())
    }

    #[test]
    fn the_answer_is_in_the_language_of_the_keyword() {
        assert_eq!(answers("the PRICE?"), Ok(vec!["From \"$10\"".to_owned()]));
        assert_eq!(
            answers("Cuanto cuesta"),
            Ok(vec!["Desde 10 €".to_owned(), "¿Algo más?".to_owned()])
        );
        assert_eq!(answers("GEOFFNET?"), Ok(vec!["9 to 18".to_owned()]));
    }

    #[test]
    fn every_matching_rule_answers_in_order() {
        assert_eq!(
            answers("open? what cost?"),
            Ok(vec!["From \"$10\"".to_owned(), "9 to 18".to_owned()])
        );
    }

    #[test]
    fn a_rule_may_have_a_cooldown_of_its_own() -> Result<(), String> {
        let rules = Rules::parse(SHOP)?;
        let cooldowns: Vec<u64> = rules
            .answers_to("price open")
            .map(|answer| answer.cooldown_seconds)
            .collect();
        assert_eq!(cooldowns, [0, 300]);
        Ok(())
    }

    #[test]
    fn somebody_who_asks_for_a_person_is_told_and_the_account_may_resume() -> Result<(), String> {
        let rules = Rules::parse(SHOP)?;
        let hand_over = rules.hand_over.ok_or("there is one")?;
        assert_eq!(
            hand_over.asked_for("a human please").map(<[_]>::len),
            Some(1)
        );
        assert!(hand_over.asked_for("humanity").is_none());
        assert!(hand_over.resumes("bot on") && !hand_over.resumes("hello"));
        assert_eq!(hand_over.seconds(), 1800);
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (config, expected) in [
            (r#"{"answer": []}"#, "unknown field `answer`"),
            (
                r#"{"answers": [{"keywords": 5, "reply": "x"}]}"#,
                "a text, a list of texts",
            ),
            (
                r#"{"answers": [{"keywords": {"en": {"de": "x"}}, "reply": "x"}]}"#,
                "not languages",
            ),
            (
                r#"{"answers": [{"keywords": "x"}]}"#,
                "missing field `reply`",
            ),
            (r#"{"hand_over": {"minutes": 0}}"#, "1 or more"),
        ] {
            let error = Rules::parse(config).err().unwrap_or_default();
            assert!(error.contains(expected), "{config}: {error}");
        }
    }
}

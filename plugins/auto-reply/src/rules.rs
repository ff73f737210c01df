//! Keywords and their answers.
//!
//! A keyword matches as whole words in any case: `price` matches "Price?" and not "priceless";
//! `opening hours` matches both words with one space between.

use serde::Deserialize;

/// The `[config]` table of `plugin.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// Whether answers quote the message.
    #[serde(default)]
    pub(crate) quote: bool,
    /// Whether later extensions are kept from a message that was answered.
    #[serde(default)]
    pub(crate) stop: bool,
    /// What to answer to what.
    #[serde(default)]
    answers: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    keywords: Vec<String>,
    reply: Texts,
}

/// One text, or several that are sent one after the other.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Rules {
    /// Reads the config; the error says what is wrong with it.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json)
            .map_err(|error| format!("[config] in plugin.toml cannot be used: {error}"))
    }

    /// The texts to answer `message` with, in order.
    pub(crate) fn answers_to<'a>(&'a self, message: &str) -> impl Iterator<Item = &'a str> {
        let message = message.to_lowercase();
        let matching = self.answers.iter().filter(move |rule| {
            rule.keywords
                .iter()
                .any(|keyword| has_words(&message, &keyword.to_lowercase()))
        });
        matching.flat_map(|rule| match &rule.reply {
            Texts::One(text) => std::slice::from_ref(text).iter().map(String::as_str),
            Texts::Many(texts) => texts.iter().map(String::as_str),
        })
    }
}

/// Whether `words` stands in `text` with no letter or digit right before or after it.
fn has_words(text: &str, words: &str) -> bool {
    !words.is_empty()
        && text.match_indices(words).any(|(start, found)| {
            let before = text[..start].chars().next_back();
            let after = text[start + found.len()..].chars().next();
            let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !joins(before) && !joins(after)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(config: &str, message: &str) -> Result<Vec<String>, String> {
        Ok(Rules::parse(config)?
            .answers_to(message)
            .map(str::to_owned)
            .collect())
    }

    const SHOP: &str = r#"{"answers": [
        {"keywords": ["price", "Cost"], "reply": "From $10"},
        {"keywords": ["where are you"], "reply": ["12 High Street", "Ring twice"]}
    ]}"#;

    #[test]
    fn a_keyword_matches_as_a_whole_word_in_any_case() {
        assert_eq!(answers(SHOP, "PRICE?"), Ok(vec!["From $10".to_owned()]));
        assert_eq!(answers(SHOP, "the cost."), Ok(vec!["From $10".to_owned()]));
        assert_eq!(answers(SHOP, "priceless, costly"), Ok(vec![]));
        assert_eq!(answers(SHOP, "préprice priceé"), Ok(vec![]));
    }

    #[test]
    fn every_matching_rule_answers_in_order() {
        assert_eq!(
            answers(SHOP, "Where are you, and the price?"),
            Ok(vec![
                "From $10".to_owned(),
                "12 High Street".to_owned(),
                "Ring twice".to_owned()
            ])
        );
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let error = answers(r#"{"answer": []}"#, "x").err().unwrap_or_default();
        assert!(error.contains("unknown field `answer`"), "{error}");
    }
}

//! Conditions, compiled: what each asks, and whether it holds.

use warbler_domain::rule::{ChatMemory, Condition, Pattern, Words, fold, squeeze};

use super::reading::Reading;

/// A condition, with its words as they are looked for.
pub(super) enum Check {
    Text(How, Vec<String>),
    Pattern(Pattern),
    Plain(Condition),
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
}

/// How words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Is,
    ContainsAny,
    ContainsAll,
    HasWord,
    StartsWith,
    EndsWith,
}

/// What is known when a rule is looked at.
pub(super) struct Known<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) memory: &'a ChatMemory,
    /// Whether it is the first message of its chat.
    pub(super) first: bool,
    /// Whether case and accents count.
    pub(super) match_case: bool,
    /// Spread evenly from 0 to 99, another for each rule.
    pub(super) luck: u64,
}

impl Check {
    pub(super) fn new(condition: &Condition, match_case: bool) -> Self {
        let text = |how, words: &Words| {
            let words = words.iter().map(|word| {
                if match_case {
                    squeeze(word).into_owned()
                } else {
                    fold(word)
                }
            });
            Self::Text(how, words.collect())
        };
        let each = |list: &[Condition]| list.iter().map(|one| Self::new(one, match_case)).collect();
        match condition {
            Condition::Is(words) => text(How::Is, words),
            Condition::ContainsAny(words) => text(How::ContainsAny, words),
            Condition::ContainsAll(words) => text(How::ContainsAll, words),
            Condition::HasWord(words) => text(How::HasWord, words),
            Condition::StartsWith(words) => text(How::StartsWith, words),
            Condition::EndsWith(words) => text(How::EndsWith, words),
            Condition::Matches(pattern) => Self::Pattern(pattern.clone()),
            Condition::Any(list) => Self::Any(each(list)),
            Condition::All(list) => Self::All(each(list)),
            Condition::Not(one) => Self::Not(Box::new(Self::new(one, match_case))),
            other => Self::Plain(other.clone()),
        }
    }

    pub(super) fn holds(&self, known: &Known<'_>) -> bool {
        let reading = known.reading;
        match self {
            Self::Text(how, words) => {
                reading.text().is_some() && how.finds(words, reading.searched(known.match_case))
            }
            Self::Pattern(pattern) => reading
                .text()
                .is_some_and(|text| pattern.regex().is_match(text)),
            Self::Any(list) => list.iter().any(|one| one.holds(known)),
            Self::All(list) => list.iter().all(|one| one.holds(known)),
            Self::Not(one) => !one.holds(known),
            Self::Plain(condition) => plain(condition, known),
        }
    }

    /// Texts one of which stands in whatever it holds for; nothing when there are none.
    pub(super) fn literals(&self) -> Option<Vec<&str>> {
        match self {
            Self::Text(How::ContainsAll, words) => {
                let longest = words.iter().max_by_key(|word| word.len());
                longest.map(|word| vec![word.as_str()])
            }
            Self::Text(_, words) => Some(words.iter().map(String::as_str).collect()),
            Self::Any(list) => {
                let each: Option<Vec<Vec<&str>>> = list.iter().map(Self::literals).collect();
                each.map(|lists| lists.into_iter().flatten().collect())
            }
            Self::All(list) => {
                let each = list.iter().filter_map(Self::literals);
                each.min_by_key(Vec::len)
            }
            Self::Pattern(_) | Self::Plain(_) | Self::Not(_) => None,
        }
    }

    /// The regular expression that matches whatever it holds for, if it is one.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Pattern(pattern) => Some(pattern),
            Self::All(list) => list.iter().find_map(Self::pattern),
            _ => None,
        }
    }

    /// What the first regular expression that matches `text` found in it.
    pub(super) fn groups(&self, text: &str) -> Option<Vec<String>> {
        match self {
            Self::Pattern(pattern) => groups_of(pattern, text),
            Self::Any(list) | Self::All(list) => list.iter().find_map(|one| one.groups(text)),
            Self::Text(..) | Self::Plain(_) | Self::Not(_) => None,
        }
    }
}

/// What the groups of an expression found in a text, the first of them first.
pub(super) fn groups_of(pattern: &Pattern, text: &str) -> Option<Vec<String>> {
    let found = pattern.regex().captures(text)?;
    let groups = found.iter().skip(1);
    Some(
        groups
            .map(|group| group.map_or_else(String::new, |group| group.as_str().to_owned()))
            .collect(),
    )
}

impl How {
    fn finds(self, words: &[String], text: &str) -> bool {
        let mut words = words.iter().map(String::as_str);
        match self {
            Self::Is => words.any(|word| text == word),
            Self::ContainsAny => words.any(|word| text.contains(word)),
            Self::ContainsAll => words.all(|word| text.contains(word)),
            Self::HasWord => words.any(|word| has_word(text, word)),
            Self::StartsWith => words.any(|word| text.starts_with(word)),
            Self::EndsWith => words.any(|word| text.ends_with(word)),
        }
    }
}

/// Whether `word` stands in `text` with no letter or digit beside it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..);
        let after = after.and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn plain(condition: &Condition, known: &Known<'_>) -> bool {
    let (reading, memory) = (known.reading, known.memory);
    match condition {
        Condition::Kind(kinds) => reading.content().is_some_and(|content| kinds.has(content)),
        Condition::Direct => !reading.is_group(),
        Condition::Group => reading.is_group(),
        Condition::From(people) => reading.senders().any(|one| people.has(one)),
        Condition::In(people) => reading.chats().any(|one| people.has(one)),
        Condition::Between(hours) => hours.hold_at(reading.now()),
        Condition::OnDays(days) => days.hold_at(reading.now()),
        Condition::FirstContact => known.first,
        Condition::NewMember => !reading.is_message(),
        Condition::Chance(chance) => known.luck < u64::from(chance.percent()),
        Condition::State(state) => memory.is_in(state, reading.now()),
        Condition::Tagged(tag) => memory.has_tag(tag),
        // These are checks of their own.
        Condition::Is(_)
        | Condition::ContainsAny(_)
        | Condition::ContainsAll(_)
        | Condition::HasWord(_)
        | Condition::StartsWith(_)
        | Condition::EndsWith(_)
        | Condition::Matches(_)
        | Condition::Any(_)
        | Condition::All(_)
        | Condition::Not(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_word_of_its_own_has_no_letter_beside_it() {
        for (text, word, found) in [
            ("help me", "help", true),
            ("please help!", "help", true),
            ("helpless", "help", false),
            ("unhelpful help", "help", true),
            ("größe", "öß", false),
            ("c++ or rust", "c++", true),
            ("1234", "23", false),
            ("to be or not", "be or", true),
        ] {
            assert_eq!(has_word(text, word), found, "{text} {word}");
        }
    }
}

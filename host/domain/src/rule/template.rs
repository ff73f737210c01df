//! Texts with places to fill in: `Hello {{name}}, you asked for {{1}}`.
//!
//! They are [templates](crate::template) as campaigns have them; here it is said which fields a rule
//! knows.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ValueName, as_text};
use crate::template::{self, TemplateError};

/// A text with places to fill in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    read: template::Template,
    /// What each place, as it is written, is filled with.
    holes: Vec<(String, Hole)>,
}

/// What a place is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hole {
    /// What the sender is called; the number when there is no name.
    Name,
    /// The first word of it.
    FirstName,
    /// The text of the message.
    Text,
    /// The sender's number, such as `+15550100`.
    Phone,
    /// A group of the regular expression that matched, from 1.
    Group(u8),
    /// A value that was remembered in the chat.
    Value(ValueName),
}

/// A text whose places cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Nothing to say.
    #[error("a text must not be empty")]
    Empty,
    /// Too long.
    #[error("a text has at most {} bytes", Template::LONGEST)]
    TooLong,
    /// A place or choice that cannot be read.
    #[error(transparent)]
    Text(#[from] TemplateError),
    /// A place that is none.
    #[error(
        "`{{{{{0}}}}}` cannot be filled in; write {{{{name}}}}, {{{{first_name}}}}, {{{{text}}}}, {{{{phone}}}}, {{{{1}}}} to {{{{9}}}}, \
         or the name of a value that is remembered, and what stands there otherwise like this: {{{{ name.or(\"friend\") }}}}"
    )]
    Hole(String),
}

impl Template {
    /// Longest text, in bytes.
    pub const LONGEST: usize = 4096;

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The highest group of a regular expression in it.
    pub fn last_group(&self) -> Option<u8> {
        let groups = self.holes.iter().filter_map(|(_, hole)| match hole {
            Hole::Group(group) => Some(*group),
            _ => None,
        });
        groups.max()
    }

    /// The values that are to be remembered of which it has one to fill in.
    pub fn values(&self) -> impl Iterator<Item = &ValueName> {
        self.holes.iter().filter_map(|(_, hole)| match hole {
            Hole::Value(name) => Some(name),
            _ => None,
        })
    }

    /// Whether it stands for a value that is remembered.
    pub fn has_values(&self) -> bool {
        self.values().next().is_some()
    }

    /// The text, each place filled with what `fill` finds for it and each choice made by `below` (a
    /// number below its own), cut at [`Content::MAX_TEXT`](crate::Content::MAX_TEXT).
    pub fn filled(
        &self,
        fill: impl Fn(&Hole) -> Option<String>,
        below: impl Fn(usize) -> usize,
    ) -> String {
        let value = |field: &template::Field| {
            let mut holes = self.holes.iter();
            let (_, hole) = holes.find(|(written, _)| *written == field.written)?;
            fill(hole).map(Cow::Owned)
        };
        self.read.filled(value, below)
    }
}

impl FromStr for Template {
    type Err = BadTemplate;

    fn from_str(source: &str) -> Result<Self, BadTemplate> {
        if source.trim().is_empty() {
            return Err(BadTemplate::Empty);
        }
        if source.len() > Self::LONGEST {
            return Err(BadTemplate::TooLong);
        }
        let read = template::read(source)?;
        let fields = read.fields().into_iter();
        let holes = fields.map(|field| Ok((field.written.clone(), hole(&field.written)?)));
        let holes = holes.collect::<Result<_, BadTemplate>>()?;
        Ok(Self {
            source: source.to_owned(),
            read,
            holes,
        })
    }
}

fn hole(written: &str) -> Result<Hole, BadTemplate> {
    let same = |name: &str| template::is_same_name(written, name);
    let built_in = [
        ("name", Hole::Name),
        ("first_name", Hole::FirstName),
        ("text", Hole::Text),
        ("phone", Hole::Phone),
    ];
    if let Some((_, hole)) = built_in.into_iter().find(|(name, _)| same(name)) {
        return Ok(hole);
    }
    if let [digit @ b'1'..=b'9'] = written.as_bytes() {
        return Ok(Hole::Group(digit - b'0'));
    }
    let value = written.parse().map(Hole::Value);
    value.map_err(|_| BadTemplate::Hole(written.chars().take(40).collect()))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

as_text!(Template, BadTemplate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_or_say_what_stands_there_otherwise() -> Result<(), BadTemplate> {
        let text: Template =
            "Hi {{ first_name | friend }}, order {{1}} of {{city|nowhere}}!".parse()?;
        let fill = |hole: &Hole| match hole {
            Hole::Group(1) => Some("4711".to_owned()),
            Hole::FirstName => Some(String::new()),
            _ => None,
        };
        let filled = text.filled(fill, |_| 0);
        assert_eq!(filled, "Hi friend, order 4711 of nowhere!");
        assert_eq!(text.last_group(), Some(1));
        let long: Template =
            r#"Hi {{ FirstName.or("friend") }}, order {{ 1.or("?") }} of {{ city.or("nowhere").upper() }}!"#
                .parse()?;
        assert_eq!(
            long.filled(fill, |_| 0),
            "Hi friend, order 4711 of NOWHERE!"
        );
        assert!(long.has_values());
        Ok(())
    }

    #[test]
    fn one_of_the_choices_is_taken() -> Result<(), BadTemplate> {
        let text: Template = "{Hello|Hi {{name}}}!".parse()?;
        let filled = |choice| text.filled(|_| Some("Ada".to_owned()), |_| choice);
        assert_eq!(
            (filled(0).as_str(), filled(1).as_str()),
            ("Hello!", "Hi Ada!")
        );
        Ok(())
    }

    #[test]
    fn what_customers_write_is_never_filled_in_again() -> Result<(), BadTemplate> {
        let text: Template = "You said {{text}}".parse()?;
        let filled = text.filled(|_| Some("{{phone}}".to_owned()), |_| 0);
        assert_eq!(filled, "You said {{phone}}");
        Ok(())
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for wrong in [
            "",
            " ",
            "{{",
            "{{name",
            "{{}}",
            "{{ }}",
            "{{0}}",
            "{{10}}",
            "{{a b}}",
            "{{{{x}}",
            "{{ name.upper( }}",
            "{{ name.shout() }}",
            "{{name|a}b}}",
        ] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong:?}");
        }
    }
}

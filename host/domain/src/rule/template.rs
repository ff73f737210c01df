//! Texts with places to fill in: `Hello {{name}}, you asked for {{1}}`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ValueName, as_text};
use crate::content::Content;

/// A text with places to fill in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What stands there.
    Text(String),
    /// A place to fill in, and what stands there when there is nothing to fill it with.
    Hole(Hole, String),
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
    /// A place that does not end.
    #[error("`{{{{` is not closed by `}}}}`")]
    Open,
    /// A place that is none.
    #[error(
        "`{{{{{0}}}}}` cannot be filled in; write {{{{name}}}}, {{{{first_name}}}}, {{{{text}}}}, {{{{phone}}}}, {{{{1}}}} to {{{{9}}}}, \
         or the name of a value that is remembered, and what stands there otherwise after `|`: {{{{name|friend}}}}"
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
        let groups = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(Hole::Group(group), _) => Some(*group),
            _ => None,
        });
        groups.max()
    }

    /// Whether it stands for a value that is remembered.
    pub fn has_values(&self) -> bool {
        let mut pieces = self.pieces.iter();
        pieces.any(|piece| matches!(piece, Piece::Hole(Hole::Value(_), _)))
    }

    /// The text, each place filled with what `fill` finds for it, cut at [`Content::MAX_TEXT`].
    pub fn filled(&self, fill: impl Fn(&Hole) -> Option<String>) -> String {
        let mut filled = String::with_capacity(self.source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Hole(hole, otherwise) => match fill(hole) {
                    Some(value) if !value.is_empty() => filled.push_str(&value),
                    _ => filled.push_str(otherwise),
                },
            }
        }
        if filled.len() > Content::MAX_TEXT {
            filled.truncate(filled.floor_char_boundary(Content::MAX_TEXT));
        }
        filled
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
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once("{{") {
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            let (inside, after) = after.split_once("}}").ok_or(BadTemplate::Open)?;
            pieces.push(hole(inside)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self {
            source: source.to_owned(),
            pieces,
        })
    }
}

fn hole(inside: &str) -> Result<Piece, BadTemplate> {
    let (name, otherwise) = inside.split_once('|').unwrap_or((inside, ""));
    let bad = || BadTemplate::Hole(inside.chars().take(40).collect());
    let hole = match name.trim() {
        "name" => Hole::Name,
        "first_name" => Hole::FirstName,
        "text" => Hole::Text,
        "phone" => Hole::Phone,
        name => match name.as_bytes() {
            [digit @ b'1'..=b'9'] => Hole::Group(digit - b'0'),
            _ => Hole::Value(name.parse().map_err(|_| bad())?),
        },
    };
    Ok(Piece::Hole(hole, otherwise.trim().to_owned()))
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
        let filled = text.filled(|hole| match hole {
            Hole::Group(1) => Some("4711".to_owned()),
            Hole::FirstName => Some(String::new()),
            _ => None,
        });
        assert_eq!(filled, "Hi friend, order 4711 of nowhere!");
        assert_eq!(text.last_group(), Some(1));
        Ok(())
    }

    #[test]
    fn what_customers_write_is_never_filled_in_again() -> Result<(), BadTemplate> {
        let text: Template = "You said {{text}}".parse()?;
        let filled = text.filled(|_| Some("{{phone}}".to_owned()));
        assert_eq!(filled, "You said {{phone}}");
        Ok(())
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for wrong in [
            "", " ", "{{", "{{name", "{{}}", "{{ }}", "{{0}}", "{{10}}", "{{a b}}", "{{{{x}}",
        ] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong:?}");
        }
    }
}

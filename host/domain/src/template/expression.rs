//! One expression: a field, and what is done to it.

use super::{Field, MAX_EXPRESSION};

/// Most helpers of one expression.
const MAX_STEPS: usize = 8;
/// Most characters `short` leaves.
const MAX_SHORT: usize = 10_000;

/// `name.helper(…).helper(…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) field: Field,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Or(String),
    Upper,
    Lower,
    Capital,
    Title,
    Trim,
    FirstWord,
    Short(usize),
}

/// What stands between `{{` and `}}`.
#[derive(Debug)]
pub(super) enum Inside {
    /// A name alone.
    Plain(Field),
    /// A name, and what stands there otherwise.
    Short(Expression),
    Expression(Expression),
}

/// What was read, or what is wrong, so many bytes into it.
type Read = Result<Inside, (usize, Wrong)>;

/// Why it is neither.
#[derive(Debug)]
pub(super) enum Wrong {
    /// A helper that does not exist.
    Helper(String),
    /// Anything else.
    Syntax(&'static str),
}

impl Expression {
    /// What becomes of a value.
    pub(super) fn of(&self, value: &str) -> String {
        let mut text = value.to_owned();
        for step in &self.steps {
            text = step.of(text);
        }
        text
    }
}

impl Step {
    fn of(&self, text: String) -> String {
        match self {
            Self::Or(instead) if text.trim().is_empty() => instead.clone(),
            Self::Or(_) => text,
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Capital => capital(&text),
            Self::Title => {
                let words: Vec<String> = text.split(' ').map(capital).collect();
                words.join(" ")
            }
            Self::Trim => text.trim().to_owned(),
            Self::FirstWord => {
                let first = text.split_whitespace().next();
                first.unwrap_or_default().to_owned()
            }
            Self::Short(most) if text.chars().count() <= *most => text,
            Self::Short(most) => {
                let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
                short.push('…');
                short
            }
        }
    }

    fn named(name: &str, argument: Option<Argument>) -> Result<Self, Wrong> {
        let bare = |step: Self| match &argument {
            None => Ok(step),
            Some(_) => Err(Wrong::Syntax("this takes nothing between its brackets")),
        };
        match name {
            "or" => match argument {
                Some(Argument::Text(text)) => Ok(Self::Or(text)),
                _ => Err(Wrong::Syntax("`or` takes a text in quotes")),
            },
            "short" => match argument {
                Some(Argument::Number(most)) if (1..=MAX_SHORT).contains(&most) => {
                    Ok(Self::Short(most))
                }
                _ => Err(Wrong::Syntax(
                    "`short` takes a number of characters, 1 to 10000",
                )),
            },
            "upper" => bare(Self::Upper),
            "lower" => bare(Self::Lower),
            "capital" => bare(Self::Capital),
            "title" => bare(Self::Title),
            "trim" => bare(Self::Trim),
            "first_word" => bare(Self::FirstWord),
            other => Err(Wrong::Helper(other.to_owned())),
        }
    }
}

enum Argument {
    Text(String),
    Number(usize),
}

/// The text after `{{`, read up to its `}}`: how many bytes that are, and what it is. `None` when
/// no `}}` follows soon.
pub(super) fn inside(text: &str) -> Option<(usize, Read)> {
    let end = end_of(text)?;
    let content = text.get(..end)?;
    Some((end, read(content)))
}

/// Where the `}}` is that ends the text, quotes left out of account where they are closed.
fn end_of(text: &str) -> Option<usize> {
    let mut quote: Option<char> = None;
    let mut unquoted = None;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if index > MAX_EXPRESSION {
            break;
        }
        let ends = character == '}' && characters.peek().is_some_and(|(_, next)| *next == '}');
        if ends && unquoted.is_none() {
            unquoted = Some(index);
        }
        match quote {
            None if ends => return Some(index),
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None => {}
            Some(_) if character == '\n' => break,
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
        }
    }
    // A quote that is never closed: an apostrophe in a text, or a mistake that is told.
    unquoted
}

fn read(content: &str) -> Read {
    let mut reader = Reader {
        text: content,
        at: 0,
    };
    let plain = content.trim();
    if is_plain(plain) {
        return Ok(Inside::Plain(Field::new(plain)));
    }
    if let Some(short) = short(content) {
        return Ok(Inside::Short(short));
    }
    reader.skip_space();
    let written = reader.word();
    if written.is_empty() {
        return Err(reader.wrong("the name of a field is expected"));
    }
    let mut steps = Vec::new();
    loop {
        reader.skip_space();
        if reader.rest().is_empty() {
            break;
        }
        if !reader.take('.') {
            return Err(reader.wrong("after a field come `.` and what is done to it, or the end"));
        }
        if steps.len() == MAX_STEPS {
            return Err(reader.wrong("this does too much at once"));
        }
        reader.skip_space();
        let at = reader.at;
        let helper = reader.word();
        reader.skip_space();
        if !reader.take('(') {
            return Err(reader.wrong("brackets are missing: name.upper()"));
        }
        let argument = reader.argument()?;
        if !reader.take(')') {
            return Err(reader.wrong("a closing bracket is missing"));
        }
        let step = Step::named(&helper, argument).map_err(|wrong| (at, wrong))?;
        steps.push(step);
    }
    let field = Field::new(&written);
    Ok(Inside::Expression(Expression { field, steps }))
}

/// `name|otherwise`.
fn short(content: &str) -> Option<Expression> {
    let (name, otherwise) = content.split_once('|')?;
    let name = name.trim();
    let fits = is_plain(name) && !otherwise.contains(['|', '{', '}']);
    fits.then(|| Expression {
        field: Field::new(name),
        steps: vec![Step::Or(otherwise.trim().to_owned())],
    })
}

/// Whether this is a name, as people head the columns of a table: words of letters and digits.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, message: &'static str) -> (usize, Wrong) {
        (self.at, Wrong::Syntax(message))
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn word(&mut self) -> String {
        let word: String = self
            .rest()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        self.at += word.len();
        word
    }

    fn argument(&mut self) -> Result<Option<Argument>, (usize, Wrong)> {
        self.skip_space();
        let found = match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => Some(Argument::Text(self.quoted(quote)?)),
            Some(c) if c.is_ascii_digit() => {
                let digits: String = self
                    .rest()
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .collect();
                let number = digits.parse();
                let number = number.map_err(|_| self.wrong("the number is too large"))?;
                self.at += digits.len();
                Some(Argument::Number(number))
            }
            _ => None,
        };
        self.skip_space();
        Ok(found)
    }

    /// A text in quotes; `\` takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, (usize, Wrong)> {
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => text.extend(characters.next().map(|(_, next)| next)),
                end if end == quote => {
                    self.at += index + quote.len_utf8();
                    return Ok(text);
                }
                other => text.push(other),
            }
        }
        Err(self.wrong("the text has no closing quote"))
    }
}

/// With its first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

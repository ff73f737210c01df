//! From text to parts, in one pass over it.

use std::collections::HashSet;

use super::expression::{self, Inside, Wrong};
use super::{Field, MAX_DEPTH, Names, Part, TemplateError};

/// The parts of a text.
pub(super) fn parts(text: &str, names: Names<'_>) -> Result<Vec<Part>, TemplateError> {
    let parser = Parser::new(text, names)?;
    let mut tokens = parser.tokens.as_slice();
    Ok(parser.sequence(&mut tokens, 0)?.0)
}

/// A piece of a text before its choices are known.
#[derive(Debug)]
enum Token {
    Text(String),
    Part(Part),
    /// `{`, at this byte; whether it begins a choice is seen at the end.
    Open(usize),
    Bar,
    Close,
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// Which of the tokens between braces are a choice: its `{`, every `|`, its `}`.
    marks: HashSet<usize>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, names: Names<'_>) -> Result<Self, TemplateError> {
        let tokens = tokens(text, names)?;
        let marks = choices(&tokens);
        let parser = Self {
            text,
            tokens,
            marks,
        };
        match names {
            Names::Of(_) => Ok(parser),
            Names::Any => parser.closed(),
        }
    }

    /// Refuses two braces side by side that begin nothing.
    fn closed(self) -> Result<Self, TemplateError> {
        let pairs = self.tokens.iter().zip(self.tokens.iter().skip(1));
        for (index, pair) in pairs.enumerate() {
            let (Token::Open(at), Token::Open(next)) = pair else {
                continue;
            };
            if *next == at + 1 && !self.marks.contains(&index) {
                let (line, column) = place(self.text, *at);
                return Err(TemplateError::Open { line, column });
            }
        }
        Ok(self)
    }

    /// Parts up to the `|` or `}` of the choice they are in, and whether that was its end.
    fn sequence(
        &self,
        rest: &mut &[Token],
        depth: usize,
    ) -> Result<(Vec<Part>, bool), TemplateError> {
        let mut parts = Vec::new();
        while let Some((token, after)) = rest.split_first() {
            let counts = self.marks.contains(&(self.tokens.len() - rest.len()));
            *rest = after;
            match token {
                Token::Text(words) => say(&mut parts, words),
                Token::Part(part) => parts.push(part.clone()),
                Token::Open(at) if counts => {
                    if depth == MAX_DEPTH {
                        let (line, column) = place(self.text, *at);
                        return Err(TemplateError::TooDeep { line, column });
                    }
                    let mut options = Vec::new();
                    loop {
                        let (option, is_last) = self.sequence(rest, depth + 1)?;
                        options.push(option);
                        if is_last {
                            break;
                        }
                    }
                    parts.push(Part::Choice(options));
                }
                Token::Bar if counts => return Ok((parts, false)),
                Token::Close if counts => return Ok((parts, true)),
                Token::Open(_) => say(&mut parts, "{"),
                Token::Bar => say(&mut parts, "|"),
                Token::Close => say(&mut parts, "}"),
            }
        }
        Ok((parts, true))
    }
}

fn say(parts: &mut Vec<Part>, words: &str) {
    match parts.last_mut() {
        Some(Part::Text(text)) => text.push_str(words),
        _ => parts.push(Part::Text(words.to_owned())),
    }
}

/// The tokens that make choices: braces that belong together with a bar between them.
fn choices(tokens: &[Token]) -> HashSet<usize> {
    let mut marks = HashSet::new();
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(_) => open.push((index, Vec::new())),
            Token::Bar => {
                if let Some((_, bars)) = open.last_mut() {
                    bars.push(index);
                }
            }
            Token::Close => match open.pop() {
                Some((start, bars)) if !bars.is_empty() => {
                    marks.extend(bars.into_iter().chain([start, index]));
                }
                _ => {}
            },
            Token::Text(_) | Token::Part(_) => {}
        }
    }
    marks
}

fn tokens(text: &str, names: Names<'_>) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut words = String::new();
    let mut at = 0;
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if character == '\\'
            && let Some(next @ ('{' | '}' | '|' | '\\')) = rest.chars().nth(1)
        {
            words.push(next);
            at += 2;
            // `\{{` means two braces.
            if next == '{' && text.get(at..).is_some_and(|rest| rest.starts_with('{')) {
                words.push('{');
                at += 1;
            }
            continue;
        }
        let braced = rest.strip_prefix("{{");
        if let Some((length, part)) = braced
            .map(|rest| placeholder(text, at, rest, names))
            .transpose()?
            .flatten()
        {
            keep(&mut tokens, &mut words);
            tokens.push(Token::Part(part));
            at += length;
            continue;
        }
        let token = match character {
            '{' => Some(Token::Open(at)),
            '|' => Some(Token::Bar),
            '}' => Some(Token::Close),
            _ => None,
        };
        match token {
            Some(token) => {
                keep(&mut tokens, &mut words);
                tokens.push(token);
            }
            None => words.push(character),
        }
        at += character.len_utf8();
    }
    keep(&mut tokens, &mut words);
    Ok(tokens)
}

fn keep(tokens: &mut Vec<Token>, words: &mut String) {
    if !words.is_empty() {
        tokens.push(Token::Text(std::mem::take(words)));
    }
}

/// The placeholder or expression that begins at byte `at`, and its length; nothing when the braces
/// there are those of a choice, or just braces.
fn placeholder(
    text: &str,
    at: usize,
    rest: &str,
    names: Names<'_>,
) -> Result<Option<(usize, Part)>, TemplateError> {
    let Some((end, read)) = expression::inside(rest) else {
        return Ok(None);
    };
    let begins = at + 2;
    let length = end + 4;
    let content = rest.get(..end).unwrap_or_default();
    let unknown = |field: Field| {
        let spaces = content.len() - content.trim_start().len();
        let (line, column) = place(text, begins + spaces);
        let known = match names {
            Names::Of(known) => known.join(", "),
            Names::Any => String::new(),
        };
        TemplateError::UnknownName {
            name: field.written,
            known,
            line,
            column,
        }
    };
    match read {
        Ok(Inside::Plain(field)) => {
            let written = text.get(at..at + length).unwrap_or_default().to_owned();
            let known = names.has(&field);
            Ok(Some((
                length,
                Part::Plain {
                    written,
                    field,
                    known,
                },
            )))
        }
        Ok(Inside::Short(of) | Inside::Expression(of)) if names.has(&of.field) => {
            Ok(Some((length, Part::Expression(of))))
        }
        // A choice between braces.
        Ok(Inside::Short(_)) => Ok(None),
        Ok(Inside::Expression(of)) => Err(unknown(of.field)),
        // `{{a|b}|c}}` is a choice in a choice.
        Err(_) if content.contains(['|', '{', '}']) && !content.contains(['"', '\'']) => Ok(None),
        Err((offset, wrong)) => {
            let (line, column) = place(text, begins + offset);
            Err(match wrong {
                Wrong::Helper(name) => TemplateError::UnknownHelper { name, line, column },
                Wrong::Syntax(message) => TemplateError::Syntax {
                    message: message.to_owned(),
                    line,
                    column,
                },
            })
        }
    }
}

/// Line and column of a byte, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

//! The texts of campaigns and of rules: placeholders, small expressions, and a choice of words.
//!
//! | written | what becomes of it |
//! |---|---|
//! | `{{Name}}` | the field, whatever the case of its name; an unknown one stays as it is |
//! | `{{ first_name.or("friend").capital() }}` | the field after some [helpers](HELPERS); an unknown one is refused |
//! | `{{first_name\|friend}}` | short for `{{ first_name.or("friend") }}`, where there is such a field |
//! | `{hello\|hi\|hey {you\|there}}` | one of these, chosen anew for every recipient |
//! | `\{`, `\}`, `\|`, `\\` | the character itself |
//!
//! `first_name`, `FirstName` and `First name` are one name. A brace that is no part of any of these is
//! a brace. There are no loops and no conditions; what needs more is an extension's to write.
//!
//! Invariant: a [`Template`] can be rendered for every recipient; only the size of what comes out can
//! still be refused.

mod expression;
mod parse;

use std::borrow::Cow;

use crate::content::Content;
use crate::random::Random;
use crate::refusal::{Refusal, RefusalKind};

use expression::Expression;

/// What an expression may do to a field, in words.
pub const HELPERS: &str =
    "or(\"text\"), upper(), lower(), capital(), title(), trim(), first_word(), short(number)";

/// Deepest choices within choices.
pub const MAX_DEPTH: usize = 8;
/// Longest placeholder or expression, in bytes.
pub const MAX_EXPRESSION: usize = 512;

/// A text that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `{{Name}}`: how it is written, and its name in one form. `known` ones leave nothing behind
    /// where a recipient has no such field.
    Plain {
        written: String,
        field: Field,
        known: bool,
    },
    Expression(Expression),
    Choice(Vec<Vec<Part>>),
}

/// A field as a text names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// As it is written.
    pub written: String,
    /// In one form.
    name: String,
}

impl Field {
    fn new(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            name: one_form(written),
        }
    }
}

/// Which fields a text may name.
#[derive(Clone, Copy)]
enum Names<'n> {
    /// These.
    Of(&'n [&'n str]),
    /// Any; who asks looks at them afterwards. Braces that are never closed are a mistake then.
    Any,
}

impl Names<'_> {
    fn has(self, field: &Field) -> bool {
        let has = |known: &[&str], name: &str| known.iter().any(|one| one_form(one) == name);
        match self {
            Self::Of(known) => {
                has(known, &field.name)
                    || other_name(&field.name).is_some_and(|name| has(known, name))
            }
            Self::Any => true,
        }
    }
}

/// Why a text cannot be a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A template, and what becomes of it, has at most [`Content::MAX_TEXT`] bytes.
    #[error("a text has at most {} bytes", Content::MAX_TEXT)]
    TooLong,
    /// Choices within choices within choices.
    #[error("line {line}, column {column}: choices are at most {MAX_DEPTH} deep in one another")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// An expression names a field that recipients do not have.
    #[error("line {line}, column {column}: there is no `{name}`; there are {known}")]
    UnknownName {
        /// What was written.
        name: String,
        /// All names there are, with commas.
        known: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// An expression wants something done that nobody does.
    #[error("line {line}, column {column}: there is no `{name}`; a field can have {HELPERS}")]
    UnknownHelper {
        /// What was written.
        name: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// Two braces that begin neither a placeholder nor a choice.
    #[error(
        "line {line}, column {column}: `{{{{` is not closed by `}}}}` as a placeholder is; for braces write `\\{{{{`"
    )]
    Open {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// An expression that cannot be read.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
}

impl Refusal for TemplateError {
    fn kind(&self) -> RefusalKind {
        RefusalKind::Invalid
    }

    fn code(&self) -> &'static str {
        "bad_template"
    }
}

/// Reads a template whose recipients have the fields `known`.
///
/// # Errors
///
/// Expressions are checked here, so that a mistake is told when a text is saved.
pub fn check<S: AsRef<str>>(text: &str, known: &[S]) -> Result<Template, TemplateError> {
    if text.len() > Content::MAX_TEXT {
        return Err(TemplateError::TooLong);
    }
    let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let parts = parse::parts(text, Names::Of(&names))?;
    Ok(Template { parts })
}

/// Reads a template whose fields are looked at by who asks: see [`Template::fields`].
///
/// # Errors
///
/// As [`check`], and where `{{` is not closed.
pub fn read(text: &str) -> Result<Template, TemplateError> {
    if text.len() > Content::MAX_TEXT {
        return Err(TemplateError::TooLong);
    }
    let parts = parse::parts(text, Names::Any)?;
    Ok(Template { parts })
}

impl Template {
    /// The text for a recipient with these fields: names and values. Choices are made by `random`.
    ///
    /// # Errors
    ///
    /// Only [`TemplateError::TooLong`].
    pub fn render(
        &self,
        fields: &[(String, String)],
        random: &Random,
    ) -> Result<String, TemplateError> {
        let filling = Filling {
            value: &|field| value(fields, &field.name).map(Cow::Borrowed),
            below: &|bound| random.below(bound),
        };
        let mut text = String::new();
        filling.write(&self.parts, &mut text)?;
        Ok(text)
    }

    /// The text with what `value` finds for its fields and what `below` (a number below its own)
    /// chooses, cut at [`Content::MAX_TEXT`].
    pub fn filled<'v>(
        &self,
        value: impl Fn(&Field) -> Option<Cow<'v, str>>,
        below: impl Fn(usize) -> usize,
    ) -> String {
        let filling = Filling {
            value: &value,
            below: &below,
        };
        let mut text = String::new();
        if filling.write(&self.parts, &mut text).is_err() {
            text.truncate(text.floor_char_boundary(Content::MAX_TEXT));
        }
        text
    }

    /// The fields it names.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        gather(&self.parts, &mut fields);
        fields
    }

    /// Whether the text is the same for all recipients.
    pub fn is_plain(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }
}

fn gather<'p>(parts: &'p [Part], fields: &mut Vec<&'p Field>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Plain { field, .. } => fields.push(field),
            Part::Expression(expression) => fields.push(&expression.field),
            Part::Choice(options) => options.iter().for_each(|option| gather(option, fields)),
        }
    }
}

/// What a text is filled with.
struct Filling<'f, 'v> {
    value: &'f dyn Fn(&Field) -> Option<Cow<'v, str>>,
    below: &'f dyn Fn(usize) -> usize,
}

impl Filling<'_, '_> {
    fn write(&self, parts: &[Part], text: &mut String) -> Result<(), TemplateError> {
        for part in parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Plain {
                    written,
                    field,
                    known,
                } => match (self.value)(field) {
                    Some(value) => text.push_str(&value),
                    None if *known => {}
                    None => text.push_str(written),
                },
                Part::Expression(expression) => {
                    let value = (self.value)(&expression.field).unwrap_or_default();
                    text.push_str(&expression.of(&value));
                }
                Part::Choice(options) => {
                    if let Some(option) = options.get((self.below)(options.len())) {
                        self.write(option, text)?;
                    }
                }
            }
            if text.len() > Content::MAX_TEXT {
                return Err(TemplateError::TooLong);
            }
        }
        Ok(())
    }
}

/// A field by its name in one form.
fn value<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let find = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| one_form(field) == name)
            .map(|(_, value)| value.as_str())
    };
    find(name).or_else(|| find(other_name(name)?))
}

/// Whether two names are the same whatever their case and what joins their words.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    one_form(one) == one_form(other)
}

/// What a name is looked up by: in lower case, without what joins words.
fn one_form(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The other name of a field: people write `{{Company}}` for what the API calls `companyName`.
fn other_name(name: &str) -> Option<&'static str> {
    match name {
        "company" => Some("companyname"),
        "companyname" => Some("company"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), TemplateError>;

    fn fields() -> Vec<(String, String)> {
        [
            ("name", "Ana Lima"),
            ("companyName", "Lima & Co"),
            ("first_name", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn rendered(text: &str) -> Result<String, TemplateError> {
        let known = ["name", "companyName", "first_name", "jobTitle"];
        check(text, &known)?.render(&fields(), &Random::seeded(1))
    }

    #[test]
    fn plain_placeholders_are_filled_whatever_their_case() -> Outcome {
        assert_eq!(
            rendered("Hi {{Name}} and {{ NAME }} of {{Company}}!")?,
            "Hi Ana Lima and Ana Lima of Lima & Co!"
        );
        Ok(())
    }

    #[test]
    fn an_unknown_plain_placeholder_stays_and_a_missing_value_leaves_nothing() -> Outcome {
        assert_eq!(
            rendered("{{Colour}}|{{JobTitle}}|{{ Colour }}")?,
            "{{Colour}}||{{ Colour }}"
        );
        Ok(())
    }

    #[test]
    fn expressions_do_what_their_helpers_say() -> Outcome {
        for (text, expected) in [
            (r#"{{ first_name.or("friend") }}"#, "friend"),
            (r#"{{first_name.or("fr|i}}end")}}"#, "fr|i}}end"),
            (r#"{{ FirstName.or('a "b"').upper() }}"#, r#"A "B""#),
            ("{{name.first_word()}}", "Ana"),
            ("{{name.upper()}} {{name.lower()}}", "ANA LIMA ana lima"),
            ("{{ first_name.or(\"ana maria\").title() }}", "Ana Maria"),
            (
                "{{ first_name.or(\" ana maria \").trim().capital() }}",
                "Ana maria",
            ),
            ("{{name.short(5)}}", "Ana …"),
        ] {
            assert_eq!(rendered(text)?, expected, "{text}");
        }
        Ok(())
    }

    #[test]
    fn the_short_form_says_what_stands_there_otherwise() -> Outcome {
        for (text, expected) in [
            ("{{first_name|friend}}", "friend"),
            ("{{ First Name | it's you }}!", "it's you!"),
            ("{{name|friend}}", "Ana Lima"),
            ("{{jobTitle|}}.", "."),
        ] {
            assert_eq!(rendered(text)?, expected, "{text}");
        }
        // Without such a field it is a choice between braces, as ever.
        let chosen = rendered("{{hi|hi}}")?;
        assert_eq!(chosen, "{hi}");
        Ok(())
    }

    #[test]
    fn an_expression_over_an_unknown_name_is_refused_with_those_there_are() {
        let error = rendered("Hi\n{{ frist_name.or(\"you\") }}").err();
        assert_eq!(
            error.map(|error| error.to_string()).unwrap_or_default(),
            "line 2, column 4: there is no `frist_name`; there are name, companyName, first_name, jobTitle"
        );
    }

    #[test]
    fn loops_functions_and_broken_expressions_are_refused() {
        for text in [
            "{{#each name}}",
            "{{ name.repeat(9) }}",
            "{{ name.or(name) }}",
            "{{ name.or(\"x\" }}",
            "{{ name + name }}",
            "{{ upper(name) }}",
            "{{ name.short(0) }}",
            "{{}}",
        ] {
            let error = rendered(text).err();
            assert!(error.is_some(), "{text}");
        }
    }

    #[test]
    fn one_of_the_choices_is_taken_and_every_one_sometimes() -> Outcome {
        let template = check("{hello|hi {you|there}}, {{Name}}", &["name"])?;
        let mut seen = std::collections::BTreeSet::new();
        let random = Random::seeded(3);
        for _ in 0..200 {
            seen.insert(template.render(&fields(), &random)?);
        }
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(
            seen,
            ["hello, Ana Lima", "hi there, Ana Lima", "hi you, Ana Lima"]
        );
        Ok(())
    }

    #[test]
    fn braces_that_are_no_choice_stay_and_escaped_ones_are_themselves() -> Outcome {
        for text in [
            "{",
            "}",
            "a { b",
            "{a}",
            "{\"json\": 1}",
            "{{",
            ":-} }{",
            "a\\b",
        ] {
            assert_eq!(rendered(text)?, text);
        }
        assert_eq!(rendered(r"\{a\|b\} \{{Name}} \\")?, r"{a|b} {{Name}} \");
        assert_eq!(rendered(r"{a\|b|a\|b}")?, "a|b");
        assert_eq!(rendered("{{a|a}|a}")?, "a");
        Ok(())
    }

    #[test]
    fn choices_deeper_than_eight_are_refused() {
        let deep = format!("{}a{}", "{a|".repeat(9), "}".repeat(9));
        assert!(matches!(
            rendered(&deep),
            Err(TemplateError::TooDeep { .. })
        ));
        let open = "{a|".repeat(20_000);
        assert_eq!(rendered(&open).as_deref(), Ok(open.as_str()));
    }

    #[test]
    fn a_text_that_becomes_too_long_is_refused() -> Outcome {
        let template = check(&"{{Name}}".repeat(1000), &["name"])?;
        let long = [("name".to_owned(), "x".repeat(1000))];
        let made = template.render(&long, &Random::seeded(1));
        assert_eq!(made, Err(TemplateError::TooLong));
        assert!(check(&"x".repeat(Content::MAX_TEXT + 1), &["name"]).is_err());
        Ok(())
    }
}

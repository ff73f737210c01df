//! Writes a template for one recipient.

use crate::filters::{self, Manner};
use crate::number::Number;
use crate::syntax::{Comparison, Condition, Operator, Part, Place, Value};

/// Most texts written for one message, in bytes; the host refuses more.
const MAX_TEXT: usize = 64 * 1024;

/// Everything that is known of a recipient.
pub(crate) struct Known<'r> {
    /// Names and values; the first of a name counts.
    pub(crate) values: Vec<(&'r str, &'r str)>,
    pub(crate) manner: Manner<'r>,
    /// What choices are made by: the same for the same template and recipient.
    pub(crate) seed: u64,
}

/// Writes `parts`; the error says what is wrong where.
pub(crate) fn render(parts: &[Part<'_>], known: &Known<'_>) -> Result<String, String> {
    let mut out = String::new();
    known.write(parts, &mut out)?;
    Ok(out)
}

impl Known<'_> {
    fn write(&self, parts: &[Part<'_>], out: &mut String) -> Result<(), String> {
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(value) => out.push_str(&self.value(value)?),
                Part::Choice(number, texts) => {
                    let many = u64::try_from(texts.len()).unwrap_or(1).max(1);
                    let chosen = usize::try_from(mixed(self.seed ^ number.rotate_left(32)) % many);
                    let chosen = chosen.ok().and_then(|chosen| texts.get(chosen));
                    self.write(chosen.map_or(&[], Vec::as_slice), out)?;
                }
                Part::If(branches) => {
                    for (condition, parts) in branches {
                        let holds = condition.as_ref().map_or(Ok(true), |it| self.holds(it));
                        if holds? {
                            self.write(parts, out)?;
                            break;
                        }
                    }
                }
            }
            if out.len() > MAX_TEXT {
                return Err(format!("the text is longer than {} KiB", MAX_TEXT / 1024));
            }
        }
        Ok(())
    }

    fn value(&self, value: &Value<'_>) -> Result<String, String> {
        let mut text = self.find(value.name, value.place)?.to_owned();
        for (filter, argument) in &value.filters {
            text = filters::apply(&self.manner, &text, filter, argument)
                .map_err(|error| value.place.says(&format!("{}: {error}", value.name)))?;
        }
        Ok(text)
    }

    fn holds(&self, condition: &Condition<'_>) -> Result<bool, String> {
        for group in &condition.any_of {
            let mut all = true;
            for comparison in group {
                let value = self.find(comparison.name, condition.place)?;
                all &= compares(value, comparison);
            }
            if all {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn find(&self, name: &str, place: Place) -> Result<&str, String> {
        let found = self
            .values
            .iter()
            .find(|(one, _)| one.to_lowercase() == name.to_lowercase());
        found.map(|(_, value)| *value).ok_or_else(|| {
            let mut names: Vec<&str> = self.values.iter().map(|(name, _)| *name).collect();
            names.dedup();
            let known = names.join(", ");
            place.says(&format!("nothing is known as `{name}`; known are {known}"))
        })
    }
}

fn compares(value: &str, comparison: &Comparison<'_>) -> bool {
    let than = comparison.than;
    let order = match (Number::parse(value), Number::parse(than)) {
        (Some(value), Some(than)) => value.billionths().cmp(&than.billionths()),
        _ => value.trim().to_lowercase().cmp(&than.to_lowercase()),
    };
    let given = !matches!(
        value.trim().to_lowercase().as_str(),
        "" | "0" | "no" | "false"
    );
    match comparison.operator {
        Operator::Given => given,
        Operator::NotGiven => !given,
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::More => order.is_gt(),
        Operator::AtLeast => order.is_ge(),
    }
}

/// FNV-1a of texts, to make choices by.
pub(crate) fn seed(texts: [&str; 2]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number whose every bit depends on every bit of `seed`.
fn mixed(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let seed = (seed ^ (seed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    seed ^ (seed >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::language::Language;
    use crate::syntax::parse;

    fn written_for(template: &str, to: &str, language: &str) -> Result<String, String> {
        let known = Known {
            values: vec![
                ("name", "Ana Lima"),
                ("city", "Lisbon"),
                ("Total", "1234.5"),
                ("items", "2"),
                ("due", "2026-03-05"),
                ("note", ""),
            ],
            manner: Manner {
                language: Language::of(language)?,
                currency: "EUR",
            },
            seed: seed([to, template]),
        };
        render(&parse(template)?, &known)
    }

    fn written(template: &str) -> Result<String, String> {
        written_for(template, "15550100@s.whatsapp.net", "en")
    }

    #[test]
    fn values_stand_in_for_their_names() {
        assert_eq!(
            written("Hi {{name | first}}, {{ total|money }} are due on {{DUE | date}}."),
            Ok("Hi Ana, €1,234.50 are due on March 5, 2026.".to_owned())
        );
        assert_eq!(
            written_for(
                "{{items | plural: one = # livro; other = # livros}}",
                "x",
                "pt"
            ),
            Ok("2 livros".to_owned())
        );
    }

    #[test]
    fn the_first_condition_that_holds_decides() {
        for (template, expected) in [
            ("{{if city = lisbon}}here{{else}}there{{end}}", "here"),
            (
                "{{if total > 1000 and items < 2}}a{{else if items = 2}}b{{else}}c{{end}}",
                "b",
            ),
            ("{{if note or city}}a{{end}}!", "a!"),
            ("{{if not note}}a{{if name}}b{{end}}{{end}}", "ab"),
            ("{{if total >= 1234.50}}yes{{end}}", "yes"),
            ("{{if due < 2026-04-01}}soon{{end}}", "soon"),
        ] {
            assert_eq!(written(template), Ok(expected.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_choice_is_the_same_for_the_same_recipient_and_differs_among_many() -> Result<(), String> {
        let template = "{Hi|Hello|{Good|Nice} day} {{name}}{|!}";
        let mut seen = BTreeSet::new();
        for number in 0..60 {
            let to = format!("1555{number}@s.whatsapp.net");
            let text = written_for(template, &to, "en")?;
            assert_eq!(text, written_for(template, &to, "en")?);
            seen.insert(text);
        }
        assert_eq!(seen.len(), 8, "{seen:?}");
        Ok(())
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        assert_eq!(
            written("Hi {{nmae}}"),
            Err("line 1, column 4: nothing is known as `nmae`; known are name, city, Total, items, due, note".to_owned())
        );
        assert!(written("{{if nmae}}x{{end}}").is_err());
        assert!(written("{a {{nmae}}|b {{nmae}}}").is_err());
    }

    #[test]
    fn what_a_value_says_is_never_read_as_a_template() -> Result<(), String> {
        let known = Known {
            values: vec![("name", "{{city}} {a|b} \\")],
            manner: Manner {
                language: Language::of("en")?,
                currency: "EUR",
            },
            seed: 1,
        };
        assert_eq!(render(&parse("{{name}}")?, &known)?, "{{city}} {a|b} \\");
        Ok(())
    }

    #[test]
    fn escaped_braces_and_bars_are_themselves() {
        assert_eq!(written(r"\{a\|b\} {x\|y|x\|y}"), Ok("{a|b} x|y".to_owned()));
    }
}
